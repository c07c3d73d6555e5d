package keycheck

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

// Private tells what keeps a consistent RSA private key of two primes from being
// taken: what FIPS 186-5 appendix A.1 wants of them, and has always wanted, and that
// the public key is sound. As the primes are known, that takes little work. How
// long the key is, and its public exponent, is for others to judge: what was good
// enough once can still be taken.
func Private(key *rsa.PrivateKey) error {
	n, p, q := key.N, key.Primes[0], key.Primes[1]
	half := n.BitLen() / 2
	p1, q1 := new(big.Int).Sub(p, one()), new(big.Int).Sub(q, one())
	d := new(big.Int).Mul(p1, q1)
	d.Mod(key.D, d.Div(d, new(big.Int).GCD(nil, nil, p1, q1)))
	switch {
	case n.BitLen()%8 != 0:
		return fmt.Errorf("its modulus has %d bits; a multiple of 8 was expected", n.BitLen())
	case p.BitLen() != half || q.BitLen() != half:
		return fmt.Errorf("its primes have %d and %d bits; %d each were expected (FIPS 186-5 appendix A.1.1)", p.BitLen(), q.BitLen(), half)
	case !p.ProbablyPrime(0) || !q.ProbablyPrime(0):
		return errors.New("one of its two primes is not a prime number")
	case new(big.Int).Sub(p, q).BitLen() <= half-100:
		return errors.New("its primes are so close that it can be factored (FIPS 186-5 appendix A.1.3)")
	case d.BitLen() <= half:
		return errors.New("its private exponent is so short that it can be found (FIPS 186-5 appendix A.1.1)")
	case fromInfineon(n):
		return errors.New("its primes are of the kind that Infineon's chips made so that it can be factored (CVE-2017-15361)")
	case isSmooth(p1, n) || isSmooth(q1, n):
		return errors.New("one of its primes p has a p-1 of small factors, so that it can be factored")
	}
	return nil
}

// isSmooth says whether pMinus1 would find a prime, given p-1: whether that has
// only factors of n-1 and small ones.
func isSmooth(p1, n *big.Int) bool {
	rest := new(big.Int).Sub(n, one())
	rest.Div(p1, rest.GCD(nil, nil, p1, rest))
	quotient, remainder := new(big.Int), new(big.Int)
	for _, prime := range PrimesBelow(scaled(smooth, n) + 1) {
		divisor := new(big.Int).SetUint64(uint64(prime))
		for quotient.QuoRem(rest, divisor, remainder); remainder.Sign() == 0; quotient.QuoRem(rest, divisor, remainder) {
			rest.Set(quotient)
		}
	}
	return rest.Cmp(one()) == 0
}
