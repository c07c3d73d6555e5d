package keyfile

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"

	"conclave/internal/curve"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// readSEC1 reads an ECPrivateKey (RFC 5915, section 3). Its curve is in it, or
// named beside it, or both; named is nil where it is not.
func readSEC1(der cryptobyte.String, named *curve.Curve) (any, error) {
	var body, scalar, parameters, public cryptobyte.String
	var version int
	var hasParameters, hasPublic bool
	if !der.ReadASN1(&body, tag.SEQUENCE) || !der.Empty() || !body.ReadASN1Integer(&version) || version != 1 ||
		!body.ReadASN1(&scalar, tag.OCTET_STRING) ||
		!body.ReadOptionalASN1(&parameters, &hasParameters, tag.Tag(0).Constructed().ContextSpecific()) ||
		!body.ReadOptionalASN1(&public, &hasPublic, tag.Tag(1).Constructed().ContextSpecific()) || !body.Empty() {
		return nil, errMalformed
	}
	c := named
	if hasParameters {
		var err error
		if c, err = readCurve(parameters); err != nil {
			return nil, err
		}
	}
	if named != nil && c != named {
		return nil, fmt.Errorf("EC key: its curve is %s in one place and %s in another; the file is damaged, or was tampered with: take another copy", named.Name, c.Name)
	}
	var point []byte
	if hasPublic && (!public.ReadASN1BitStringAsBytes(&point) || !public.Empty()) {
		return nil, errMalformed
	}
	if c == nil {
		return findEC(scalar, point)
	}
	return newEC(c, scalar, point)
}

// findEC finds the curve on which a public point is that of a private number:
// certtool of GnuTLS 3.7 leaves out which one it is.
func findEC(scalar, point []byte) (*curve.PrivateKey, error) {
	for _, c := range curve.All() {
		if key, err := newEC(c, scalar, point); point != nil && err == nil {
			return key, nil
		}
	}
	return nil, errors.New("EC key: the file does not say on which curve it is; put that before the key, as openssl ecparam -name CURVE writes it")
}

// newEC makes the key of a private number, and checks that the public point is its
// own; nil for a file without one.
func newEC(c *curve.Curve, scalar, point []byte) (*curve.PrivateKey, error) {
	key, err := c.NewPrivateKey(scalar)
	if err != nil {
		return nil, fmt.Errorf("EC key: %w", err)
	}
	if point != nil && !isPoint(point, key.Q) {
		key.Wipe()
		return nil, fmt.Errorf("EC key on %s: its public point is not that of its private number; the file is damaged, or was tampered with: take another copy", c.Name)
	}
	return key, nil
}

// isPoint says whether an encoding is that of a point, which is given uncompressed:
// SEC 1, version 2.0, section 2.3.3, or the hybrid form of ANSI X9.62, section 4.3.6.
func isPoint(encoded, point []byte) bool {
	odd := point[len(point)-1] & 1
	if len(encoded) == len(point) && encoded[0] == 6|odd {
		return bytes.Equal(encoded[1:], point[1:])
	}
	compressed := append([]byte{2 | odd}, point[1:1+len(point)/2]...)
	return bytes.Equal(encoded, point) || bytes.Equal(encoded, compressed)
}

// readCurve reads ECParameters (RFC 3279, section 2.3.5): a name, or all the numbers
// of a curve that is known.
func readCurve(parameters cryptobyte.String) (*curve.Curve, error) {
	if parameters.PeekASN1Tag(tag.SEQUENCE) {
		return readExplicitCurve(parameters)
	}
	var oid asn1.ObjectIdentifier
	if !parameters.ReadASN1ObjectIdentifier(&oid) || !parameters.Empty() {
		return nil, fmt.Errorf("EC key: its curve: %w", errMalformed)
	}
	c, err := curve.ByOID(oid)
	if err != nil {
		return nil, fmt.Errorf("EC key: %w; a SmartCard-HSM holds no key on another one", err)
	}
	return c, nil
}

// id-prime-Field, RFC 3279, section 2.3.5.
var oidPrimeField = asn1.ObjectIdentifier{1, 2, 840, 10045, 1, 1}

// readExplicitCurve finds the curve that has the parameters (RFC 3279, section
// 2.3.5). Seed and cofactor are passed over.
func readExplicitCurve(parameters cryptobyte.String) (*curve.Curve, error) {
	var body, field, coefficients, a, b, g cryptobyte.String
	var version int
	var kind asn1.ObjectIdentifier
	var p, n []byte
	if !parameters.ReadASN1(&body, tag.SEQUENCE) || !parameters.Empty() || !body.ReadASN1Integer(&version) ||
		!body.ReadASN1(&field, tag.SEQUENCE) || !field.ReadASN1ObjectIdentifier(&kind) {
		return nil, fmt.Errorf("EC key: its curve: %w", errMalformed)
	}
	if !kind.Equal(oidPrimeField) {
		return nil, errors.New("EC key: its curve is over a field of characteristic 2, and a SmartCard-HSM holds no key on such a one")
	}
	if !field.ReadASN1Integer(&p) || !body.ReadASN1(&coefficients, tag.SEQUENCE) ||
		!coefficients.ReadASN1(&a, tag.OCTET_STRING) || !coefficients.ReadASN1(&b, tag.OCTET_STRING) ||
		!body.ReadASN1(&g, tag.OCTET_STRING) || !body.ReadASN1Integer(&n) {
		return nil, fmt.Errorf("EC key: its curve: %w", errMalformed)
	}
	for _, c := range curve.All() {
		if isPoint(g, c.G) {
			g = c.G
		}
	}
	c, err := curve.ByParams(p, a, b, n, g)
	if err != nil {
		return nil, fmt.Errorf("EC key: %w; a SmartCard-HSM holds no key on another one", err)
	}
	return c, nil
}
