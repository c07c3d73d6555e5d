package token

import (
	"bytes"
	"crypto/sha1"
	"encoding/asn1"
	"math/big"
	"slices"

	"conclave/internal/curve"
	"conclave/tlv"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// Create makes an object from its attributes: a certificate or data, of the token or of
// the session, or a key of the session. A private key comes to a device by GenerateKeyPair
// and UnwrapKey alone.
func (s *Session) Create(t cryptoki.Template) (cryptoki.Handle, error) {
	class, err := countOf[cryptoki.Class](t, cryptoki.AttrClass)
	if err != nil {
		return 0, err
	}
	if slices.ContainsFunc(t, func(a cryptoki.Attribute) bool { return slices.Contains(limiting, a.Type) }) {
		return 0, cryptoki.AttributeTypeInvalid // no one would hold the object to that
	}
	if class == cryptoki.ClassPrivateKey {
		return s.createPrivateKey(t)
	}
	if err := s.mayCreate(t); err != nil {
		return 0, err
	}
	ofToken := truthOf(t, cryptoki.AttrToken, false)
	switch class {
	case cryptoki.ClassCertificate:
		return s.createCertificate(t, ofToken)
	case cryptoki.ClassData:
		return s.createData(t, ofToken)
	case cryptoki.ClassPublicKey:
		return s.createPublicKey(t, ofToken)
	case cryptoki.ClassSecretKey:
		return s.createSecretKey(t)
	}
	return 0, cryptoki.AttributeValueInvalid
}

func (s *Session) createSecretKey(t cryptoki.Template) (cryptoki.Handle, error) {
	kind, err := countOf[cryptoki.KeyType](t, cryptoki.AttrKeyType)
	if err != nil {
		return 0, err
	}
	value, found := t.Find(cryptoki.AttrValue)
	switch n := len(value); {
	case !found:
		return 0, cryptoki.TemplateIncomplete
	case kind == cryptoki.KeyAES && n != 16 && n != 24 && n != 32, n == 0:
		return 0, cryptoki.AttributeValueInvalid
	case kind != cryptoki.KeyAES && kind != cryptoki.KeyGenericSecret:
		return 0, cryptoki.TemplateInconsistent
	}
	return s.newSecretKey(t, value, cryptoki.MechanismType(cryptoki.Unavailable))
}

// createPublicKey makes a public key of the session. One of the token is there with its
// private key, and with no other.
func (s *Session) createPublicKey(t cryptoki.Template, ofToken bool) (cryptoki.Handle, error) {
	public, err := publicKeyOf(t)
	if err != nil {
		return 0, err
	}
	if ofToken {
		return writer{s}.keepPublic(public)
	}
	k := &keyDescription{kind: public.Type, bits: public.Bits, public: public}
	attributes := with(with(k.publicKey(), ours(t)), publicParameters(public))
	return s.keep(&object{class: cryptoki.ClassPublicKey, attributes: attributes, public: public}), nil
}

// publicKeyOf reads a public key from a template.
func publicKeyOf(t cryptoki.Template) (*wire.PublicKey, error) {
	kind, err := countOf[cryptoki.KeyType](t, cryptoki.AttrKeyType)
	if err != nil {
		return nil, err
	}
	switch kind {
	case cryptoki.KeyRSA:
		return rsaPublicKeyOf(t)
	case cryptoki.KeyEC:
		return ecPublicKeyOf(t)
	}
	return nil, cryptoki.TemplateInconsistent
}

// maxModulus is how many bits a modulus may have: what takes long, longer ones are made
// for.
const maxModulus = 16384

func rsaPublicKeyOf(t cryptoki.Template) (*wire.PublicKey, error) {
	modulus, found := t.Find(cryptoki.AttrModulus)
	exponent, also := t.Find(cryptoki.AttrPublicExponent)
	if !found || !also {
		return nil, cryptoki.TemplateIncomplete
	}
	modulus, exponent = bytes.TrimLeft(modulus, "\x00"), bytes.TrimLeft(exponent, "\x00")
	if len(modulus) == 0 || len(modulus) > maxModulus/8 || len(exponent) == 0 || len(exponent) > len(modulus) {
		return nil, cryptoki.AttributeValueInvalid
	}
	return &wire.PublicKey{Type: wire.KeyRSA, Modulus: modulus, Exponent: exponent, Bits: bitLen(modulus)}, nil
}

func ecPublicKeyOf(t cryptoki.Template) (*wire.PublicKey, error) {
	parameters, found := t.Find(cryptoki.AttrECParams)
	point, also := t.Find(cryptoki.AttrECPoint)
	if !found || !also {
		return nil, cryptoki.TemplateIncomplete
	}
	c, err := curveOf(parameters)
	if err != nil {
		return nil, err
	}
	// A point is a DER OCTET STRING, but some programs leave that out.
	if c.CheckPoint(point) != nil {
		cursor := tlv.Cursor(point)
		if point, err = cursor.Take(0x04); err != nil || !cursor.Empty() || c.CheckPoint(point) != nil {
			return nil, cryptoki.AttributeValueInvalid
		}
	}
	key := wire.ECPublicKey(c, bytes.Clone(point))
	return &key, nil
}

// curveOf finds the curve of CKA_EC_PARAMS: by its object identifier, by its numbers, or
// by the name that it has as a PrintableString.
func curveOf(parameters []byte) (c *curve.Curve, err error) {
	var given asn1.RawValue
	if rest, err := asn1.Unmarshal(parameters, &given); err != nil || len(rest) > 0 {
		return nil, cryptoki.AttributeValueInvalid
	}
	switch given.Tag {
	case asn1.TagOID, asn1.TagSequence:
		c, err = curve.ParseParameters(parameters)
	case asn1.TagPrintableString:
		c, err = curve.ByName(string(given.Bytes))
	default:
		return nil, cryptoki.AttributeValueInvalid
	}
	if err != nil {
		return nil, cryptoki.CurveNotSupported
	}
	return c, nil
}

// createCertificate makes a certificate. What it says of itself is read from it.
func (s *Session) createCertificate(t cryptoki.Template, ofToken bool) (cryptoki.Handle, error) {
	kind, err := countOf[cryptoki.CertificateType](t, cryptoki.AttrCertificateType)
	if err != nil {
		return 0, err
	}
	content, found := t.Find(cryptoki.AttrValue)
	switch {
	case !found:
		return 0, cryptoki.TemplateIncomplete
	case !wellFormed(kind, content):
		return 0, cryptoki.AttributeValueInvalid
	case ofToken && truthOf(t, cryptoki.AttrPrivate, false):
		return 0, cryptoki.TemplateInconsistent // the device shows certificates to everyone
	case ofToken:
		return writer{s}.storeCertificate(t, content)
	}
	made := certificate(cryptoki.CategoryUnspecified, "", nil, content)
	attributes := with(made, without(ours(t), cryptoki.AttrSubject, cryptoki.AttrIssuer, cryptoki.AttrSerialNumber, cryptoki.AttrCheckValue))
	return s.keep(&object{class: cryptoki.ClassCertificate, attributes: attributes}), nil
}

// wellFormed says whether a value is one certificate of a kind, and nothing else.
func wellFormed(kind cryptoki.CertificateType, content []byte) bool {
	cursor := tlv.Cursor(content)
	if _, _, _, err := cursor.Next(); err != nil || !cursor.Empty() || !isCertificate(content) {
		return false
	}
	switch kind {
	case cryptoki.CertificateX509:
		return content[0] == wire.FirstOfX509
	case cryptoki.CertificateCVC:
		return content[0] == wire.FirstOfCVC
	}
	return false
}

func (s *Session) createData(t cryptoki.Template, ofToken bool) (cryptoki.Handle, error) {
	oid := contentsOf(textOf(t, cryptoki.AttrObjectID))
	if ofToken {
		return writer{s}.storeData(wire.DCOD{Label: textOf(t, cryptoki.AttrLabel), Application: textOf(t, cryptoki.AttrApplication), ObjectID: oid},
			[]byte(textOf(t, cryptoki.AttrValue)), truthOf(t, cryptoki.AttrPrivate, false))
	}
	defaults := append(storage(cryptoki.ClassData, false, ""), octets(cryptoki.AttrApplication, ""), octets(cryptoki.AttrObjectID, ""), octets(cryptoki.AttrValue, ""))
	return s.keep(&object{class: cryptoki.ClassData, attributes: with(defaults, ours(t))}), nil
}

// contentsOf gives the contents octets of an object identifier. PKCS#11 has it in DER,
// and OpenSC without tag and length, also in what pkcs11-tool shows.
func contentsOf(oid string) []byte {
	if len(oid) > 2 && oid[0] == 0x06 && int(oid[1]) == len(oid)-2 {
		oid = oid[2:]
	}
	return []byte(oid)
}

// defaultID is the ID of a certificate that comes without one: SHA-1 of the modulus, or
// of the point of its key, as OpenSC has it.
func defaultID(public *wire.PublicKey) []byte {
	sum := sha1.Sum(public.Point)
	if public.Type == wire.KeyRSA {
		sum = sha1.Sum(bytes.TrimLeft(public.Modulus, "\x00"))
	}
	return sum[:]
}

func bitLen(n []byte) int { return new(big.Int).SetBytes(n).BitLen() }
