package hsm_test

import (
	"crypto/rsa"
	"fmt"
	"math/big"
	"testing"

	"conclave/dkek"
	"conclave/dkek/dkektest"
	"conclave/hsm"
	"conclave/wire"
)

// TestGeneratedRSAKeys looks into RSA keys that the card has made: what FIPS 186-5,
// appendix A.1.1, demands of primes and exponents, and that no two have a prime in
// common.
func TestGeneratedRSAKeys(t *testing.T) {
	h := withShare(t)
	kek, err := dkek.Combine(dkektest.ReadVector(t, "../dkek/testdata/2-of-4").Share)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, bits := range []int{1024, 1024, 1536, 2048} {
		ref, request, err := h.GenerateKey(hsm.NewKey{Key: wire.RSATemplate(bits)})
		if err != nil {
			t.Fatal(err)
		}
		f, err := h.WrapKey(ref)
		if err != nil {
			t.Fatal(err)
		}
		material, _, err := kek.Unwrap(f.Blob)
		if err != nil {
			t.Fatal(err)
		}
		key := material.(*rsa.PrivateKey)
		if err := unhealthy(key, bits); err != nil {
			t.Errorf("key %d of %d bits: %v", i, bits, err)
		}
		if new(big.Int).SetBytes(request.Request.Key.Modulus).Cmp(key.N) != 0 {
			t.Errorf("key %d: the request is for another key", i)
		}
		for _, p := range key.Primes {
			if seen[p.String()] {
				t.Errorf("key %d: another key has its prime", i)
			}
			seen[p.String()] = true
		}
	}
}

// unhealthy says what is wrong with a key of so many bits.
func unhealthy(key *rsa.PrivateKey, bits int) error {
	p, q := key.Primes[0], key.Primes[1]
	distance := new(big.Int).Sub(p, q)
	switch {
	case key.N.BitLen() != bits || key.E != 65537:
		return fmt.Errorf("%d bits, exponent %d", key.N.BitLen(), key.E)
	case p.BitLen() != bits/2 || q.BitLen() != bits/2 || !p.ProbablyPrime(40) || !q.ProbablyPrime(40):
		return fmt.Errorf("%d and %d bits, or one of them is no prime", p.BitLen(), q.BitLen())
	case distance.BitLen() <= bits/2-100:
		return fmt.Errorf("the primes are too close: %d bits", distance.BitLen())
	case key.D.BitLen() <= bits/2:
		return fmt.Errorf("the private exponent has %d bits", key.D.BitLen())
	}
	return key.Validate()
}
