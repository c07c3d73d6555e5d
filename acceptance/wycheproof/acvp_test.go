package wycheproof

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"os"
	"testing"

	"conclave/internal/curve"
	"conclave/wire"
)

// samples are those of testdata/acvp.json.
type samples struct {
	ECDSA []struct {
		Curve, Reason        string
		Case                 int
		Passed               bool
		Digest, QX, QY, R, S hexBytes
	}
	Agreements []struct {
		Curve            string
		Case             int
		Private, X, Y, Z hexBytes
	}
	RSA []struct {
		Case                     int
		P, Q, Message, Signature hexBytes
	}
}

// TestACVP judges by samples of NIST's, on the card where it computes.
func TestACVP(t *testing.T) {
	content, err := os.ReadFile("testdata/acvp.json")
	if err != nil {
		t.Fatal(err)
	}
	var s samples
	if err := json.Unmarshal(content, &s); err != nil || len(s.ECDSA) == 0 || len(s.Agreements) == 0 || len(s.RSA) == 0 {
		t.Fatalf("samples are missing: %v", err)
	}
	card := newBench(t)
	for _, v := range s.ECDSA {
		c := named(t, v.Curve)
		der, err := curve.DERSignature(c, append(bytes.Clone(v.R), v.S...))
		point := append(append([]byte{4}, v.QX...), v.QY...)
		if passed := err == nil && c.Verify(point, v.Digest, der); passed != v.Passed {
			t.Errorf("ECDSA %d (%s): %t", v.Case, v.Reason, passed)
		}
	}
	for _, v := range s.Agreements {
		c := named(t, v.Curve)
		private, err := c.NewPrivateKey(v.Private)
		if err != nil {
			t.Fatal(err)
		}
		if err := card.put(private); err != nil {
			t.Fatal(err)
		}
		shared, err := card.Decipher(ref, wire.ECDH, append(append([]byte{4}, v.X...), v.Y...))
		if err != nil || !bytes.Equal(shared[1:1+c.FieldLen()], v.Z) {
			t.Errorf("agreement %d: %x, %v", v.Case, shared, err)
		}
	}
	for _, v := range s.RSA {
		if err := card.put(primes(v.P, v.Q)); err != nil {
			t.Fatal(err)
		}
		signature, err := card.Sign(ref, wire.RSARaw, v.Message)
		if (err == nil) != (v.Signature != nil) || !bytes.Equal(signature, v.Signature) {
			t.Errorf("RSA %d: %x, %v", v.Case, signature, err)
		}
	}
}

func named(t *testing.T, name string) *curve.Curve {
	t.Helper()
	c, err := curve.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// primes is the key of two primes and e = 65537.
func primes(p, q []byte) *rsa.PrivateKey {
	one, e := big.NewInt(1), big.NewInt(65537)
	P, Q := new(big.Int).SetBytes(p), new(big.Int).SetBytes(q)
	phi := new(big.Int).Mul(new(big.Int).Sub(P, one), new(big.Int).Sub(Q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(P, Q), E: 65537},
		D:         new(big.Int).ModInverse(e, phi), Primes: []*big.Int{P, Q},
	}
	key.Precompute()
	return key
}
