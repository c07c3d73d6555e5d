// Package keycheck judges keys before anything is signed for them, and before
// they are taken into a device. It has three questions: [ForCertificate] is asked
// of a key that is to be certified, [Sound] of one that has been for years, and
// [Private] of an RSA key that is unwrapped. A curve.PrivateKey needs none: it cannot
// be made of anything but a number in the right range and its point.
//
// Of an RSA modulus it knows that it should not be even, prime, the power of a
// prime or made by Infineon's chips (ROCA), nor be found with little work to have
// factors: by division by every prime below 2^20, by Fermat's way, which finds
// primes that are close, by Pollard's p-1, and by Pollard's rho, which finds nearly
// all factors of up to 23 bits. Elliptic curves would have to do several times as much
// before they find more. Debian's lists of the keys that its OpenSSL of 2006 to 2008
// could make are asked where they are installed; Debian has dropped them since. The
// point of an EC key must be on its curve; all curves here have a prime order, so
// that every point but infinity has that order too.
//
// The work is bounded by the number of steps, and no clock is asked, so that a key
// is always judged alike. That a key is good, no one can say.
//
// BR is what package ca says.
package keycheck

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math"

	"filippo.io/mldsa"
)

const (
	// MaxRSA is how many bits an RSA key may have: cards have no longer ones, and much
	// software takes none.
	MaxRSA = 4096
	// maxLength is the length of the longest modulus that OpenSSL verifies with
	// (OPENSSL_RSA_MAX_MODULUS_BITS in its rsa.h).
	maxLength = 16384
	// minLength is that of the shortest modulus that crypto/rsa takes.
	minLength = 1024
)

// Certifiable are the kinds of keys that certificates are issued for, for people.
const Certifiable = "RSA, ECDSA on P-256, P-384 or P-521, or ML-DSA"

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
// certificates: it is for sound RSA keys of the sizes and with the exponents, and
// sound EC keys on the curves, of BR sections 6.1.5 and 6.1.6, and for ML-DSA keys, of
// which none is known to be worse than another.
func ForCertificate(public crypto.PublicKey) error {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < 2048 || bits > MaxRSA || bits%8 != 0 {
			return fmt.Errorf("key: RSA with %d bits; 2048 to %d and a multiple of 8 was expected (BR section 6.1.5)", bits, MaxRSA)
		}
		if key.E < 1<<16+1 || key.E > math.MaxInt32 || key.E%2 == 0 {
			return fmt.Errorf("key: its RSA exponent is %d; an odd one from 65537 to %d was expected (BR section 6.1.6)", key.E, math.MaxInt32)
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() && key.Curve != elliptic.P521() {
			return errors.New("key: ECDSA on another curve than P-256, P-384 and P-521; one of those was expected (BR section 6.1.5)")
		}
	case *mldsa.PublicKey:
	default:
		return fmt.Errorf("key: %T; %s was expected", public, Certifiable)
	}
	return Sound(public)
}

// Strong tells what makes a new key of this kind too weak to be made, unless that is
// insisted on: fewer than 112 bits of security (NIST SP 800-57 part 1, table 2). Of the two
// sizes, that of an RSA modulus and that of a curve's field, one is 0.
func Strong(rsaBits, curveBits int) error {
	switch {
	case rsaBits > 0 && rsaBits < 2048:
		return fmt.Errorf("RSA with %d bits is no longer safe; 2048 or more were expected", rsaBits)
	case curveBits > 0 && curveBits < 224:
		return fmt.Errorf("a curve of %d bits is no longer safe; 256 or more were expected", curveBits)
	}
	return nil
}

// Sound tells what makes a key worthless, whatever rules it was made under: anyone
// can compute the private key, or there is none. It has nothing against keys of
// other kinds than RSA and ECDSA.
func Sound(public crypto.PublicKey) error {
	if err := Length(public); err != nil {
		return err
	}
	switch key := public.(type) {
	case *rsa.PublicKey:
		return soundRSA(key)
	case *ecdsa.PublicKey:
		return soundEC(key)
	}
	return nil
}

func soundRSA(key *rsa.PublicKey) error {
	n := key.N
	switch {
	case n.BitLen() < minLength:
		return fmt.Errorf("key: RSA with %d bits, which can be factored; make another key of 2048 at least", n.BitLen())
	case n.Bit(0) == 0:
		return errors.New("key: its RSA modulus is even; make another key (BR section 6.1.6)")
	case key.E < 3 || key.E%2 == 0:
		return fmt.Errorf("key: its RSA exponent is %d; an odd one from 65537 up was expected: make another key (BR section 6.1.6)", key.E)
	case n.ProbablyPrime(0):
		return errors.New("key: its RSA modulus is a prime number, so that anyone can compute the private key: it is no RSA key; make another one, with other software")
	case closePrimes(n):
		return errors.New("key: the primes of its RSA modulus are so close that it can be factored; make another key, with other software (BR section 6.1.1.3)")
	case fromInfineon(n):
		return errors.New("key: its RSA modulus is one of those that Infineon's chips made so that they can be factored (CVE-2017-15361); make another key, on another device (BR section 6.1.1.3)")
	}
	if listed, err := listedByDebian(blacklists, n); err != nil {
		return fmt.Errorf("key: whether Debian's OpenSSL made it (CVE-2008-0166) could not be looked up: %w", err)
	} else if listed {
		return errors.New("key: it is one of the few that Debian's OpenSSL of 2006 to 2008 could make (CVE-2008-0166); make another key, with other software (BR section 6.1.1.3)")
	}
	return findFactors(n)
}

// guessed is how many private keys of a curve are tried, from 1 up, and their negatives.
const guessed = 16

func soundEC(key *ecdsa.PublicKey) error {
	point, err := key.Bytes()
	if err != nil {
		return fmt.Errorf("key: its point is not on %s; it is damaged", key.Curve.Params().Name)
	}
	public, err := key.ECDH()
	if err != nil {
		return nil // P-224, which crypto/ecdh does not have
	}
	length := len(point) / 2 // of a coordinate, and on these curves of a private key
	for i := range byte(guessed) {
		guess := make([]byte, length)
		guess[length-1] = i + 1
		private, err := public.Curve().NewPrivateKey(guess)
		if err == nil && bytes.Equal(private.PublicKey().Bytes()[1:1+length], point[1:1+length]) {
			return fmt.Errorf("key: its private key is %d, or that less than nothing, which anyone can guess; make another key, with other software", i+1)
		}
	}
	return nil
}
