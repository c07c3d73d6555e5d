package cryptoki

// Mechanisms (CKM).
const (
	RSAPKCSKeyPairGen MechanismType = 0x0000
	RSAPKCS           MechanismType = 0x0001
	RSAX509           MechanismType = 0x0003
	SHA1RSAPKCS       MechanismType = 0x0006
	RSAPKCSOAEP       MechanismType = 0x0009
	RSAPKCSPSS        MechanismType = 0x000D
	SHA1RSAPSS        MechanismType = 0x000E
	SHA256RSAPKCS     MechanismType = 0x0040
	SHA384RSAPKCS     MechanismType = 0x0041
	SHA512RSAPKCS     MechanismType = 0x0042
	SHA256RSAPSS      MechanismType = 0x0043
	SHA384RSAPSS      MechanismType = 0x0044
	SHA512RSAPSS      MechanismType = 0x0045
	SHA224RSAPKCS     MechanismType = 0x0046
	SHA224RSAPSS      MechanismType = 0x0047
	SHA3256RSAPKCS    MechanismType = 0x0060
	SHA3384RSAPKCS    MechanismType = 0x0061
	SHA3512RSAPKCS    MechanismType = 0x0062
	SHA3256RSAPSS     MechanismType = 0x0063
	SHA3384RSAPSS     MechanismType = 0x0064
	SHA3512RSAPSS     MechanismType = 0x0065
	SHA3224RSAPKCS    MechanismType = 0x0066
	SHA3224RSAPSS     MechanismType = 0x0067

	SHA1        MechanismType = 0x0220
	SHA1HMAC    MechanismType = 0x0221
	SHA256      MechanismType = 0x0250
	SHA256HMAC  MechanismType = 0x0251
	SHA224      MechanismType = 0x0255
	SHA224HMAC  MechanismType = 0x0256
	SHA384      MechanismType = 0x0260
	SHA384HMAC  MechanismType = 0x0261
	SHA512      MechanismType = 0x0270
	SHA512HMAC  MechanismType = 0x0271
	SHA3256     MechanismType = 0x02B0
	SHA3256HMAC MechanismType = 0x02B1
	SHA3224     MechanismType = 0x02B5
	SHA3224HMAC MechanismType = 0x02B6
	SHA3384     MechanismType = 0x02C0
	SHA3384HMAC MechanismType = 0x02C1
	SHA3512     MechanismType = 0x02D0
	SHA3512HMAC MechanismType = 0x02D1

	GenericSecretKeyGen MechanismType = 0x0350

	ECKeyPairGen        MechanismType = 0x1040
	ECDSA               MechanismType = 0x1041
	ECDSASHA1           MechanismType = 0x1042
	ECDSASHA224         MechanismType = 0x1043
	ECDSASHA256         MechanismType = 0x1044
	ECDSASHA384         MechanismType = 0x1045
	ECDSASHA512         MechanismType = 0x1046
	ECDSASHA3224        MechanismType = 0x1047
	ECDSASHA3256        MechanismType = 0x1048
	ECDSASHA3384        MechanismType = 0x1049
	ECDSASHA3512        MechanismType = 0x104A
	ECDH1Derive         MechanismType = 0x1050
	ECDH1CofactorDerive MechanismType = 0x1051

	AESKeyGen MechanismType = 0x1080
	AESECB    MechanismType = 0x1081
	AESCBC    MechanismType = 0x1082
	AESCBCPad MechanismType = 0x1085
	AESCTR    MechanismType = 0x1086
)

// vendorDefined is CKM_VENDOR_DEFINED, and "CV" after it: what other vendors number
// from 1 is not taken for ours.
const vendorDefined = 0x80000000 | 'C'<<16 | 'V'<<8

// ConclaveDKEKWrap wraps and unwraps private keys of the token under its DKEK
// (CKM_CONCLAVE_DKEK_WRAP). It has no parameter, and the DKEK as the wrapping key.
const ConclaveDKEKWrap MechanismType = vendorDefined | 0x01

// What a mechanism can do (CKF).
const (
	MechanismHardware        Flags = 0x00000001 // the device does it (CKF_HW)
	MechanismEncrypt         Flags = 0x00000100
	MechanismDecrypt         Flags = 0x00000200
	MechanismDigest          Flags = 0x00000400
	MechanismSign            Flags = 0x00000800
	MechanismSignRecover     Flags = 0x00001000
	MechanismVerify          Flags = 0x00002000
	MechanismVerifyRecover   Flags = 0x00004000
	MechanismGenerate        Flags = 0x00008000
	MechanismGenerateKeyPair Flags = 0x00010000
	MechanismWrap            Flags = 0x00020000
	MechanismUnwrap          Flags = 0x00040000
	MechanismDerive          Flags = 0x00080000
	MechanismECPrime         Flags = 0x00100000 // CKF_EC_F_P
	MechanismECNamed         Flags = 0x00800000 // CKF_EC_OID
	MechanismECUncompressed  Flags = 0x01000000
	MechanismECCurveName     Flags = 0x04000000
)

// MGF is a mask generation function (CKG), all of which are MGF1 with a hash.
type MGF uint64

// The mask generation functions.
const (
	MGF1SHA1    MGF = 1
	MGF1SHA256  MGF = 2
	MGF1SHA384  MGF = 3
	MGF1SHA512  MGF = 4
	MGF1SHA224  MGF = 5
	MGF1SHA3224 MGF = 6
	MGF1SHA3256 MGF = 7
	MGF1SHA3384 MGF = 8
	MGF1SHA3512 MGF = 9
)

// OAEPDataSpecified is the one source of OAEP's label (CKZ_DATA_SPECIFIED).
const OAEPDataSpecified = 1

// KDF is a key derivation function of a key agreement (CKD).
type KDF uint64

// The key derivation functions: none, and ANSI X9.63's with a hash.
const (
	KDFNull    KDF = 0x01
	KDFSHA1    KDF = 0x02
	KDFSHA224  KDF = 0x05
	KDFSHA256  KDF = 0x06
	KDFSHA384  KDF = 0x07
	KDFSHA512  KDF = 0x08
	KDFSHA3224 KDF = 0x0A
	KDFSHA3256 KDF = 0x0B
	KDFSHA3384 KDF = 0x0C
	KDFSHA3512 KDF = 0x0D
)
