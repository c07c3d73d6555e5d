package cryptoki

// Classes of objects.
const (
	ClassData        Class = 0
	ClassCertificate Class = 1
	ClassPublicKey   Class = 2
	ClassPrivateKey  Class = 3
	ClassSecretKey   Class = 4
)

// Types of keys.
const (
	KeyRSA           KeyType = 0x00
	KeyEC            KeyType = 0x03
	KeyGenericSecret KeyType = 0x10
	KeyAES           KeyType = 0x1F
)

// Users.
const (
	SecurityOfficer UserType = 0
	User            UserType = 1
	ContextSpecific UserType = 2
)

// Attributes.
const (
	AttrClass               AttributeType = 0x000
	AttrToken               AttributeType = 0x001
	AttrPrivate             AttributeType = 0x002
	AttrLabel               AttributeType = 0x003
	AttrUniqueID            AttributeType = 0x004
	AttrApplication         AttributeType = 0x010
	AttrValue               AttributeType = 0x011
	AttrObjectID            AttributeType = 0x012
	AttrCertificateType     AttributeType = 0x080
	AttrIssuer              AttributeType = 0x081
	AttrSerialNumber        AttributeType = 0x082
	AttrTrusted             AttributeType = 0x086
	AttrCertificateCategory AttributeType = 0x087
	AttrCheckValue          AttributeType = 0x090
	AttrKeyType             AttributeType = 0x100
	AttrSubject             AttributeType = 0x101
	AttrID                  AttributeType = 0x102
	AttrSensitive           AttributeType = 0x103
	AttrEncrypt             AttributeType = 0x104
	AttrDecrypt             AttributeType = 0x105
	AttrWrap                AttributeType = 0x106
	AttrUnwrap              AttributeType = 0x107
	AttrSign                AttributeType = 0x108
	AttrSignRecover         AttributeType = 0x109
	AttrVerify              AttributeType = 0x10A
	AttrVerifyRecover       AttributeType = 0x10B
	AttrDerive              AttributeType = 0x10C
	AttrStartDate           AttributeType = 0x110
	AttrEndDate             AttributeType = 0x111
	AttrModulus             AttributeType = 0x120
	AttrModulusBits         AttributeType = 0x121
	AttrPublicExponent      AttributeType = 0x122
	AttrPrivateExponent     AttributeType = 0x123
	AttrPrime1              AttributeType = 0x124
	AttrPrime2              AttributeType = 0x125
	AttrExponent1           AttributeType = 0x126
	AttrExponent2           AttributeType = 0x127
	AttrCoefficient         AttributeType = 0x128
	AttrPublicKeyInfo       AttributeType = 0x129
	AttrValueLen            AttributeType = 0x161
	AttrExtractable         AttributeType = 0x162
	AttrLocal               AttributeType = 0x163
	AttrNeverExtractable    AttributeType = 0x164
	AttrAlwaysSensitive     AttributeType = 0x165
	AttrKeyGenMechanism     AttributeType = 0x166
	AttrModifiable          AttributeType = 0x170
	AttrCopyable            AttributeType = 0x171
	AttrDestroyable         AttributeType = 0x172
	AttrECParams            AttributeType = 0x180
	AttrECPoint             AttributeType = 0x181
	AttrAlwaysAuthenticate  AttributeType = 0x202
	AttrWrapWithTrusted     AttributeType = 0x210
	AttrAllowedMechanisms   AttributeType = 0x40000600
)
