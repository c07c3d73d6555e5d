package shamir

import (
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
)

// SafePrime returns a random prime p of exactly the given number of bits (8 or
// more), its top bit set, for which (p-1)/2 is a prime too. It draws a random
// start and takes the first safe prime from there up, so rand is read once in
// nearly all cases; that not all primes are equally likely does not matter for
// a number that is made public.
func SafePrime(rand io.Reader, bits int) (*big.Int, error) {
	if bits < 8 {
		return nil, fmt.Errorf("a safe prime of %d bits: 8 or more expected", bits)
	}
	for {
		p, err := randomStart(rand, bits)
		if err != nil {
			return nil, err
		}
		for p.BitLen() == bits {
			if IsSafePrime(p) {
				return p, nil
			}
			p.Add(p, big.NewInt(modulus))
		}
	}
}

// modulus and residue of all safe primes above 7: p is odd and so is (p-1)/2,
// and 3 divides neither.
const (
	modulus = 12
	residue = 11
)

// randomStart draws a number with the top bit set that may be a safe prime.
func randomStart(random io.Reader, bits int) (*big.Int, error) {
	top := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	p, err := rand.Int(random, top)
	if err != nil {
		return nil, fmt.Errorf("drawing a prime: %w", err)
	}
	p.Add(p, top)
	p.Sub(p, new(big.Int).Mod(p, big.NewInt(modulus)))
	return p.Add(p, big.NewInt(residue)), nil
}

// IsSafePrime says whether p and (p-1)/2 are primes.
func IsSafePrime(p *big.Int) bool {
	half := new(big.Int).Rsh(p, 1)
	return half.ProbablyPrime(1) && p.ProbablyPrime(primalityRounds) && half.ProbablyPrime(primalityRounds)
}
