package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// CheckKey tells what keeps a key from being certified, and from signing. It is
// the same for all profiles: RSA, and the curves of BR section 6.1.5.
func CheckKey(public crypto.PublicKey) error {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return checkRSA(key)
	case *ecdsa.PublicKey:
		return checkECDSA(key)
	}
	return fmt.Errorf("key: %T; RSA, or ECDSA on P-256, P-384 or P-521, was expected", public)
}

// maxRSA is how many bits an RSA key may have: the card has no longer ones, and much
// software takes none.
const maxRSA = 4096

// checkRSA follows BR sections 6.1.5 and 6.1.6.
func checkRSA(key *rsa.PublicKey) error {
	bits := key.N.BitLen()
	switch {
	case bits < 2048 || bits > maxRSA || bits%8 != 0:
		return fmt.Errorf("key: RSA with %d bits; 2048 to %d and a multiple of 8 was expected (BR section 6.1.5)", bits, maxRSA)
	case key.N.Bit(0) == 0:
		return errors.New("key: its RSA modulus is even; make another key (BR section 6.1.6)")
	case key.E < 1<<16+1 || key.E%2 == 0:
		return fmt.Errorf("key: its RSA exponent is %d; an odd one from 65537 up was expected (BR section 6.1.6)", key.E)
	case closePrimes(key.N):
		return errors.New("key: the primes of its RSA modulus are so close that it can be factored; make another key, with other software (BR section 6.1.1.3)")
	case fromInfineon(key.N):
		return errors.New("key: its RSA modulus is one of those that Infineon's chips made so that they can be factored (CVE-2017-15361); make another key, on another device (BR section 6.1.1.3)")
	}
	return nil
}

// closePrimes factors a modulus as Fermat did, in as many rounds as BR section
// 6.1.1.3 wants: n = a² - b² for an a that is hardly above the root of n.
func closePrimes(n *big.Int) bool {
	const rounds = 100
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) < 0 {
		a.Add(a, big.NewInt(1))
	}
	for range rounds {
		b2 := new(big.Int).Mul(a, a)
		b2.Sub(b2, n)
		if b := new(big.Int).Sqrt(b2); b.Mul(b, b).Cmp(b2) == 0 {
			return true
		}
		a.Add(a, big.NewInt(1))
	}
	return false
}

// fromInfineon recognises the moduli of CVE-2017-15361, each prime of which is a
// power of 65537 modulo the product of many small ones; so is the modulus itself
// (Nemec and others, The Return of Coppersmith's Attack, section 2.1). Only those
// small ones are used for which most other moduli are not such a power.
func fromInfineon(n *big.Int) bool {
	for _, prime := range []uint64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		rest := new(big.Int).Mod(n, new(big.Int).SetUint64(prime)).Uint64()
		power := uint64(65537) % prime
		for power != rest {
			if power == 1 {
				return false // all powers were seen
			}
			power = power * 65537 % prime
		}
	}
	return true
}

func checkECDSA(key *ecdsa.PublicKey) error {
	if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() && key.Curve != elliptic.P521() {
		return errors.New("key: ECDSA on another curve than P-256, P-384 and P-521; one of those was expected (BR section 6.1.5)")
	}
	if _, err := key.ECDH(); err != nil {
		return fmt.Errorf("key: its point is not on %s; it is damaged", key.Curve.Params().Name)
	}
	return nil
}

// ThrowAwayKey makes a key of the kind and size of another, to stand in for it.
func ThrowAwayKey(public crypto.PublicKey) (crypto.Signer, error) {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.GenerateKey(key.Curve, rand.Reader)
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits > maxRSA { // it would take minutes to make
			return nil, fmt.Errorf("key: RSA with %d bits; %d at most were expected", bits, maxRSA)
		}
		return rsa.GenerateKey(rand.Reader, key.N.BitLen())
	}
	return nil, fmt.Errorf("key: %T; RSA or ECDSA was expected", public)
}

// lintingKey makes a key whose signatures have the algorithm of another's. An
// RSA key is as short as may be: what is signed does not depend on that, and a
// long key takes seconds to make.
func lintingKey(public crypto.PublicKey) (crypto.Signer, error) {
	if _, ok := public.(*rsa.PublicKey); ok {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return ThrowAwayKey(public)
}

// signatureAlgorithm is the one that a key signs with: the hash that is as
// strong as the curve, and PKCS #1 v1.5 for RSA, which all software verifies
// (BR section 7.1.3.2).
func signatureAlgorithm(public crypto.PublicKey) (x509.SignatureAlgorithm, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return x509.SHA256WithRSA, nil
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return x509.ECDSAWithSHA256, nil
		case elliptic.P384():
			return x509.ECDSAWithSHA384, nil
		case elliptic.P521():
			return x509.ECDSAWithSHA512, nil
		}
	}
	return 0, fmt.Errorf("signer: a key of type %T; RSA, or ECDSA on P-256, P-384 or P-521, was expected", public)
}

// keyID identifies a key: the first 160 bits of the SHA-256 of its BIT STRING
// (RFC 7093 section 2, method 1).
func keyID(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	sum := sha256.Sum256(info.Key.Bytes)
	return sum[:20], nil
}

// sameKey says whether two public keys are the same.
func sameKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// keyText names the kind of a key for people.
func keyText(public crypto.PublicKey) string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA, %d bits", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA, " + key.Curve.Params().Name
	}
	return fmt.Sprintf("%T", public)
}
