package keyfile

import (
	"encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"conclave/internal/fips204"
)

// errMalformed is in the error for what is not the DER that it should be.
var errMalformed = errors.New("its structure is damaged; was it copied whole?")

// readDER tells the forms apart by what they begin with.
func readDER(der []byte, ask Asking) (*Source, error) {
	var body cryptobyte.String
	input := cryptobyte.String(der)
	if isPKCS12(der) {
		return readPKCS12(der, ask)
	}
	if !input.ReadASN1(&body, tag.SEQUENCE) {
		return nil, errMalformed
	}
	if !input.Empty() {
		return nil, errors.New("something follows its end; was it copied whole, and nothing else with it?")
	}
	switch first, second := tagsOf(body); {
	case first == tag.INTEGER && second == tag.SEQUENCE:
		return plain("PKCS#8", readPKCS8, der)
	case first == tag.SEQUENCE && second == tag.OCTET_STRING:
		return readEncrypted(cryptobyte.String(der), ask)
	case first == tag.INTEGER && second == tag.INTEGER:
		return plain("PKCS#1", readPKCS1, der)
	case first == tag.INTEGER && second == tag.OCTET_STRING:
		return plain("SEC 1", func(der cryptobyte.String) (any, error) { return readSEC1(der, nil) }, der)
	}
	return nil, explainDER(der)
}

// plain is a source without a password.
func plain(form string, read func(cryptobyte.String) (any, error), der []byte) (*Source, error) {
	key, err := read(cryptobyte.String(der))
	if err != nil {
		return nil, err
	}
	return &Source{Key: key, Form: form}, nil
}

// tagsOf are the first two tags; 0 for none.
func tagsOf(body cryptobyte.String) (first, second tag.Tag) {
	var element cryptobyte.String
	if !body.ReadAnyASN1Element(&element, &first) {
		return 0, 0
	}
	if !body.ReadAnyASN1Element(&element, &second) {
		return first, 0
	}
	return first, second
}

// Object identifiers of keys: RFC 8017, appendix A.1 and A.2.3.
var (
	oidRSA    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidRSAPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
)

// readPKCS8 reads a PrivateKeyInfo, whose attributes and public key (RFC 5958,
// section 2) are passed over.
func readPKCS8(der cryptobyte.String) (any, error) {
	var info, algorithm, key cryptobyte.String
	var version int
	var oid asn1.ObjectIdentifier
	if !der.ReadASN1(&info, tag.SEQUENCE) || !der.Empty() || !info.ReadASN1Integer(&version) ||
		!info.ReadASN1(&algorithm, tag.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) ||
		!info.ReadASN1(&key, tag.OCTET_STRING) {
		return nil, errMalformed
	}
	switch {
	case oid.Equal(oidRSA):
		return readPKCS1(key)
	case oid.Equal(oidECPublicKey):
		named, err := readCurve(algorithm)
		if err != nil {
			return nil, err
		}
		return readSEC1(key, named)
	}
	if s, named := fips204.ByOID(oid); named {
		return readMLDSA(s.Parameters, key)
	}
	return nil, explainAlgorithm(oid)
}
