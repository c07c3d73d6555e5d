package dkek

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
	"math/big"

	"conclave/internal/keycheck"
	"conclave/internal/secret"
)

// Sizes of RSA moduli in bits that cards know.
const (
	minRSA = 1024
	maxRSA = 4096
)

// encodeRSA writes the content of type 5, d at the width of n.
func encodeRSA(key *rsa.PrivateKey) (secret.Bytes, error) {
	if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
		return nil, fmt.Errorf("an RSA key of %d bits cannot be wrapped; %d to %d bits can", bits, minRSA, maxRSA)
	}
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("the RSA key is not valid: %w", err)
	}
	if err := keycheck.Private(key); err != nil { // no card would unwrap it
		return nil, fmt.Errorf("the RSA key is not a good one: %w", err)
	}
	var b secret.Bytes
	b = appendField(b, key.D.FillBytes(make([]byte, key.Size())))
	b = appendField(b, key.N.Bytes())
	b = appendField(b, big.NewInt(int64(key.E)).Bytes())
	return b, nil
}

// decodeRSA reads the content of type 5, and recovers the primes.
func decodeRSA(size int, content fields) (*rsa.PrivateKey, error) {
	parts, err := content.all("private exponent d", "modulus n", "public exponent e")
	if err != nil {
		return nil, err
	}
	d, n, e := integer(parts[0]), integer(parts[1]), integer(parts[2])
	if err := checkRSA(size, n, e); err != nil {
		return nil, err
	}
	return withoutPrimes(n, e, d)
}

// NewRSA makes a key of the modulus n and the exponents e and d, from which it
// recovers the primes, as Unwrap does of a blob. It refuses what Unwrap refuses:
// numbers that do not belong together, and keys that are not good ones.
func NewRSA(n, e, d *big.Int) (*rsa.PrivateKey, error) {
	if err := checkRSA(n.BitLen(), n, e); err != nil {
		return nil, err
	}
	return withoutPrimes(n, e, d)
}

// withoutPrimes makes a key whose public part was checked.
func withoutPrimes(n, e, d *big.Int) (*rsa.PrivateKey, error) {
	if d.Cmp(big.NewInt(1)) <= 0 || d.Cmp(n) >= 0 {
		return nil, errors.New("the private exponent d is not between 1 and the modulus n")
	}
	p, err := factor(n, d, e)
	if err != nil {
		return nil, err
	}
	return newRSA(n, e, d, p, new(big.Int).Div(n, p))
}

// decodeRSACRT reads the content of type 6, which has no d.
func decodeRSACRT(size int, content fields) (*rsa.PrivateKey, error) {
	parts, err := content.all("dp", "dq", "prime p", "1/q mod p", "prime q", "modulus n", "public exponent e")
	if err != nil {
		return nil, err
	}
	p, q, n, e := integer(parts[2]), integer(parts[4]), integer(parts[5]), integer(parts[6])
	if err := checkRSA(size, n, e); err != nil {
		return nil, err
	}
	if new(big.Int).Mul(p, q).Cmp(n) != 0 {
		return nil, errors.New("the modulus n is not the product of p and q")
	}
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	d := new(big.Int).ModInverse(e, new(big.Int).Mul(p1, q1))
	if d == nil {
		return nil, errors.New("the public exponent e does not belong to p and q")
	}
	key, err := newRSA(n, e, d, p, q)
	if err != nil {
		return nil, err
	}
	dp, dq, qInv := integer(parts[0]), integer(parts[1]), integer(parts[3])
	if crt := key.Precomputed; dp.Cmp(crt.Dp) != 0 || dq.Cmp(crt.Dq) != 0 || qInv.Cmp(crt.Qinv) != 0 {
		return nil, errors.New("dp, dq or 1/q mod p does not belong to p, q and e")
	}
	return key, nil
}

// checkRSA checks the public part.
func checkRSA(size int, n, e *big.Int) error {
	bits := n.BitLen()
	switch {
	case bits < minRSA || bits > maxRSA:
		return fmt.Errorf("modulus n of %d bits, %d to %d expected", bits, minRSA, maxRSA)
	case (size+7)/8 != (bits+7)/8:
		return fmt.Errorf("key size %d bits does not fit the modulus n of %d bits", size, bits)
	case e.Cmp(big.NewInt(3)) < 0 || e.Cmp(big.NewInt(math.MaxInt32)) > 0 || e.Bit(0) == 0:
		return errors.New("the public exponent e is not odd and between 3 and 2^31")
	}
	return nil
}

// newRSA makes a key from all its numbers and checks that they belong together,
// and that it is good.
func newRSA(n, e, d, p, q *big.Int) (*rsa.PrivateKey, error) {
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: n, E: int(e.Int64())},
		D:         d,
		Primes:    []*big.Int{p, q},
	}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("n, e and d do not belong together: %w", err)
	}
	if err := keycheck.Private(key); err != nil {
		return nil, fmt.Errorf("it is not a good key: %w; have another key made", err)
	}
	return key, nil
}

// factor returns a prime factor of n (NIST SP 800-56B revision 2, appendix
// C.1): d·e-1 is a multiple 2^s·r of the order of every base, so that squaring
// base^r up to s times passes from a square root of 1 to 1; half of all bases
// show a root other than ±1. Small primes serve as bases in place of random
// numbers.
func factor(n, d, e *big.Int) (*big.Int, error) {
	one := big.NewInt(1)
	r := new(big.Int).Mul(d, e)
	r.Sub(r, one)
	s := r.TrailingZeroBits()
	r.Rsh(r, s)
	minusOne := new(big.Int).Sub(n, one)
	for base := int64(2); base < 500; base++ {
		if !big.NewInt(base).ProbablyPrime(0) {
			continue
		}
		root, power := new(big.Int), new(big.Int).Exp(big.NewInt(base), r, n)
		for i := uint(0); i < s && power.Cmp(one) != 0; i++ {
			root.Set(power)
			power.Mul(power, power).Mod(power, n)
		}
		if power.Cmp(one) != 0 {
			break // d·e-1 is not what it should be
		}
		if root.Sign() > 0 && root.Cmp(minusOne) != 0 {
			return new(big.Int).GCD(nil, nil, root.Sub(root, one), n), nil
		}
	}
	return nil, errors.New("the private exponent d does not belong to the modulus n and the public exponent e")
}

func integer(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
