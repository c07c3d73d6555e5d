package wire

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"filippo.io/mldsa"
	"filippo.io/mldsa/x509"

	"conclave/internal/curve"
	"conclave/internal/fips204"
	"conclave/internal/keycheck"
	"conclave/tlv"
)

// Tags of a public key data object (BSI TR-03110 part 3, appendix D.3).
const (
	tagPublicKey tlv.Tag = 0x7F49
	tagOID       tlv.Tag = 0x06
	tagModulus   tlv.Tag = 0x81 // or the prime
	tagExponent  tlv.Tag = 0x82 // or the coefficient a
	tagB         tlv.Tag = 0x83
	tagG         tlv.Tag = 0x84
	tagOrder     tlv.Tag = 0x85
	tagPoint     tlv.Tag = 0x86
	tagCofactor  tlv.Tag = 0x87
)

// Object identifiers of the two kinds of key (TR-03110 part 3, appendix
// A.7.3): id-TA-RSA-v1-5-SHA-256 and id-TA-ECDSA-SHA-256, contents octets.
const (
	oidRSA = "\x04\x00\x7F\x00\x07\x02\x02\x02\x01\x02"
	oidEC  = "\x04\x00\x7F\x00\x07\x02\x02\x02\x02\x03"
)

// PublicKey is a public key as a CVC carries it. In a request to generate a
// key it has no Modulus, no Point or no Encoded yet.
type PublicKey struct {
	Type KeyType

	Modulus, Exponent []byte // RSA
	Bits              int    // RSA, size of the modulus wanted

	Curve *curve.Curve // EC
	Point []byte       // EC, uncompressed

	Parameters mldsa.Parameters // ML-DSA
	Encoded    []byte           // ML-DSA, as pkEncode gives it (FIPS 204, algorithm 22)
}

// RSATemplate asks for an RSA key with public exponent 65537.
func RSATemplate(bits int) PublicKey {
	return PublicKey{Type: KeyRSA, Exponent: []byte{1, 0, 1}, Bits: bits}
}

// ECTemplate asks for an EC key.
func ECTemplate(c *curve.Curve) PublicKey { return PublicKey{Type: KeyEC, Curve: c} }

// Template asks for a key of the type of this one.
func (k PublicKey) Template() PublicKey {
	switch k.Type {
	case KeyRSA:
		return RSATemplate(k.Bits)
	case KeyMLDSA:
		return MLDSATemplate(k.Parameters)
	}
	return ECTemplate(k.Curve)
}

// RSASizes are the sizes of RSA moduli that cards know, in bits.
func RSASizes() []int { return []int{1024, 1536, 2048, 3072, 4096} }

// ParseKeyType reads the type of a key as people write it, rsa:BITS, ec:CURVE or
// ml-dsa-65, into the template of such a key.
func ParseKeyType(text string) (PublicKey, error) {
	kind, size, _ := strings.Cut(text, ":")
	switch kind {
	case "rsa":
		bits, err := strconv.ParseUint(size, 10, 13)
		if err != nil || !slices.Contains(RSASizes(), int(bits)) {
			return PublicKey{}, fmt.Errorf("%q is not a size of RSA keys; rsa:2048, rsa:3072 or rsa:4096 was expected", size)
		}
		return RSATemplate(int(bits)), nil
	case "ec":
		c, err := curve.ByName(size)
		if err != nil {
			return PublicKey{}, err
		}
		return ECTemplate(c), nil
	}
	if s, known := fips204.Find(func(s fips204.Set) bool { return text == strings.ToLower(s.Parameters.String()) }); known {
		return MLDSATemplate(s.Parameters), nil
	}
	return PublicKey{}, fmt.Errorf("%q is not a type of key; rsa:BITS, ec:CURVE, ml-dsa-44, ml-dsa-65 or ml-dsa-87 was expected", text)
}

// CurveBits is the size of the field of an EC key's curve; 0 for any other key.
func (k PublicKey) CurveBits() int {
	if k.Curve == nil {
		return 0
	}
	return k.Curve.Bits
}

// Size is what descriptions of keys have for it: the bits of an RSA modulus or of an EC
// key's field, and of ML-DSA the number in its name.
func (k PublicKey) Size() int {
	if k.Type == KeyMLDSA {
		return fips204.Of(k.Parameters).Number
	}
	return max(k.Bits, k.CurveBits())
}

// RSAPublicKey is the data object for an RSA key.
func RSAPublicKey(k *rsa.PublicKey) PublicKey {
	return PublicKey{Type: KeyRSA, Modulus: k.N.Bytes(), Exponent: big.NewInt(int64(k.E)).Bytes()}
}

// ECPublicKey is the data object for an EC key.
func ECPublicKey(c *curve.Curve, point []byte) PublicKey {
	return PublicKey{Type: KeyEC, Curve: c, Point: point}
}

// build appends the data object 7F49.
func (k PublicKey) build(b *tlv.Builder) {
	b.AddNested(tagPublicKey, func(b *tlv.Builder) {
		switch k.Type {
		case KeyRSA:
			k.buildRSA(b)
		case KeyMLDSA:
			k.buildMLDSA(b)
		default:
			k.buildEC(b)
		}
	})
}

func (k PublicKey) buildRSA(b *tlv.Builder) {
	b.Add(tagOID, []byte(oidRSA))
	if k.Modulus != nil {
		b.Add(tagModulus, k.Modulus)
	}
	b.Add(tagExponent, k.Exponent)
	if k.Modulus == nil {
		b.Add(tagInteger, []byte{byte(k.Bits >> 8), byte(k.Bits)})
	}
}

func (k PublicKey) buildEC(b *tlv.Builder) {
	b.Add(tagOID, []byte(oidEC)).
		Add(tagModulus, k.Curve.P).Add(tagExponent, k.Curve.A).Add(tagB, k.Curve.B).
		Add(tagG, k.Curve.G).Add(tagOrder, k.Curve.N)
	if k.Point != nil {
		b.Add(tagPoint, k.Point)
	}
	b.Add(tagCofactor, []byte{1})
}

// parsePublicKey reads the contents of 7F49.
func parsePublicKey(b []byte) (PublicKey, error) {
	oid, err := tlv.Find(b, tagOID)
	if err != nil {
		return PublicKey{}, err
	}
	switch string(oid) {
	case oidRSA:
		return parseRSA(b)
	case oidEC:
		return parseEC(b)
	}
	if s, known := fips204.Find(func(s fips204.Set) bool { return bytes.Equal(oid, s.Contents()) }); known {
		return parseMLDSA(s.Parameters, b)
	}
	return PublicKey{}, fmt.Errorf("key OID % X; id-TA-RSA-v1-5-SHA-256, id-TA-ECDSA-SHA-256 or one of ML-DSA was expected", oid)
}

func parseRSA(b []byte) (k PublicKey, err error) {
	k.Type = KeyRSA
	k.Exponent, err = tlv.Find(b, tagExponent)
	if errors.Is(err, tlv.ErrAbsent) {
		k.Exponent, err = RSATemplate(0).Exponent, nil // this is how pypicohsm asks for a key
	}
	if err != nil {
		return k, err
	}
	if k.Modulus, err = tlv.Find(b, tagModulus); err == nil {
		k.Bits = new(big.Int).SetBytes(k.Modulus).BitLen()
		return k, nil
	}
	size, err := tlv.Find(b, tagInteger)
	if err != nil {
		return k, err
	}
	if len(size) != 2 {
		return k, fmt.Errorf("a modulus size of %d bytes; 2 were expected", len(size))
	}
	k.Bits = int(size[0])<<8 | int(size[1])
	return k, nil
}

func parseEC(b []byte) (PublicKey, error) {
	var fields [5][]byte
	for i, tag := range []tlv.Tag{tagModulus, tagExponent, tagB, tagOrder, tagG} {
		value, err := tlv.Find(b, tag)
		if err != nil {
			return PublicKey{}, err
		}
		fields[i] = value
	}
	c, err := curve.ByParams(fields[0], fields[1], fields[2], fields[3], fields[4])
	if err != nil {
		return PublicKey{}, err
	}
	k := ECTemplate(c)
	point, err := tlv.Find(b, tagPoint)
	if errors.Is(err, tlv.ErrAbsent) {
		return k, nil
	}
	if err != nil {
		return PublicKey{}, err
	}
	k.Point = point
	return k, c.CheckPoint(point)
}

// pointAlone gives the point of an EC key without domain parameters, which are
// those of its issuer's key; nil for any other key.
func pointAlone(b []byte) []byte {
	oid, _ := tlv.Find(b, tagOID)
	_, err := tlv.Find(b, tagModulus)
	if string(oid) != oidEC || !errors.Is(err, tlv.ErrAbsent) {
		return nil
	}
	point, _ := tlv.Find(b, tagPoint)
	return point
}

// Verify checks a CVC signature: SHA-256, PKCS#1 v1.5 for RSA and r‖s for EC; pure ML-DSA
// without a context.
func (k PublicKey) Verify(message, signature []byte) error {
	if k.Type == KeyEC {
		der, err := curve.DERSignature(k.Curve, signature)
		if err != nil {
			return err
		}
		signature = der
	}
	return k.VerifyDER(message, signature)
}

// VerifyDER is Verify for a signature as crypto.Signer makes it: DER for EC.
func (k PublicKey) VerifyDER(message, signature []byte) error {
	if k.Type == KeyMLDSA {
		return k.verifyMLDSA(message, signature)
	}
	digest := sha256.Sum256(message)
	if k.Type == KeyRSA {
		pub, err := k.rsa()
		if err != nil {
			return err
		}
		return rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest[:], signature)
	}
	if !k.Curve.Verify(k.Point, digest[:], signature) {
		return errors.New("the signature does not verify")
	}
	return nil
}

func (k PublicKey) rsa() (*rsa.PublicKey, error) {
	e := new(big.Int).SetBytes(k.Exponent)
	if k.Modulus == nil || !e.IsInt64() || e.Int64() > 1<<31-1 {
		return nil, errors.New("the RSA public key has no modulus, or an exponent above 31 bits")
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(k.Modulus), E: int(e.Int64())}
	return public, keycheck.Length(public)
}

// SPKI gives the key as a SubjectPublicKeyInfo (RFC 5280 section 4.1), DER.
func (k PublicKey) SPKI() ([]byte, error) {
	switch k.Type {
	case KeyEC:
		return k.Curve.MarshalSPKI(k.Point)
	case KeyMLDSA:
		return k.mldsaSPKI()
	}
	pub, err := k.rsa()
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKIXPublicKey(pub)
}

// Fingerprint is SHA-256 of the SubjectPublicKeyInfo, in hex; empty for no key, and
// for one that cannot be written as one.
func (k *PublicKey) Fingerprint() string {
	if k == nil {
		return ""
	}
	der, err := k.SPKI()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// ParseSPKI reads a SubjectPublicKeyInfo. RSA keys that are for PSS alone are refused: the
// card holds its keys to no padding.
func ParseSPKI(der []byte) (*PublicKey, error) {
	if c, point, err := curve.ParseSPKI(der); err == nil {
		k := ECPublicKey(c, point)
		return &k, nil
	}
	pub, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		k := RSAPublicKey(pub)
		k.Bits = pub.N.BitLen()
		return &k, nil
	case *mldsa.PublicKey:
		k := MLDSAPublicKey(pub)
		return &k, nil
	}
	return nil, fmt.Errorf("a public key of type %T; RSA, EC on a known curve or ML-DSA was expected", pub)
}

// id-RSASSA-PSS and rsaEncryption, RFC 4055, section 1.2.
var (
	oidRSASSAPSS     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidRSAEncryption = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
)

// ParseCertified reads the key of an X.509 certificate, DER. That the certificate wants an
// RSA key to be used with PSS alone is passed over: the key is the same one.
func ParseCertified(certificate []byte) (*PublicKey, error) {
	der, err := subjectPublicKeyInfo(certificate)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &spki); err == nil && len(rest) == 0 && spki.Algorithm.Algorithm.Equal(oidRSASSAPSS) {
		spki.Algorithm = pkix.AlgorithmIdentifier{Algorithm: oidRSAEncryption, Parameters: asn1.NullRawValue}
		if der, err = asn1.Marshal(spki); err != nil {
			return nil, err
		}
	}
	return ParseSPKI(der)
}

// subjectPublicKeyInfo takes the key out of an X.509 certificate (RFC 5280
// section 4.1), whatever its curve: crypto/x509 refuses those it cannot use.
func subjectPublicKeyInfo(certificate []byte) (spki []byte, err error) {
	const sequence, version = 0x30, 0xA0
	outer := tlv.Cursor(certificate)
	signed, err := outer.Take(sequence)
	if err != nil {
		return nil, err
	}
	inner := tlv.Cursor(signed)
	tbs, err := inner.Take(sequence)
	if err != nil {
		return nil, err
	}
	fields := tlv.Cursor(tbs)
	// serial number, signature, issuer, validity, subject, then the key
	for before := 5; before >= 0; {
		tag, _, element, err := fields.Next()
		if err != nil {
			return nil, err
		}
		if spki = element; tag != version {
			before--
		}
	}
	return spki, nil
}

// Equal says whether two keys are the same.
func (k PublicKey) Equal(other PublicKey) bool {
	return k.Type == other.Type && bytes.Equal(k.Modulus, other.Modulus) &&
		bytes.Equal(k.Exponent, other.Exponent) && bytes.Equal(k.Point, other.Point) &&
		k.Parameters == other.Parameters && bytes.Equal(k.Encoded, other.Encoded)
}
