// Package curve knows the named elliptic curves over prime fields that a
// SmartCard-HSM offers: their domain parameters, keys, ECDSA, ECDH that keeps
// the y coordinate, and the encodings crypto/x509 refuses.
//
// Points are always uncompressed, 04 ‖ x ‖ y with coordinates of field length
// (SEC 1, version 2.0, section 2.3.3). Integers are big-endian. A curve is one
// row of the table in table.go and an implementation of group.
package curve

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
)

// Curve is a named curve y² = x³ + ax + b over the field of the prime P, with
// a generator G of prime order N and cofactor 1. Curves are shared: compare
// them by pointer, and do not modify them.
type Curve struct {
	Name    string // as OpenSC names it, such as "secp256r1"
	OID     asn1.ObjectIdentifier
	Bits    int    // size of the field
	P, A, B []byte // of field length
	N       []byte // order of G
	G       []byte // uncompressed point

	aliases []string
	group   group
}

// group is the arithmetic of one curve. Scalars have order length and lie in
// [1, N-1]. Points have the form that checkForm accepts; whether they are on
// the curve is for the group to find out.
type group interface {
	// newKey returns the signing half of the private key d and its public point.
	newKey(d []byte) (signer, []byte, error)
	// multiply returns d·point in time independent of d.
	multiply(d, point []byte) ([]byte, error)
	// onCurve returns an error if point is not on the curve.
	onCurve(point []byte) error
	verify(point, digest, signature []byte) bool
}

// signer holds a private key in the form in which signing is fastest.
type signer interface {
	sign(digest []byte) ([]byte, error)
	wipe()
}

// All returns the curves in the order of the table.
func All() []*Curve { return slices.Clone(table) }

// ByName finds a curve by its name or by an alias, such as "prime256v1" or
// "P-256", in upper or lower case.
func ByName(name string) (*Curve, error) {
	for _, c := range table {
		isName := func(s string) bool { return strings.EqualFold(s, name) }
		if isName(c.Name) || slices.ContainsFunc(c.aliases, isName) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("curve: %q is not known; known are %s", name, knownNames())
}

// ByParams finds the curve with exactly these domain parameters. p, a, b and n
// are compared as integers; g is an uncompressed point.
func ByParams(p, a, b, n, g []byte) (*Curve, error) {
	for _, c := range table {
		if sameInteger(c.P, p) && sameInteger(c.A, a) && sameInteger(c.B, b) && sameInteger(c.N, n) && bytes.Equal(c.G, g) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("curve: no known curve has these domain parameters, over a field of %d bits; known are %s", bitLen(p), knownNames())
}

// ByOID finds a curve by its object identifier (SEC 2, version 2.0, appendix A).
func ByOID(oid asn1.ObjectIdentifier) (*Curve, error) {
	for _, c := range table {
		if c.OID.Equal(oid) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("curve: no known curve has the object identifier %s; known are %s", oid, knownNames())
}

// FieldLen returns the length in bytes of a field element, and so of each
// coordinate of a point.
func (c *Curve) FieldLen() int { return len(c.P) }

// CheckPoint returns an error unless q is an uncompressed point on the curve.
// The point at infinity has no such form and is refused with the others.
func (c *Curve) CheckPoint(q []byte) error {
	if err := c.checkForm(q); err != nil {
		return err
	}
	if err := c.group.onCurve(q); err != nil {
		return fmt.Errorf("curve: the point is not on %s", c.Name)
	}
	return nil
}

// Verify reports whether signatureDER is a valid ECDSA signature of digest
// (FIPS 186-5, section 6.4.2) under the public key q.
func (c *Curve) Verify(q, digest, signatureDER []byte) bool {
	return c.checkForm(q) == nil && c.group.verify(q, digest, signatureDER)
}

// checkForm checks length and first byte of an uncompressed point.
func (c *Curve) checkForm(q []byte) error {
	want := 1 + 2*c.FieldLen()
	if len(q) != want || q[0] != 4 {
		return fmt.Errorf("curve: a point on %s is 04 and two coordinates, %d bytes in all; got %d bytes (compressed points and infinity are refused)", c.Name, want, len(q))
	}
	return nil
}

func knownNames() string {
	var names []string
	for _, c := range table {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

func sameInteger(a, b []byte) bool { return bytes.Equal(trim(a), trim(b)) }

// trim removes leading zero bytes.
func trim(b []byte) []byte { return bytes.TrimLeft(b, "\x00") }
