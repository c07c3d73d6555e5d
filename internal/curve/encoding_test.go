package curve_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"conclave/internal/curve"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
	"pgregory.net/rapid"
)

func TestPlainAndDERSignature(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		rapid.Check(t, func(r *rapid.T) {
			part := func(name string) []byte {
				length := rapid.IntRange(1, len(c.N)-1).Draw(r, name+" length")
				v := rapid.SliceOfN(rapid.Byte(), length, length).Draw(r, name)
				v[length-1] |= 1
				return append(make([]byte, len(c.N)-length), v...)
			}
			plain := append(part("r"), part("s")...)
			der, err := curve.DERSignature(c, plain)
			if err != nil {
				r.Fatal(err)
			}
			if back, err := curve.PlainSignature(c, der); err != nil || !bytes.Equal(back, plain) {
				r.Fatalf("%x became %x, %v", plain, back, err)
			}
		})
		k := generate(t, c)
		signature, err := k.Sign([]byte("digest"))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := curve.PlainSignature(c, signature)
		if err != nil || len(plain) != 2*len(c.N) {
			t.Fatalf("%d bytes, %v", len(plain), err)
		}
		if der, err := curve.DERSignature(c, plain); err != nil || !bytes.Equal(der, signature) {
			t.Errorf("%x became %x, %v", signature, der, err)
		}
	})
}

// Forms that other encoders produce by mistake, here for secp256r1.
func TestPlainSignatureRefuses(t *testing.T) {
	c, err := curve.ByName("secp256r1")
	if err != nil {
		t.Fatal(err)
	}
	order := "022100" + hex.EncodeToString(c.N)
	for name, der := range map[string]string{
		"nothing":              "",
		"trailing byte":        "300602010102010100",
		"three integers":       "3009020101020101020101",
		"one integer":          "3003020101",
		"padded integer":       "30070202000102 0101",
		"negative r":           "30060201ff020101",
		"r is zero":            "3006020100020101",
		"s is zero":            "3006020101020100",
		"r is the order":       "3026" + order + "020101",
		"s is the order":       "3026020101" + order,
		"r too long":           "3027022201" + strings.Repeat("00", 33) + "020101",
		"indefinite length":    "308002010102010100 00",
		"long form of length":  "308106020101020101",
		"plain form":           strings.Repeat("01", 64),
		"octet strings inside": "3006040101040101",
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(der, " ", ""))
		if err != nil {
			t.Fatal(name, err)
		}
		if plain, err := curve.PlainSignature(c, b); err == nil {
			t.Errorf("%s: accepted as %x", name, plain)
		}
	}
}

func TestDERSignatureRefuses(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		one := append(make([]byte, len(c.N)-1), 1)
		zero := make([]byte, len(c.N))
		for name, plain := range map[string][]byte{
			"nothing": nil, "half": one, "too long": append(append(one, one...), 0),
			"r is zero": append(bytes.Clone(zero), one...), "s is zero": append(bytes.Clone(one), zero...),
			"r is the order": append(bytes.Clone(c.N), one...), "s is the order": append(bytes.Clone(one), c.N...),
		} {
			if der, err := curve.DERSignature(c, plain); err == nil {
				t.Errorf("%s: accepted as %x", name, der)
			}
		}
	})
}

func TestParseSPKIRefuses(t *testing.T) {
	c, err := curve.ByName("secp256k1")
	if err != nil {
		t.Fatal(err)
	}
	good, err := c.MarshalSPKI(c.G)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	rsaSPKI, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	offCurve := bytes.Clone(good)
	offCurve[len(offCurve)-1] ^= 1
	otherCurve := bytes.Replace(good, []byte{0x2B, 0x81, 0x04, 0x00, 0x0A}, []byte{0x2B, 0x81, 0x04, 0x00, 0x01}, 1)
	for name, test := range map[string]struct {
		der  []byte
		says string
	}{
		"nothing":        {nil, "not a DER SubjectPublicKeyInfo"},
		"trailing byte":  {append(bytes.Clone(good), 0), "not a DER SubjectPublicKeyInfo"},
		"RSA":            {rsaSPKI, "1.2.840.113549.1.1.1"},
		"off the curve":  {offCurve, "not on secp256k1"},
		"sect163k1":      {otherCurve, "1.3.132.0.1"},
		"explicit curve": {unhex(t, "301a301306072a8648ce3d0201300806062b8104000a0003030004ff"), "malformed"},
		"implicit curve": {unhex(t, "300f300b06072a8648ce3d020105000300"), "neither the name of a curve nor the numbers"},
	} {
		if _, _, err := curve.ParseSPKI(test.der); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v does not say %q", name, err, test.says)
		}
	}
	if _, err := c.MarshalSPKI(c.G[1:]); err == nil {
		t.Error("MarshalSPKI took half a point")
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestParametersThatAreNoCurves: a curve with another generator is another curve, on
// which anyone can have the private key of a public one (CVE-2020-0601), and so is one
// that has one bit changed anywhere.
func TestParametersThatAreNoCurves(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		der := parametersOf(c, c.P, c.G, c.N, 1)
		if got, err := curve.ParseParameters(der); err != nil || got != c {
			t.Fatalf("%v, %v", got, err)
		}
		for i := range der {
			other := bytes.Clone(der)
			other[i] ^= 1
			if got, err := curve.ParseParameters(other); err == nil {
				t.Errorf("with another byte %d it is %s", i, got.Name)
			}
		}
		k := generate(t, c)
		for name, der := range map[string][]byte{
			"another generator": parametersOf(c, c.P, k.Q, c.N, 1), "a cofactor": parametersOf(c, c.P, c.G, c.N, 2),
			"a byte more": append(bytes.Clone(der), 0), "a byte less": der[:len(der)-1], "no generator": parametersOf(c, c.P, nil, c.N, 1),
			"another order": parametersOf(c, c.P, c.G, c.P, 1), "no cofactor": parametersOf(c, c.P, c.G, c.N, 0),
		} {
			if got, err := curve.ParseParameters(der); err == nil {
				t.Errorf("%s: it is %s", name, got.Name)
			}
		}
	})
}

// parametersOf writes the numbers of a curve (SEC 1, version 2.0, section C.2), 0 for a
// cofactor that is left out.
func parametersOf(c *curve.Curve, p, g, n []byte, cofactor int64) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 1, 1})
			b.AddASN1BigInt(new(big.Int).SetBytes(p))
		})
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(c.A)
			b.AddASN1OctetString(c.B)
		})
		b.AddASN1OctetString(g)
		b.AddASN1BigInt(new(big.Int).SetBytes(n))
		if cofactor != 0 {
			b.AddASN1Int64(cofactor)
		}
	})
	return b.BytesOrPanic()
}

// What ParseSPKI accepts, MarshalSPKI writes with the name of the curve.
func FuzzParseSPKI(f *testing.F) {
	f.Fuzz(func(t *testing.T, der []byte) {
		c, q, err := curve.ParseSPKI(der)
		if err != nil {
			return
		}
		named, err := c.MarshalSPKI(q)
		if err != nil || len(named) > len(der) || len(named) == len(der) && !bytes.Equal(named, der) {
			t.Errorf("%x became %x, %v", der, named, err)
		}
		if again, p, err := curve.ParseSPKI(named); err != nil || again != c || !bytes.Equal(p, q) {
			t.Errorf("%x became %v, %x, %v", named, again, p, err)
		}
	})
}

// Whatever PlainSignature accepts is exactly what DERSignature writes.
func FuzzPlainSignature(f *testing.F) {
	f.Fuzz(func(t *testing.T, which uint, der []byte) {
		curves := curve.All()
		c := curves[which%uint(len(curves))]
		plain, err := curve.PlainSignature(c, der)
		if err != nil {
			return
		}
		if again, err := curve.DERSignature(c, plain); err != nil || !bytes.Equal(again, der) {
			t.Errorf("%x became %x, %v", der, again, err)
		}
	})
}
