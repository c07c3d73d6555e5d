package curve

import (
	"bytes"
	"encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// id-prime-Field, RFC 3279, section 2.3.5.
var oidPrimeField = asn1.ObjectIdentifier{1, 2, 840, 10045, 1, 1}

// ParseParameters finds the curve that DER EcpkParameters are of (RFC 3279, section
// 2.3.5): by its name, or by all its numbers, written out as some programs do. A curve
// that differs in any of them from one of the table, or lacks one, is not known.
func ParseParameters(der []byte) (*Curve, error) {
	parameters := cryptobyte.String(der)
	var name asn1.ObjectIdentifier
	switch {
	case parameters.PeekASN1Tag(tag.SEQUENCE):
		return parseExplicit(parameters)
	case !parameters.ReadASN1ObjectIdentifier(&name) || !parameters.Empty():
		return nil, errors.New("curve: neither the name of a curve nor the numbers of one")
	}
	return ByOID(name)
}

// parseExplicit reads ECParameters. The seed is passed over, from which the numbers
// may have been made.
func parseExplicit(parameters cryptobyte.String) (*Curve, error) {
	malformed := errors.New("curve: the numbers of a curve are malformed")
	var body, field, coefficients, a, b, g cryptobyte.String
	var kind asn1.ObjectIdentifier
	var p, n []byte
	var version, cofactor int
	if !parameters.ReadASN1(&body, tag.SEQUENCE) || !parameters.Empty() || !body.ReadASN1Integer(&version) ||
		!body.ReadASN1(&field, tag.SEQUENCE) || !field.ReadASN1ObjectIdentifier(&kind) {
		return nil, malformed
	}
	if version < 1 || version > 3 {
		return nil, malformed
	}
	if !kind.Equal(oidPrimeField) {
		return nil, errors.New("curve: it is over a field of characteristic 2; a prime field was expected")
	}
	if !field.ReadASN1Integer(&p) || !body.ReadASN1(&coefficients, tag.SEQUENCE) ||
		!coefficients.ReadASN1(&a, tag.OCTET_STRING) || !coefficients.ReadASN1(&b, tag.OCTET_STRING) ||
		!body.ReadASN1(&g, tag.OCTET_STRING) || !body.ReadASN1Integer(&n) ||
		!body.ReadASN1Integer(&cofactor) || !body.Empty() || cofactor != 1 {
		return nil, malformed
	}
	for _, c := range table {
		if SamePoint(g, c.G) {
			g = c.G
		}
	}
	return ByParams(p, a, b, n, g)
}

// SamePoint says whether an encoding is that of a point, which is given uncompressed:
// SEC 1, version 2.0, section 2.3.3, or the hybrid form of ANSI X9.62, section 4.3.6.
func SamePoint(encoded, point []byte) bool {
	odd := point[len(point)-1] & 1
	if len(encoded) == len(point) && encoded[0] == 6|odd {
		return bytes.Equal(encoded[1:], point[1:])
	}
	compressed := append([]byte{2 | odd}, point[1:1+len(point)/2]...)
	return bytes.Equal(encoded, point) || bytes.Equal(encoded, compressed)
}
