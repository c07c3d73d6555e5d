package curve

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// id-ecPublicKey, RFC 5480, section 2.1.1.
var oidECPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}

// MarshalSPKI returns the DER SubjectPublicKeyInfo (RFC 5480, section 2) of
// the public point q, with the curve by name.
func (c *Curve) MarshalSPKI(q []byte) ([]byte, error) {
	if err := c.CheckPoint(q); err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidECPublicKey)
			b.AddASN1ObjectIdentifier(c.OID)
		})
		b.AddASN1BitString(q)
	})
	return b.Bytes()
}

// ParseSPKI returns curve and public point of a DER SubjectPublicKeyInfo. The
// curve may be given as ParseParameters takes it; the point must be uncompressed.
func ParseSPKI(der []byte) (*Curve, []byte, error) {
	input := cryptobyte.String(der)
	var spki, algorithm cryptobyte.String
	var keyType asn1.ObjectIdentifier
	if !input.ReadASN1(&spki, tag.SEQUENCE) || !input.Empty() ||
		!spki.ReadASN1(&algorithm, tag.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&keyType) {
		return nil, nil, errors.New("curve: not a DER SubjectPublicKeyInfo")
	}
	if !keyType.Equal(oidECPublicKey) {
		return nil, nil, fmt.Errorf("curve: public key has algorithm %s, expected id-ecPublicKey %s", keyType, oidECPublicKey)
	}
	c, err := ParseParameters(algorithm)
	if err != nil {
		return nil, nil, err
	}
	var point []byte
	if !spki.ReadASN1BitStringAsBytes(&point) || !spki.Empty() {
		return nil, nil, errors.New("curve: public key does not end in one BIT STRING of whole bytes")
	}
	if err := c.CheckPoint(point); err != nil {
		return nil, nil, err
	}
	return c, bytes.Clone(point), nil
}

// PlainSignature turns the DER signature Ecdsa-Sig-Value (RFC 3279, section
// 2.2.3) into r ‖ s, each of order length (BSI TR-03111, section 5.2.1).
func PlainSignature(c *Curve, der []byte) ([]byte, error) {
	input := cryptobyte.String(der)
	var sequence cryptobyte.String
	var r, s []byte
	if !input.ReadASN1(&sequence, tag.SEQUENCE) || !input.Empty() ||
		!sequence.ReadASN1Integer(&r) || !sequence.ReadASN1Integer(&s) || !sequence.Empty() {
		return nil, errors.New("curve: signature is not a DER SEQUENCE of two positive INTEGERs")
	}
	if !c.signaturePart(r) || !c.signaturePart(s) {
		return nil, errSignatureRange(c)
	}
	size := len(c.N)
	plain := make([]byte, 2*size)
	copy(plain[size-len(r):], r)
	copy(plain[2*size-len(s):], s)
	return plain, nil
}

// DERSignature turns r ‖ s, each of order length, into the DER form.
func DERSignature(c *Curve, plain []byte) ([]byte, error) {
	size := len(c.N)
	if len(plain) != 2*size {
		return nil, fmt.Errorf("curve: plain signature on %s has %d bytes, expected %d", c.Name, len(plain), 2*size)
	}
	r, s := plain[:size], plain[size:]
	if !c.signaturePart(r) || !c.signaturePart(s) {
		return nil, errSignatureRange(c)
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		addInteger(b, r)
		addInteger(b, s)
	})
	return b.Bytes()
}

// signaturePart reports whether the integer v, one half of a signature, is in
// [1, N-1].
func (c *Curve) signaturePart(v []byte) bool {
	v = trim(v)
	return len(v) > 0 && (len(v) < len(c.N) || len(v) == len(c.N) && bytes.Compare(v, c.N) < 0)
}

func errSignatureRange(c *Curve) error {
	return fmt.Errorf("curve: r and s of a signature on %s must be between 1 and its order less one; does it belong to another curve?", c.Name)
}

func addInteger(b *cryptobyte.Builder, v []byte) {
	v = trim(v)
	b.AddASN1(tag.INTEGER, func(b *cryptobyte.Builder) {
		if v[0] >= 0x80 {
			b.AddUint8(0)
		}
		b.AddBytes(v)
	})
}

// bitLen returns the length in bits of the integer b.
func bitLen(b []byte) int {
	b = trim(b)
	if len(b) == 0 {
		return 0
	}
	return 8*(len(b)-1) + bits.Len8(b[0])
}
