package token

import (
	"crypto/sha1"
	"encoding/asn1"
	"fmt"
	"strings"

	"conclave/tlv"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// Attributes of PKCS#11 3.2 by class, each object having all that its class has: a
// client that asks for one which is not there takes that for a broken token.

func flag(a cryptoki.AttributeType, value bool) cryptoki.Attribute {
	return cryptoki.Attribute{Type: a, Value: cryptoki.Bool(value)}
}

func number[T ~uint64](a cryptoki.AttributeType, n T) cryptoki.Attribute {
	return cryptoki.Attribute{Type: a, Value: cryptoki.Number(n)}
}

func octets[T ~string | ~[]byte](a cryptoki.AttributeType, value T) cryptoki.Attribute {
	return cryptoki.Attribute{Type: a, Value: []byte(value)}
}

// sensitive are attributes that are there and do not leave.
func sensitive(types ...cryptoki.AttributeType) (t cryptoki.Template) {
	for _, a := range types {
		t = append(t, cryptoki.Attribute{Type: a, Sensitive: true})
	}
	return t
}

// storage is what every object has (section 4.4).
func storage(class cryptoki.Class, private bool, label string) cryptoki.Template {
	return cryptoki.Template{
		number(cryptoki.AttrClass, class), flag(cryptoki.AttrToken, true), flag(cryptoki.AttrPrivate, private),
		flag(cryptoki.AttrModifiable, true), octets(cryptoki.AttrLabel, label),
		flag(cryptoki.AttrCopyable, true), flag(cryptoki.AttrDestroyable, true),
	}
}

// keyDescription is what is known of a key on the device, to make attributes of.
type keyDescription struct {
	kind        wire.KeyType
	bits        int
	label       string
	id, subject []byte
	usage       wire.Usage
	public      *wire.PublicKey // nil if it is not known
	local       bool            // made on this device
	extractable bool            // wrapped, under a DKEK
	consent     bool            // the PIN is to be given for each use
	algorithms  []byte          // that programs use it with; none for all
	limits      wire.KeyLimits  // as far as the device tells them
}

// keyType is PKCS#11's word for the type of a key.
func keyType(t wire.KeyType) cryptoki.KeyType {
	switch t {
	case wire.KeyRSA:
		return cryptoki.KeyRSA
	case wire.KeyEC:
		return cryptoki.KeyEC
	}
	return cryptoki.KeyAES
}

// generatedBy is the mechanism that made a key; Unavailable where that is not known.
func (k *keyDescription) generatedBy() cryptoki.MechanismType {
	switch {
	case !k.local:
	case k.kind == wire.KeyRSA:
		return cryptoki.RSAPKCSKeyPairGen
	case k.kind == wire.KeyEC:
		return cryptoki.ECKeyPairGen
	}
	return cryptoki.MechanismType(cryptoki.Unavailable)
}

// common is what all keys have (section 4.7). An empty list of mechanisms allows all; a key
// that had none would make pkcs11-provider ask no other key.
func (k *keyDescription) common(class cryptoki.Class, private bool) cryptoki.Template {
	return append(storage(class, private, k.label),
		number(cryptoki.AttrKeyType, keyType(k.kind)), octets(cryptoki.AttrID, k.id),
		octets(cryptoki.AttrStartDate, ""), octets(cryptoki.AttrEndDate, ""),
		octets(cryptoki.AttrAllowedMechanisms, allowedMechanisms(k.kind, k.algorithms)),
		flag(cryptoki.AttrLocal, k.local), number(cryptoki.AttrKeyGenMechanism, k.generatedBy()))
}

// privateKey is a private key (sections 4.9 and 6). Its public half is in it too, if
// that is known.
func (k *keyDescription) privateKey() cryptoki.Template {
	uses := func(u wire.Usage) bool { return k.usage&u != 0 }
	t := append(k.common(cryptoki.ClassPrivateKey, true),
		octets(cryptoki.AttrSubject, k.subject),
		flag(cryptoki.AttrDecrypt, uses(wire.UsageDecrypt)), flag(cryptoki.AttrSign, uses(wire.UsageSign)),
		flag(cryptoki.AttrSignRecover, uses(wire.UsageSignRecover)), flag(cryptoki.AttrUnwrap, uses(wire.UsageUnwrap)),
		flag(cryptoki.AttrDerive, uses(wire.UsageDerive)),
		flag(cryptoki.AttrWrapWithTrusted, false), flag(cryptoki.AttrAlwaysAuthenticate, k.consent))
	t = append(t, k.guarded()...)
	t = append(t, k.parameters()...)
	t = append(t, k.limited()...)
	if k.kind == wire.KeyRSA {
		return append(t, sensitive(cryptoki.AttrPrivateExponent, cryptoki.AttrPrime1, cryptoki.AttrPrime2,
			cryptoki.AttrExponent1, cryptoki.AttrExponent2, cryptoki.AttrCoefficient)...)
	}
	return append(t, sensitive(cryptoki.AttrValue)...)
}

// limited is what CardContact's module has of what limits a key.
func (k *keyDescription) limited() (t cryptoki.Template) {
	if n := k.limits.UseCounter; n != nil {
		t = append(t, number(cryptoki.AttrUseCounter, uint64(*n)))
	}
	if len(k.limits.Algorithms) > 0 {
		t = append(t, octets(cryptoki.AttrAlgorithmList, k.limits.Algorithms))
	}
	if n := k.limits.Domain; n != nil {
		t = append(t, octets(cryptoki.AttrKeyDomain, []byte{*n}))
	}
	return t
}

// guarded says how a key that stays on the device is kept.
func (k *keyDescription) guarded() cryptoki.Template {
	return cryptoki.Template{
		flag(cryptoki.AttrSensitive, true), flag(cryptoki.AttrAlwaysSensitive, true),
		flag(cryptoki.AttrExtractable, k.extractable), flag(cryptoki.AttrNeverExtractable, !k.extractable),
	}
}

// publicKey is a public key (section 4.8). Its usage is what is done in software here, and
// that it is agreed on keys with, if its private half does that.
func (k *keyDescription) publicKey() cryptoki.Template {
	rsa, derives := k.kind == wire.KeyRSA, k.kind == wire.KeyEC && k.usage&wire.UsageDerive != 0
	return append(append(k.common(cryptoki.ClassPublicKey, false),
		octets(cryptoki.AttrSubject, k.subject),
		flag(cryptoki.AttrEncrypt, rsa), flag(cryptoki.AttrVerify, true), flag(cryptoki.AttrVerifyRecover, rsa),
		flag(cryptoki.AttrWrap, false), flag(cryptoki.AttrDerive, derives), flag(cryptoki.AttrTrusted, false)),
		k.parameters()...)
}

// secretKey is a secret key of the device (section 4.10).
func (k *keyDescription) secretKey() cryptoki.Template {
	t := append(k.common(cryptoki.ClassSecretKey, true),
		flag(cryptoki.AttrEncrypt, false), flag(cryptoki.AttrDecrypt, false), flag(cryptoki.AttrSign, false),
		flag(cryptoki.AttrVerify, false), flag(cryptoki.AttrWrap, false), flag(cryptoki.AttrUnwrap, false),
		flag(cryptoki.AttrDerive, false), flag(cryptoki.AttrTrusted, false), flag(cryptoki.AttrWrapWithTrusted, false),
		number(cryptoki.AttrValueLen, uint64(k.bits/8)))
	return append(append(t, k.guarded()...), sensitive(cryptoki.AttrValue)...)
}

// parameters are the public half.
func (k *keyDescription) parameters() cryptoki.Template {
	if k.public == nil {
		if k.kind == wire.KeyRSA && k.bits > 0 {
			return cryptoki.Template{number(cryptoki.AttrModulusBits, uint64(k.bits))}
		}
		return nil
	}
	return publicParameters(k.public)
}

// publicParameters are the attributes that a public key consists of.
func publicParameters(public *wire.PublicKey) (t cryptoki.Template) {
	if spki, err := public.SPKI(); err == nil {
		t = append(t, octets(cryptoki.AttrPublicKeyInfo, spki))
	}
	if public.Type == wire.KeyRSA {
		return append(t, octets(cryptoki.AttrModulus, strings.TrimLeft(string(public.Modulus), "\x00")),
			number(cryptoki.AttrModulusBits, uint64(public.Bits)),
			octets(cryptoki.AttrPublicExponent, strings.TrimLeft(string(public.Exponent), "\x00")))
	}
	oid, err := asn1.Marshal(public.Curve.OID)
	if err != nil {
		return t
	}
	point, err := asn1.Marshal(public.Point)
	if err != nil {
		return t
	}
	return append(t, octets(cryptoki.AttrECParams, oid), octets(cryptoki.AttrECPoint, point))
}

// certificate is a certificate, X.509 or CVC (section 4.6).
func certificate(category cryptoki.CertificateCategory, label string, id, content []byte) cryptoki.Template {
	sum := sha1.Sum(content)
	kind := cryptoki.CertificateX509
	if content[0] != wire.FirstOfX509 {
		kind = cryptoki.CertificateCVC
	}
	t := append(storage(cryptoki.ClassCertificate, false, label),
		number(cryptoki.AttrCertificateType, kind), flag(cryptoki.AttrTrusted, false),
		number(cryptoki.AttrCertificateCategory, category), octets(cryptoki.AttrCheckValue, sum[:3]),
		octets(cryptoki.AttrID, id), octets(cryptoki.AttrValue, content), octets(cryptoki.AttrStartDate, ""),
		octets(cryptoki.AttrEndDate, ""), octets(cryptoki.AttrURL, ""), octets(cryptoki.AttrHashOfSubjectKey, ""),
		octets(cryptoki.AttrHashOfIssuerKey, ""), number(cryptoki.AttrNameHashAlgorithm, cryptoki.SHA1))
	f := parseNames(content)
	return append(t, octets(cryptoki.AttrSubject, f.subject), octets(cryptoki.AttrIssuer, f.issuer),
		octets(cryptoki.AttrSerialNumber, f.serial), octets(cryptoki.AttrPublicKeyInfo, f.spki))
}

// names are fields of an X.509 certificate, DER; those that are not found are empty.
type names struct{ serial, issuer, subject, spki []byte }

func parseNames(content []byte) (n names) {
	outer := tlv.Cursor(content)
	whole, _ := outer.Take(0x30)
	inner := tlv.Cursor(whole)
	tbs, err := inner.Take(0x30)
	if err != nil {
		return n
	}
	fields := tlv.Cursor(tbs)
	for _, to := range []*[]byte{&n.serial, nil, &n.issuer, nil, &n.subject, &n.spki} {
		tag, _, element, err := fields.Next()
		if err == nil && tag == 0xA0 { // the version, which comes first
			_, _, element, err = fields.Next()
		}
		if err != nil {
			return n
		}
		if to != nil {
			*to = element
		}
	}
	return n
}

// uniqueID is CKA_UNIQUE_ID.
func uniqueID(h cryptoki.Handle) cryptoki.Attribute {
	return octets(cryptoki.AttrUniqueID, fmt.Sprintf("%012x", uint64(h)))
}
