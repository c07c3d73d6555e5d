package keyfile

import (
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
	if point != nil && !curve.SamePoint(point, key.Q) {
		key.Wipe()
		return nil, fmt.Errorf("EC key on %s: its public point is not that of its private number; the file is damaged, or was tampered with: take another copy", c.Name)
	}
	return key, nil
}

// readCurve reads ECParameters: a name, or all the numbers of a curve that is known.
func readCurve(parameters cryptobyte.String) (*curve.Curve, error) {
	c, err := curve.ParseParameters(parameters)
	if err != nil {
		return nil, fmt.Errorf("EC key: %w; a SmartCard-HSM holds no key on another one", err)
	}
	return c, nil
}
