// Package keycheck judges keys of anyone's before anything is done with them.
package keycheck

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
)

const (
	// MaxRSA is how many bits an RSA key may have: cards have no longer ones, and much
	// software takes none.
	MaxRSA = 4096
	// maxLength is the length of the longest modulus that OpenSSL verifies with
	// (OPENSSL_RSA_MAX_MODULUS_BITS in its rsa.h).
	maxLength = 16384
)

// Length refuses an RSA key of anyone's that is so long that verifying a
// signature takes minutes: a file of one mebibyte has room for an hour. It has
// nothing against any other key.
func Length(public crypto.PublicKey) error {
	if key, ok := public.(*rsa.PublicKey); ok && key.N.BitLen() > maxLength {
		return fmt.Errorf("key: RSA with %d bits; %d at most were expected", key.N.BitLen(), maxLength)
	}
	return nil
}

// ForCertificate tells what keeps a key from being certified, and from signing
// certificates: it is for RSA, and the curves of BR section 6.1.5. BR is what
// package ca says.
func ForCertificate(public crypto.PublicKey) error {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return checkRSA(key)
	case *ecdsa.PublicKey:
		return checkECDSA(key)
	}
	return fmt.Errorf("key: %T; RSA, or ECDSA on P-256, P-384 or P-521, was expected", public)
}

// checkRSA follows BR sections 6.1.5 and 6.1.6.
func checkRSA(key *rsa.PublicKey) error {
	bits := key.N.BitLen()
	switch {
	case bits < 2048 || bits > MaxRSA || bits%8 != 0:
		return fmt.Errorf("key: RSA with %d bits; 2048 to %d and a multiple of 8 was expected (BR section 6.1.5)", bits, MaxRSA)
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

func checkECDSA(key *ecdsa.PublicKey) error {
	if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() && key.Curve != elliptic.P521() {
		return errors.New("key: ECDSA on another curve than P-256, P-384 and P-521; one of those was expected (BR section 6.1.5)")
	}
	if _, err := key.ECDH(); err != nil {
		return fmt.Errorf("key: its point is not on %s; it is damaged", key.Curve.Params().Name)
	}
	return nil
}
