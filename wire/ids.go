// Package wire is the SmartCard-HSM's grammar: identifiers, command fields,
// card verifiable certificates and PKCS#15 entries, as card and host both see
// them. It holds no policy.
//
// Most programs begin with package hsm, and need from this one what its methods
// take: an [Initialization], the template that [ParseKeyType] gives, [UserPIN], the
// algorithm bytes, a [WrapFile]. Whoever writes a card, or judges one, finds for
// each command the bytes of its data field and of its answer, mostly as a type with
// a Bytes method beside a Parse function. [NewRedactor] keeps secrets out of a
// trace.
//
// Nothing here sends or decides anything. APDUs themselves are package apdu's, data
// objects package tlv's, and what is inside a wrapped key package dkek's.
//
// Where no source is named the facts were read from OpenSC
// (src/libopensc/card-sc-hsm.c) and from exchanges with its tools.
package wire

import (
	"bytes"
	"strings"
)

// AID is the application identifier of the SmartCard-HSM applet.
func AID() []byte {
	return []byte{0xE8, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x81, 0xC3, 0x1F, 0x02, 0x01}
}

// ATR is the answer to reset that every host takes for a SmartCard-HSM.
func ATR() []byte {
	return []byte{0x3B, 0xFE, 0x18, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x45, 0x80, 0x31, 0x81,
		0x54, 0x48, 0x53, 0x4D, 0x31, 0x73, 0x80, 0x21, 0x40, 0x81, 0x07, 0xFA}
}

// IsATR says whether an answer to reset is that of a SmartCard-HSM, with contacts or
// without, or of a device that passes for one: all have HSM1 in their historical bytes
// (OpenSC, src/libopensc/card-sc-hsm.c).
func IsATR(atr []byte) bool { return bytes.Contains(atr, []byte("HSM1")) }

// Instruction bytes: those of ISO 7816-4 and 7816-8 if CLA is 00, the applet's
// own if it is 80.
const (
	ClassISO         byte = 0x00
	ClassProprietary byte = 0x80

	InsVerify              byte = 0x20
	InsChangeReferenceData byte = 0x24
	InsResetRetryCounter   byte = 0x2C
	InsGenerateKeyPair     byte = 0x46
	InsInitializeDevice    byte = 0x50
	InsManageDKEK          byte = 0x52
	InsManagePublicKeys    byte = 0x54 // MANAGE PUBLIC KEY AUTHENTICATION
	InsEnumerateObjects    byte = 0x58
	InsDecipher            byte = 0x62
	InsSign                byte = 0x68
	InsWrapKey             byte = 0x72
	InsUnwrapKey           byte = 0x74
	InsGetChallenge        byte = 0x84
	InsSelect              byte = 0xA4
	InsReadBinary          byte = 0xB1
	InsUpdateBinary        byte = 0xD7
	InsDeleteFile          byte = 0xE4
)

// P2 of WRAP KEY and UNWRAP KEY.
const (
	WrapMode   byte = 0x92
	UnwrapMode byte = 0x93
)

// PINReference is P2 of the commands that carry a PIN.
type PINReference byte

// The two PINs of a device.
const (
	UserPIN PINReference = 0x81
	SOPIN   PINReference = 0x88
)

// FID is a file identifier.
type FID uint16

// Files that every device has, and the staging area of UNWRAP KEY.
const (
	EFDIR       FID = 0x2F00
	EFDevAut    FID = 0x2F02 // C.DevAut: device CVC, then its issuer's
	EFTokenInfo FID = 0x2F03
	EFStaging   FID = 0x2F10
)

// Prefix is the upper byte of a FID: what the file says about object xx.
type Prefix byte

// The prefixes; the lower byte of the FID is the key's or object's id.
const (
	PrefixPrKD          Prefix = 0xC4 // PKCS#15 private key description
	PrefixCD            Prefix = 0xC8 // certificate description
	PrefixDCOD          Prefix = 0xC9 // data container description
	PrefixCACert        Prefix = 0xCA
	PrefixKey           Prefix = 0xCC
	PrefixProtectedData Prefix = 0xCD
	PrefixEECert        Prefix = 0xCE // certificate, or CVC request, of the key
	PrefixData          Prefix = 0xCF
)

// File is the file of that kind for object id.
func (p Prefix) File(id byte) FID { return FID(p)<<8 | FID(id) }

// Prefix is the file's kind.
func (f FID) Prefix() Prefix { return Prefix(f >> 8) }

// ID is the key or object that the file belongs to.
func (f FID) ID() byte { return byte(f) }

// Algorithm is P2 of SIGN and DECIPHER.
type Algorithm byte

// The algorithm bytes of SIGN and DECIPHER. In the ranges 3x, 4x and 7x the
// lower half names the hash that the card makes: 1 SHA-1, 2 SHA-224,
// 3 SHA-256, 4 SHA-384, 5 SHA-512, and 0 a hash made by the host.
const (
	RSARaw          Algorithm = 0x20
	RSADecryptRaw   Algorithm = 0x21
	RSADecryptPKCS1 Algorithm = 0x22
	RSADecryptOAEP  Algorithm = 0x23 // SHA-256, as sc-hsm-embedded and pico-hsm do
	RSAPKCS1        Algorithm = 0x30 // the data is the DigestInfo
	RSAPSS          Algorithm = 0x40
	MLDSA           Algorithm = 0x60 // the data is the message representative μ (FIPS 204, algorithm 7), 64 bytes; no SmartCard-HSM has it
	ECDSA           Algorithm = 0x70
	ECDH            Algorithm = 0x80
	AlgorithmWrap   Algorithm = 0x92 // in a key's list: WRAP KEY is allowed

	// HashSHA256 added to RSAPKCS1, RSAPSS or ECDSA lets the card hash.
	HashSHA256 Algorithm = 0x03
)

// IsOf says whether keys of a type can be used with the algorithm, as far as it is known
// here; AlgorithmWrap is no use of a key.
func (a Algorithm) IsOf(t KeyType) bool {
	switch a & 0xF0 {
	case RSARaw, RSAPKCS1, RSAPSS:
		return t == KeyRSA
	case MLDSA:
		return t == KeyMLDSA
	case ECDSA, ECDH:
		return t == KeyEC
	}
	return false
}

// OwnSerial begins the serial numbers of devices of our own making.
const OwnSerial = "ZZCL"

// LogOption is OptionLog for a device that can keep a log, as its serial number says,
// and nothing for any other.
func LogOption(serial string) Options {
	if strings.HasPrefix(serial, OwnSerial) {
		return OptionLog
	}
	return 0
}

// Option bits of INITIALIZE DEVICE and of the applet's FCP.
type Options uint16

// The option bits.
const (
	OptionResetRetryCounter Options = 0x0001 // RESET RETRY COUNTER is allowed
	OptionTransportPIN      Options = 0x0002 // the user PIN must be changed before its first use
	OptionSessionPIN        Options = 0x0004 // for biometric logins
	// OptionUnblockOnly lets RESET RETRY COUNTER give back the tries of the user
	// PIN, but not set a new one (CardContact's smartcardhsm.js). pico-hsm sets one
	// all the same, and needs this bit to leave the PIN as it is.
	OptionUnblockOnly Options = 0x0020
	// OptionLog lets a device of our own making keep a log. No other knows the bit:
	// CardContact's have 0001 to 0020, and pico-hsm 0100 to 0400 as well.
	OptionLog Options = 0x8000
)
