package keycheck_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/titanous/rocacheck"

	"conclave/internal/keycheck"
	"conclave/internal/testrun"
)

// TestForCertificate allows what BR sections 6.1.5 and 6.1.6 do.
func TestForCertificate(t *testing.T) {
	for i, key := range goodKeys(t) {
		if err := keycheck.ForCertificate(key.Public()); err != nil {
			t.Errorf("key %d: %v", i, err)
		}
	}
	rsaKey := func(bits uint, e int, low int64) crypto.PublicKey {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return &rsa.PublicKey{N: n.Add(n, big.NewInt(low)), E: e}
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	off := *goodKeys(t)[0].Public().(*ecdsa.PublicKey)
	off.Curve = elliptic.P384()
	for want, key := range map[string]crypto.PublicKey{
		"RSA with 2040 bits":               rsaKey(2040, 65537, 1),
		"RSA with 4104 bits":               rsaKey(4104, 65537, 1),
		"RSA with 2049 bits":               rsaKey(2049, 65537, 1),
		"its RSA modulus is even":          rsaKey(2048, 65537, 0),
		"its RSA exponent is 3":            rsaKey(2048, 3, 1),
		"its RSA exponent is 65538":        rsaKey(2048, 65538, 1),
		"its RSA modulus are so close":     &rsa.PublicKey{N: closeModulus(), E: 65537},
		"Infineon's chips made":            &rsa.PublicKey{N: infineonModulus(), E: 65537},
		"ECDSA on another curve":           p224.Public(),
		"its point is not on P-384":        &off,
		"key: ed25519.PublicKey; RSA, or":  edwards,
		"key: <nil>; RSA, or ECDSA on P-2": nil,
	} {
		mustSay(t, "ForCertificate", keycheck.ForCertificate(key), want)
	}
}

// goodKeys are one on each curve, and two of OpenSSL's of each size of RSA.
func goodKeys(t testing.TB) (keys []crypto.Signer) {
	t.Helper()
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	for _, file := range []string{"rsa2048.pem", "rsa3072.pem", "rsa4096.pem"} {
		rest, err := os.ReadFile("../../ca/testdata/" + file)
		for block := (*pem.Block)(nil); err == nil && len(rest) > 0; {
			var key any
			block, rest = pem.Decode(rest)
			if key, err = x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
				keys = append(keys, key.(crypto.Signer))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

func mustSay(t testing.TB, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v; %q was expected", what, err, want)
	}
}

// closeModulus is the product of two neighbouring primes.
func closeModulus() *big.Int {
	next := func(from *big.Int) *big.Int {
		n := new(big.Int).SetBit(from, 0, 1)
		for !n.ProbablyPrime(10) {
			n.Add(n, big.NewInt(2))
		}
		return n
	}
	p := next(new(big.Int).Lsh(big.NewInt(3), 1022))
	q := next(new(big.Int).Add(p, big.NewInt(2)))
	return new(big.Int).Mul(p, q)
}

// infineonModulus is a power of 65537, the 0th, modulo each of the primes by
// which such moduli are known.
func infineonModulus() *big.Int {
	product := big.NewInt(2)
	for _, prime := range []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		product.Mul(product, big.NewInt(prime))
	}
	n := new(big.Int).Lsh(big.NewInt(3), 2046)
	n.Sub(n, new(big.Int).Mod(n, product))
	return n.Add(n, big.NewInt(1))
}

// TestInfineon: by rocacheck, which nobody here wrote. Moduli that are powers of
// 65537 modulo most of the small primes are the hard ones.
func TestInfineon(t *testing.T) {
	random := testrun.Random(t)
	weak := 0
	for range 2000 {
		n := infineonModulus()
		for range random.IntN(3) {
			n.Add(n, new(big.Int).Lsh(big.NewInt(random.Int64()), uint(1+random.IntN(900))))
		}
		want := rocacheck.IsWeak(&rsa.PublicKey{N: n, E: 65537})
		err := keycheck.ForCertificate(&rsa.PublicKey{N: n, E: 65537})
		if got := err != nil && strings.Contains(err.Error(), "Infineon"); got != want {
			t.Errorf("%x: %v; rocacheck says %v", n, err, want)
		}
		if want {
			weak++
		}
	}
	if weak == 0 || weak == 2000 {
		t.Errorf("%d of 2000 moduli are weak: nothing was compared", weak)
	}
}
