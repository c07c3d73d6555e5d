// Package shamir splits a secret number into shares, any threshold of which
// give it back, and combines them (A. Shamir, "How to share a secret", CACM
// 22(11), 1979): a random polynomial over GF(p) whose constant term is the
// secret, one point on it for each share.
//
// Begin with [Split] and [Combine], over a prime above every secret that may
// come: one from [SafePrime], or a fixed one. Before the secret is destroyed,
// [Prove] shows that the shares give it back. [Locate] is for shares that people
// have typed: two of them beyond the threshold are enough to find a wrong one. Where
// the threshold is not known, use [Infer]. [At] makes a lost share again.
//
// A share knows neither its threshold nor whether it is right: [Combine] gives a
// wrong secret without an error for too few shares, or for a wrong one. Sheets
// for people, with a checksum and the name of their set, are package quorum's.
// The secret is one number below the prime; to share out a file, encrypt it and
// split the key.
//
// Nothing here is constant time: math/big's running time depends on the
// numbers. That is acceptable for what the package is for, a ceremony in which
// a secret is split or combined once, on a machine that the people in the room
// have chosen. Do not use it where somebody can have it run many times over
// the same secret and measure.
package shamir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
)

// primalityRounds is the number of Miller-Rabin rounds: a composite number
// passes with a probability below 4^-20.
const primalityRounds = 20

// isPrime costs little below 2^64, where math/big needs no rounds to be exact.
func isPrime(n *big.Int) bool {
	rounds := primalityRounds
	if n.BitLen() <= 64 {
		rounds = 0
	}
	return n.ProbablyPrime(rounds)
}

// Share is a point (X, Y) on the polynomial, both below the prime. X names the
// share and is public; Y is secret.
type Share struct {
	X, Y *big.Int
}

// Split makes total shares of secret over GF(prime), any threshold of which
// give it back. Their X are 1, 2, … total. Coefficients are drawn from rand,
// uniformly over 0 … prime-1.
func Split(rand io.Reader, secret, prime *big.Int, threshold, total int) ([]Share, error) {
	switch {
	case !isPrime(prime):
		return nil, fmt.Errorf("the modulus %v is not a prime", prime)
	case secret.Sign() < 0 || secret.Cmp(prime) >= 0:
		return nil, errors.New("the secret is not below the prime; take a larger prime")
	case threshold < 1 || threshold > total:
		return nil, fmt.Errorf("threshold %d of %d shares: 1 to %d expected", threshold, total, total)
	case prime.Cmp(big.NewInt(int64(total))) <= 0:
		return nil, fmt.Errorf("the prime %v is too small for %d shares", prime, total)
	}
	polynomial, err := randomPolynomial(rand, secret, prime, threshold)
	if err != nil {
		return nil, err
	}
	shares := make([]Share, total)
	for i := range shares {
		x := big.NewInt(int64(i + 1))
		shares[i] = Share{X: x, Y: evaluate(polynomial, x, prime)}
	}
	return shares, nil
}

// Combine interpolates the polynomial through all shares and returns its value
// at x = 0. That is the secret if the shares are right and as many as the
// threshold, or more. Combine cannot know the threshold: too few shares, or a
// wrong one, give a wrong secret without an error.
func Combine(shares []Share, prime *big.Int) (*big.Int, error) {
	if err := check(shares, prime); err != nil {
		return nil, err
	}
	secret := new(big.Int)
	for i, s := range shares {
		term := lagrangeAtZero(shares, i, prime)
		secret.Add(secret, term.Mul(term, s.Y))
	}
	return secret.Mod(secret, prime), nil
}

// check rejects what makes interpolation impossible or meaningless.
func check(shares []Share, prime *big.Int) error {
	if !isPrime(prime) {
		return fmt.Errorf("the modulus %v is not a prime; was a digit misread?", prime)
	}
	if len(shares) == 0 {
		return errors.New("no shares to combine")
	}
	seen := make(map[string]bool)
	for _, s := range shares {
		x := s.X.String()
		switch {
		case s.X.Sign() <= 0 || s.X.Cmp(prime) >= 0:
			return fmt.Errorf("share %s: its number must be above 0 and below the prime", x)
		case s.Y.Sign() < 0 || s.Y.Cmp(prime) >= 0:
			return fmt.Errorf("share %s: value is not below the prime; was a digit added?", x)
		case seen[x]:
			return fmt.Errorf("share %s is given twice; each share counts once", x)
		}
		seen[x] = true
	}
	return nil
}

// randomPolynomial returns the coefficients of a polynomial of degree
// threshold-1, the constant term first.
func randomPolynomial(random io.Reader, secret, prime *big.Int, threshold int) ([]*big.Int, error) {
	coefficients := []*big.Int{secret}
	for len(coefficients) < threshold {
		c, err := rand.Int(random, prime)
		if err != nil {
			return nil, fmt.Errorf("drawing a coefficient: %w", err)
		}
		coefficients = append(coefficients, c)
	}
	return coefficients, nil
}

// evaluate returns the polynomial's value at x, by Horner's rule.
func evaluate(coefficients []*big.Int, x, prime *big.Int) *big.Int {
	y := new(big.Int)
	for i := len(coefficients) - 1; i >= 0; i-- {
		y.Mul(y, x)
		y.Add(y, coefficients[i])
		y.Mod(y, prime)
	}
	return y
}

// lagrangeAtZero returns the weight of share i at x = 0: the product of
// xj / (xj - xi) over all other shares j.
func lagrangeAtZero(shares []Share, i int, prime *big.Int) *big.Int {
	numerator, denominator := big.NewInt(1), big.NewInt(1)
	difference := new(big.Int)
	for j, s := range shares {
		if j == i {
			continue
		}
		numerator.Mul(numerator, s.X).Mod(numerator, prime)
		difference.Sub(s.X, shares[i].X)
		denominator.Mul(denominator, difference).Mod(denominator, prime)
	}
	denominator.ModInverse(denominator, prime)
	return numerator.Mul(numerator, denominator)
}
