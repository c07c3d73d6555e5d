package wycheproof

import (
	"bytes"
	"crypto"
	"crypto/sha3"
	_ "crypto/sha512" // and SHA-224, SHA-256 and SHA-1 with what wire needs
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"

	"conclave/internal/curve"
	"conclave/wire"
)

// hashOf gives a hash by the name that vectors have for it, 0 for another.
func hashOf(name string) crypto.Hash {
	return map[string]crypto.Hash{
		"SHA-1": crypto.SHA1, "SHA-224": crypto.SHA224, "SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512,
		"SHA-512/224": crypto.SHA512_224, "SHA-512/256": crypto.SHA512_256,
		"SHA3-224": crypto.SHA3_224, "SHA3-256": crypto.SHA3_256, "SHA3-384": crypto.SHA3_384, "SHA3-512": crypto.SHA3_512,
	}[name]
}

// digest is the hash of a message. SHAKE gives as much as RFC 8692 says.
func (j *judge) digest(name string, message []byte) []byte {
	j.Helper()
	switch name {
	case "SHAKE128":
		return sha3.SumSHAKE128(message, 32)
	case "SHAKE256":
		return sha3.SumSHAKE256(message, 64)
	}
	hash := hashOf(name)
	if hash == 0 {
		j.Fatalf("%q is not a hash that is known here", name)
	}
	h := hash.New()
	h.Write(message)
	return h.Sum(nil)
}

func (j *judge) publicKey(g group) wire.PublicKey {
	j.Helper()
	public, err := wire.ParseSPKI(g.PublicKeyDER)
	if err != nil {
		j.Fatal(err)
	}
	return *public
}

// ecdsa are signatures in DER.
func (j *judge) ecdsa(groups []group) {
	for _, g := range groups {
		public := j.publicKey(g)
		for _, v := range g.Tests {
			j.answer(v, public.Curve.Verify(public.Point, j.digest(g.SHA, v.Msg), v.Sig), true)
		}
	}
}

// plainECDSA are signatures r ‖ s, as CVCs have them.
func (j *judge) plainECDSA(groups []group) {
	for _, g := range groups {
		public := j.publicKey(g)
		for _, v := range g.Tests {
			der, err := curve.DERSignature(public.Curve, v.Sig)
			j.answer(v, err == nil && public.Curve.Verify(public.Point, j.digest(g.SHA, v.Msg), der), true)
		}
	}
}

// unknownCurve are keys on curves that the card does not have: all are refused. Some
// invalid ones are on a curve of ours in place of the one that was meant.
func (j *judge) unknownCurve(groups []group) {
	for _, g := range groups {
		for _, v := range g.Tests {
			key := []byte(g.PublicKeyDER)
			if v.Public != nil {
				key = j.encoded(v.Public)
			}
			if _, _, err := curve.ParseSPKI(key); err == nil && v.Result != "invalid" {
				j.Errorf("vector %d: a key on an unknown curve was taken", v.ID)
			}
			j.others++
		}
	}
}

// encoded is a hexadecimal string.
func (j *judge) encoded(raw json.RawMessage) []byte {
	j.Helper()
	var b hexBytes
	if err := json.Unmarshal(raw, &b); err != nil {
		j.Fatal(err)
	}
	return b
}

// ecdh are agreements, which the card computes.
func (j *judge) ecdh(groups []group) {
	for _, g := range groups {
		for _, v := range g.Tests {
			private, c := j.privateKey(g, v)
			point, err := j.point(g.Encoding, c, v.Public)
			if err != nil {
				j.answer(v, false, false)
				continue
			}
			shared, err := j.agree(private, point)
			j.answer(v, err == nil, err == nil && bytes.Equal(shared[1:1+c.FieldLen()], v.Shared))
		}
	}
}

// agree has the card compute an agreement. Files in other encodings have the same
// ones again; these are computed once.
func (j *judge) agree(private *curve.PrivateKey, point []byte) ([]byte, error) {
	j.Helper()
	name := fmt.Sprintf("%s %x %x", private.Curve.Name, []byte(private.D), point)
	known, again := j.card.known[name]
	if !again {
		if err := j.hold(private); err != nil {
			j.Fatal(err)
		}
		known.out, known.err = j.card.Decipher(ref, wire.ECDH, point)
		j.card.known[name] = known
	}
	return known.out, known.err
}

// hold puts a key on the card, unless it is there.
func (j *judge) hold(private *curve.PrivateKey) error {
	name := fmt.Sprintf("%s %x", private.Curve.Name, []byte(private.D))
	if j.card.holds == name {
		return nil
	}
	j.card.holds = ""
	if err := j.card.put(private); err != nil {
		return err
	}
	j.card.holds = name
	return nil
}

// pkcs8 is the private scalar in a PEM file (RFC 5958, RFC 5915).
func (j *judge) pkcs8(raw json.RawMessage) []byte {
	j.Helper()
	block, _ := pem.Decode([]byte(j.text(raw)))
	if block == nil {
		j.Fatal("no PEM")
	}
	var outer struct {
		Version   int
		Algorithm asn1.RawValue
		Key       []byte
	}
	var inner struct {
		Version int
		D       []byte
		Rest    asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(block.Bytes, &outer); err != nil {
		j.Fatal(err)
	}
	if _, err := asn1.Unmarshal(outer.Key, &inner); err != nil {
		j.Fatal(err)
	}
	return inner.D
}

// webKey is an EC key as RFC 7517 has it.
type webKey struct{ Crv, X, Y, D string }

func (j *judge) privateKey(g group, v vector) (*curve.PrivateKey, *curve.Curve) {
	j.Helper()
	c, err := curve.ByName(webName(g.Curve))
	if err != nil {
		j.Fatal(err)
	}
	var d []byte
	switch g.Encoding {
	case "webcrypto":
		d = j.coordinate(j.webKey(v.Private).D)
	case "pem":
		d = j.pkcs8(v.Private)
	default:
		d = j.encoded(v.Private)
	}
	private, err := c.NewPrivateKey(d)
	if err != nil {
		j.Fatalf("vector %d: %v", v.ID, err)
	}
	return private, c
}

// webName is a name of a curve, of which the web has one of its own.
func webName(name string) string {
	if name == "P-256K" {
		return "secp256k1"
	}
	return name
}

func (j *judge) webKey(raw json.RawMessage) (k webKey) {
	j.Helper()
	if err := json.Unmarshal(raw, &k); err != nil {
		j.Fatal(err)
	}
	return k
}

func (j *judge) coordinate(text string) []byte {
	j.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		j.Fatal(err)
	}
	return b
}

// point reads the public half of an agreement as a host of ours does.
func (j *judge) point(encoding string, c *curve.Curve, raw json.RawMessage) ([]byte, error) {
	j.Helper()
	switch encoding {
	case "ecpoint":
		return j.encoded(raw), nil
	case "webcrypto":
		k := j.webKey(raw)
		named, err := curve.ByName(webName(k.Crv))
		if err != nil || named != c {
			return nil, fmt.Errorf("a key on %q, %v", k.Crv, err)
		}
		return append(append([]byte{4}, j.coordinate(k.X)...), j.coordinate(k.Y)...), nil
	}
	der := []byte(nil)
	if encoding == "pem" {
		block, _ := pem.Decode([]byte(j.text(raw)))
		if block == nil {
			return nil, fmt.Errorf("no PEM")
		}
		der = block.Bytes
	} else {
		der = j.encoded(raw)
	}
	named, point, err := curve.ParseSPKI(der)
	if err == nil && named != c {
		err = fmt.Errorf("a key on %s", named.Name)
	}
	return point, err
}

func (j *judge) text(raw json.RawMessage) (text string) {
	j.Helper()
	if err := json.Unmarshal(raw, &text); err != nil {
		j.Fatal(err)
	}
	return text
}

// parameters are those of curves: ours must be the same.
func (j *judge) parameters(groups []group) {
	seen := 0
	for _, v := range groups[0].Tests {
		c, err := curve.ByName(v.Name)
		if err != nil {
			j.leave("the card has no such curve")
			continue
		}
		seen++
		g := append(append([]byte{4}, padTo(c.FieldLen(), v.Gx)...), padTo(c.FieldLen(), v.Gy)...)
		same, err := curve.ByParams(v.P, v.A, v.B, v.N, g)
		j.answer(v, err == nil, same == c && c.OID.String() == v.OID && v.H == 1)
	}
	if seen != len(curve.All()) {
		j.Errorf("%d of our %d curves have vectors", seen, len(curve.All()))
	}
}

func padTo(size int, b []byte) []byte { return new(big.Int).SetBytes(b).FillBytes(make([]byte, size)) }
