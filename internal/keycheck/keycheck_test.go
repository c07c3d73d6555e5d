package keycheck

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
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/mldsa"
)

// badKeys are the files of testdata, and why each key is not certified; of some,
// crypto/x509 makes no key.
func badKeys() map[string]string {
	const noKey = "curve"
	return map[string]string{
		"rsa-even": "its RSA modulus is even", "rsa-prime": "its RSA modulus is a prime number",
		"rsa-factor-3": "can be divided by 3;", "rsa-factor-20-bits": "can be divided by 1048573;",
		"rsa-factor-22-bits": "a prime factor so short", "rsa-smooth": "a p-1 of small factors",
		"rsa-square": "its RSA modulus are so close", "rsa-cube": "is the power of a prime number",
		"rsa-close": "its RSA modulus are so close", "rsa-infineon": "Infineon's chips made",
		"rsa-1024-bits": "RSA with 1024 bits", "rsa-2040-bits": "RSA with 2040 bits", "rsa-2047-bits": "RSA with 2047 bits",
		"rsa-2049-bits": "RSA with 2049 bits", "rsa-4104-bits": "RSA with 4104 bits",
		"rsa-exponent-1": "its RSA exponent is 1;", "rsa-exponent-3": "its RSA exponent is 3;",
		"rsa-exponent-even": "its RSA exponent is 65538;", "rsa-exponent-32-bits": "its RSA exponent is 4294967291;",
		"ec-p224": "ECDSA on another curve", "ec-private-1": "its private key is 1, or that",
		"ec-off-curve": noKey, "ec-infinity": noKey, "ec-secp256k1": noKey,
	}
}

// badKey reads the key of a request.
func badKey(t testing.TB, name string) (crypto.PublicKey, error) {
	t.Helper()
	request, err := x509.ParseCertificateRequest(blocks(t, filepath.Join("testdata", name+".pem"))[0])
	if err != nil {
		return nil, err
	}
	return request.PublicKey, nil
}

// TestBadKeys: each file has one fault, and that one is named.
func TestBadKeys(t *testing.T) {
	files, err := filepath.Glob("testdata/*.pem")
	if err != nil || len(files) != len(badKeys())+1 { // and the root
		t.Errorf("%d files, %v; one for each of %d keys was expected", len(files), err, len(badKeys()))
	}
	for name, want := range badKeys() {
		public, err := badKey(t, name)
		if err == nil {
			err = ForCertificate(public)
		}
		mustSay(t, name, err, want)
	}
	root, err := x509.ParseCertificate(blocks(t, "testdata/prime-root.pem")[0])
	if err != nil {
		t.Fatal(err)
	}
	mustSay(t, "root", ForCertificate(root.PublicKey), badKeys()["rsa-prime"])
}

// TestSound carries on what rules that came later would not have: other sizes,
// exponents and curves. What makes a key worthless does so at any age.
func TestSound(t *testing.T) {
	carriedOn := []string{
		"rsa-1024-bits", "rsa-2040-bits", "rsa-2047-bits", "rsa-2049-bits", "rsa-4104-bits", "rsa-exponent-3", "rsa-exponent-32-bits", "ec-p224",
	}
	for _, name := range carriedOn {
		public, err := badKey(t, name)
		if err == nil {
			err = Sound(public)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, why := range badKeys() {
		if public, err := badKey(t, name); err == nil && !slices.Contains(carriedOn, name) {
			mustSay(t, name, Sound(public), why)
		}
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil || Sound(edwards) != nil {
		t.Errorf("Ed25519: %v, %v", err, Sound(edwards))
	}
	mustSay(t, "1023 bits", Sound(&rsa.PublicKey{N: new(big.Int).Lsh(one(), 1022), E: 65537}), "RSA with 1023 bits, which can be factored")
}

// TestForCertificate: what no request can have.
func TestForCertificate(t *testing.T) {
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	off := *goodKeys(t)[0].Public().(*ecdsa.PublicKey)
	off.Curve = elliptic.P384()
	negative := *goodKeys(t)[0].Public().(*ecdsa.PublicKey)
	curve := elliptic.P256().Params()
	//lint:ignore SA1019 a key that no function makes
	negative.X, negative.Y = curve.Gx, new(big.Int).Sub(curve.P, curve.Gy)
	for want, key := range map[string]crypto.PublicKey{
		"its point is not on P-384":        &off,
		"its private key is 1, or that":    &negative,
		"key: ed25519.PublicKey; RSA, ECD": edwards,
		"key: <nil>; RSA, ECDSA on P-256,": nil,
	} {
		mustSay(t, "ForCertificate", ForCertificate(key), want)
	}
}

// TestLongest: a modulus of a million bits is not computed with, and of the longest
// that is, no more is done than takes as long as for others.
func TestLongest(t *testing.T) {
	long := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(3), 999_998), E: 65537}
	for _, check := range []func(crypto.PublicKey) error{Length, Sound} {
		mustSay(t, "a million bits", check(long), "RSA with 1000000 bits; 16384 at most were expected")
	}
	mustSay(t, "a million bits", ForCertificate(long), "RSA with 1000000 bits; 2048 to 4096")
	if work := scaled(smooth, new(big.Int).Lsh(one(), maxLength-1)); work != smooth/64 {
		t.Errorf("%d for the longest modulus; %d was expected", work, smooth/64)
	}
}

// goodKeys are one on each curve, and one of OpenSSL's of each size of RSA.
func goodKeys(t testing.TB) (keys []crypto.Signer) {
	t.Helper()
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	for _, name := range []string{"rsa2048", "rsa3072", "rsa4096"} {
		key, err := x509.ParsePKCS8PrivateKey(blocks(t, filepath.Join("../../ca/testdata", name+".pem"))[0])
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key.(crypto.Signer))
	}
	for _, set := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		key, err := mldsa.GenerateKey(set)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// blocks are what is in a file of PEM.
func blocks(t testing.TB, path string) (blocks [][]byte) {
	t.Helper()
	rest, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		blocks = append(blocks, block.Bytes)
	}
	if len(blocks) == 0 {
		t.Fatalf("%s: no PEM", path)
	}
	return blocks
}

func mustSay(t testing.TB, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v; %q was expected", what, err, want)
	}
}
