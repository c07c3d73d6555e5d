package wire

import (
	"bytes"
	"cmp"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"conclave/tlv"
)

// Universal and PKCS#15 tags (PKCS#15 v1.1 section 6).
const (
	tagSequence     tlv.Tag = 0x30
	tagInteger      tlv.Tag = 0x02
	tagBitString    tlv.Tag = 0x03
	tagOctetString  tlv.Tag = 0x04
	tagUTF8String   tlv.Tag = 0x0C
	tagPrivateEC    tlv.Tag = 0xA0
	tagPrivateMLDSA tlv.Tag = 0xA7
	tagPrivateAES   tlv.Tag = 0xA8
	tagTypeAttrs    tlv.Tag = 0xA1
	tagAlgReference tlv.Tag = 0xA1 // of common key attributes
	tagTokenLabel   tlv.Tag = 0x80
	tagDirectoryAID tlv.Tag = 0x4F
	tagDirectory    tlv.Tag = 0x61
	tagAppLabel     tlv.Tag = 0x50
)

// KeyType is the kind of a key, as its PKCS#15 description is tagged.
type KeyType byte

// The kinds of key.
const (
	KeyRSA KeyType = KeyType(tagSequence)
	KeyEC  KeyType = KeyType(tagPrivateEC)
	KeyAES KeyType = KeyType(tagPrivateAES)
	// KeyMLDSA is a tag of ours: the choice of PKCS#15, and of those that OpenSC has added
	// to it, ends before.
	KeyMLDSA KeyType = KeyType(tagPrivateMLDSA)
)

// String gives the kind's short name.
func (t KeyType) String() string {
	switch t {
	case KeyRSA:
		return "RSA"
	case KeyEC:
		return "EC"
	case KeyAES:
		return "AES"
	case KeyMLDSA:
		return "ML-DSA"
	}
	return fmt.Sprintf("type %02X", byte(t))
}

// PrKD is a PKCS#15 private key description, the content of EF C4xx.
type PrKD struct {
	Type  KeyType
	Label string
	ID    []byte // CKA_ID
	Bits  int    // of the modulus, or of the field; of ML-DSA the number in its name, such as 65
	Usage Usage  // 0 for what keys of the type do usually
	// Consent says that the user gives the PIN for each use: userConsent of PKCS#15, which
	// hosts see to, and no card does.
	Consent bool
	// Algorithms are those that programs use the key with; none for all. They are
	// algReference of PKCS#15, which hosts write: no card tells which ones it allows.
	Algorithms []byte
}

// Usage is what a key is for: the bits of PKCS#15 v1.1 section 6.3.1, the first one
// lowest.
type Usage uint16

// The bits.
const (
	UsageEncrypt       Usage = 1 << 0
	UsageDecrypt       Usage = 1 << 1
	UsageSign          Usage = 1 << 2
	UsageSignRecover   Usage = 1 << 3
	UsageWrap          Usage = 1 << 4
	UsageUnwrap        Usage = 1 << 5
	UsageVerify        Usage = 1 << 6
	UsageVerifyRecover Usage = 1 << 7
	UsageDerive        Usage = 1 << 8
)

// Usual is the usage as OpenSC's pkcs11-tool writes it: RSA decrypts, signs and signs
// with recovery; EC signs and signs with recovery too, and derives. ML-DSA signs.
func (t KeyType) Usual() Usage {
	switch t {
	case KeyRSA:
		return UsageDecrypt | UsageSign | UsageSignRecover
	case KeyMLDSA:
		return UsageSign
	}
	return UsageSign | UsageSignRecover | UsageDerive
}

// bitString is the usage in ASN.1, where the first bit is the highest.
func (u Usage) bitString() asn1.BitString {
	reversed := bits.Reverse16(uint16(u))
	n := bits.Len16(uint16(u))
	return asn1.BitString{Bytes: binary.BigEndian.AppendUint16(nil, reversed)[:(n+7)/8], BitLength: n}
}

// parseUsage reads what bitString writes, and BIT STRINGs that are not as short as they
// could be.
func parseUsage(value []byte) Usage {
	if len(value) < 2 {
		return 0
	}
	var two [2]byte
	copy(two[:], value[1:])
	return Usage(bits.Reverse16(binary.BigEndian.Uint16(two[:])))
}

// Bytes encodes the description of key ref as OpenSC does.
func (d PrKD) Bytes(ref byte) ([]byte, error) {
	keyRef, err := asn1.Marshal(int(ref))
	if err != nil {
		return nil, err
	}
	size, err := asn1.Marshal(d.Bits)
	if err != nil {
		return nil, err
	}
	usage, err := asn1.Marshal(cmp.Or(d.Usage, d.Type.Usual()).bitString())
	if err != nil {
		return nil, err
	}
	return new(tlv.Builder).AddNested(tlv.Tag(d.Type), func(b *tlv.Builder) {
		b.AddNested(tagSequence, func(b *tlv.Builder) {
			b.Add(tagUTF8String, []byte(d.Label))
			b.Add(tagBitString, []byte{0x06, 0xC0}) // private, modifiable
			b.Add(tagOctetString, []byte{0x01})     // authId: the user PIN
			if d.Consent {
				b.Add(tagInteger, []byte{1}) // for one use
			}
		})
		b.AddNested(tagSequence, func(b *tlv.Builder) {
			b.Add(tagOctetString, d.ID).AddRaw(usage).AddRaw(keyRef)
			if len(d.Algorithms) > 0 {
				b.AddNested(tagAlgReference, d.addAlgorithms)
			}
		})
		b.AddNested(tagTypeAttrs, func(b *tlv.Builder) {
			b.AddNested(tagSequence, func(b *tlv.Builder) {
				b.AddNested(tagSequence, func(b *tlv.Builder) { b.Add(tagOctetString, nil) })
				b.AddRaw(size)
			})
		})
	}).Bytes()
}

// ParsePrKD reads what hosts need from a description: its kind, label, id, size and
// usage. Fields that it does not know are skipped.
func ParsePrKD(b []byte) (PrKD, error) {
	d, err := parsePrKD(b)
	if err != nil {
		return PrKD{}, fmt.Errorf("private key description: %w", err)
	}
	return d, nil
}

func parsePrKD(b []byte) (PrKD, error) {
	outer := tlv.Cursor(b)
	tag, body, _, err := outer.Next()
	if err != nil {
		return PrKD{}, err
	}
	d := PrKD{Type: KeyType(tag)}
	if tag != tagSequence && tag != tagPrivateEC && tag != tagPrivateMLDSA && tag != tagPrivateAES {
		return PrKD{}, fmt.Errorf("tag %X; 30 (RSA), A0 (EC), A7 (ML-DSA) or A8 (AES) was expected", uint32(tag))
	}
	c := tlv.Cursor(body)
	common, err := c.Take(tagSequence)
	if err != nil {
		return PrKD{}, err
	}
	if label, err := tlv.Find(common, tagUTF8String); err == nil {
		d.Label = string(label)
	}
	consent, _ := tlv.Find(common, tagInteger)
	d.Consent = len(bytes.Trim(consent, "\x00")) > 0
	class, err := c.Take(tagSequence)
	if err != nil {
		return PrKD{}, err
	}
	if d.ID, err = tlv.Find(class, tagOctetString); err != nil {
		return PrKD{}, err
	}
	usage, _ := tlv.Find(class, tagBitString) // none is 0
	d.Usage, d.Bits = parseUsage(usage), keySize(c)
	references, _ := tlv.Find(class, tagAlgReference)
	d.Algorithms = parseAlgorithms(references)
	return d, nil
}

func (d PrKD) addAlgorithms(b *tlv.Builder) {
	for _, a := range d.Algorithms {
		value := []byte{a}
		if a >= 0x80 {
			value = []byte{0, a}
		}
		b.Add(tagInteger, value)
	}
}

// parseAlgorithms reads what addAlgorithms writes; nothing where others have written
// something else.
func parseAlgorithms(references []byte) (algorithms []byte) {
	for c := tlv.Cursor(references); !c.Empty(); {
		value, err := c.Take(tagInteger)
		if value = bytes.TrimLeft(value, "\x00"); err != nil || len(value) != 1 {
			return nil
		}
		algorithms = append(algorithms, value[0])
	}
	return algorithms
}

// keySize reads the INTEGER of the type attributes; 0 if it is absent.
func keySize(rest []byte) int {
	attributes, err := tlv.Find(rest, tagTypeAttrs)
	if err != nil {
		return 0
	}
	c := tlv.Cursor(attributes)
	if c, err = c.Take(tagSequence); err != nil {
		return 0
	}
	for !c.Empty() {
		tag, _, element, err := c.Next()
		if err != nil {
			return 0
		}
		var bits int
		if _, err := asn1.Unmarshal(element, &bits); tag == tagInteger && err == nil {
			return bits
		}
	}
	return 0
}

// TokenInfo is EF.TokenInfo (PKCS#15 v1.1 section 6.9): manufacturer and label.
type TokenInfo struct{ Manufacturer, Label string }

// Bytes encodes the token information.
func (t TokenInfo) Bytes() ([]byte, error) {
	return new(tlv.Builder).AddNested(tagSequence, func(b *tlv.Builder) {
		b.Add(tagInteger, []byte{0})
		b.Add(tagOctetString, make([]byte, 8))
		b.Add(tagUTF8String, []byte(t.Manufacturer))
		b.Add(tagTokenLabel, []byte(t.Label))
		b.Add(tagBitString, []byte{0x04, 0x30}) // prnGeneration, eidCompliant
	}).Bytes()
}

// ParseTokenInfo reads the label and the manufacturer, if they are there.
func ParseTokenInfo(b []byte) (TokenInfo, error) {
	c := tlv.Cursor(b)
	body, err := c.Take(tagSequence)
	if err != nil {
		return TokenInfo{}, fmt.Errorf("token information: %w", err)
	}
	label, _ := tlv.Find(body, tagTokenLabel)
	manufacturer, _ := tlv.Find(body, tagUTF8String)
	return TokenInfo{string(manufacturer), string(label)}, nil
}

// Directory is the content of EF.DIR: one application template
// (ISO 7816-4 section 12.2.3).
func Directory(label string) ([]byte, error) {
	return new(tlv.Builder).AddNested(tagDirectory, func(b *tlv.Builder) {
		b.Add(tagDirectoryAID, AID()).Add(tagAppLabel, []byte(label))
	}).Bytes()
}

// MaxWrapFile is how many bytes are read of a WrapFile. A key of RSA-4096 with a
// certificate has a fiftieth of that, and a card's files all together a quarter.
const MaxWrapFile = 256 << 10

// WrapFile is what sc-hsm-tool --wrap-key writes: the key blob, and the
// description and the certificate (or CVC request) of the key, each as the
// card holds it, each optional.
type WrapFile struct {
	Blob        []byte
	Description []byte
	Certificate []byte
}

// Bytes encodes the file.
func (f WrapFile) Bytes() ([]byte, error) {
	return new(tlv.Builder).AddNested(tagSequence, func(b *tlv.Builder) {
		b.Add(tagOctetString, f.Blob).AddRaw(f.Description).AddRaw(f.Certificate)
	}).Bytes()
}

// ParseWrapFile reads the file. The first object after the blob is the
// description, which may be broken: OpenSC's tool tells the two apart by their
// place alone, but leaves either out if the card has none; here one that is there
// alone is the certificate or request if it is no description.
func ParseWrapFile(b []byte) (WrapFile, error) {
	f, err := parseWrapFile(b)
	if err != nil {
		return WrapFile{}, fmt.Errorf("wrapped key file: %w; is it cut off, or another file?", err)
	}
	return f, nil
}

func parseWrapFile(b []byte) (f WrapFile, err error) {
	outer := tlv.Cursor(b)
	body, err := outer.Take(tagSequence)
	if err != nil {
		return f, err
	}
	if !outer.Empty() {
		return f, fmt.Errorf("%d bytes follow its end", len(outer))
	}
	c := tlv.Cursor(body)
	if f.Blob, err = c.Take(tagOctetString); err != nil {
		return f, err
	}
	var rest [][]byte
	for !c.Empty() {
		_, _, element, err := c.Next()
		if err != nil {
			return f, err
		}
		rest = append(rest, element)
	}
	switch len(rest) {
	case 0:
	case 1:
		if _, err := ParsePrKD(rest[0]); err == nil {
			f.Description = rest[0]
		} else {
			f.Certificate = rest[0]
		}
	case 2:
		f.Description, f.Certificate = rest[0], rest[1]
	default:
		return f, errors.New("more than a blob, a description and a certificate")
	}
	return f, nil
}

// FIDs encodes a list of files as ENUMERATE OBJECTS answers it.
func FIDs(files []FID) []byte {
	var b []byte
	for _, f := range files {
		b = binary.BigEndian.AppendUint16(b, uint16(f))
	}
	return b
}

// ParseFIDs reads the answer to ENUMERATE OBJECTS.
func ParseFIDs(b []byte) ([]FID, error) {
	if len(b)%2 != 0 {
		return nil, fmt.Errorf("list of files of %d bytes; an even number was expected", len(b))
	}
	var files []FID
	for ; len(b) > 0; b = b[2:] {
		files = append(files, FID(binary.BigEndian.Uint16(b)))
	}
	return files, nil
}
