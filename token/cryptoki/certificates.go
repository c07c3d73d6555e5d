package cryptoki

// CertificateType is the kind of a certificate (CKC).
type CertificateType uint64

// The kinds of certificate. A CVC has the number that CardContact's module gives it
// (sc-hsm-embedded, src/sc-hsm/sc-hsm-pkcs11.h, CKC_CVC_TR3110).
const (
	CertificateX509 CertificateType = 0x00
	CertificateCVC  CertificateType = 0x80000001
)

// CertificateCategory says whose certificate it is (CK_CERTIFICATE_CATEGORY).
type CertificateCategory uint64

// The categories.
const (
	CategoryUnspecified CertificateCategory = 0
	CategoryToken       CertificateCategory = 1
	CategoryAuthority   CertificateCategory = 2
)

// Attributes of certificates.
const (
	AttrURL               AttributeType = 0x089
	AttrHashOfSubjectKey  AttributeType = 0x08A
	AttrHashOfIssuerKey   AttributeType = 0x08B
	AttrNameHashAlgorithm AttributeType = 0x08C
)

// Attributes of keys of a SmartCard-HSM, with the numbers that CardContact's module
// gives them (sc-hsm-embedded, src/sc-hsm/sc-hsm-pkcs11.h).
const (
	AttrUseCounter    AttributeType = 0x80000108 // CK_ULONG: uses left
	AttrAlgorithmList AttributeType = 0x80000109 // bytes: algorithms of the device that the key allows
	AttrKeyDomain     AttributeType = 0x80000111 // one byte: number of the key domain
)
