package shamir

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	"math/bits"
	mathrand "math/rand/v2"
	"strings"
)

// Prove combines subsets of threshold shares, and compares what each gives with
// the secret: every subset if there are limit or fewer, else limit of them,
// drawn at random and perhaps some twice. It returns how many subsets gave the
// secret back, and whether those are all. The error names the shares of the
// first subset that does not.
//
// One wrong share spoils each subset that it is in, threshold of len(shares) of
// them. So it is found for certain if all are tried, and otherwise missed with
// a probability of (1 - threshold/len(shares))^limit: e^-78 for 10,000 subsets
// of 2 of 255 shares.
//
// If subsets are drawn, 32 bytes come from rand, else none. They are the seed
// of ChaCha8 (C2SP, chacha8rand), as a card that serves as rand would take
// minutes for the rest. Which subsets are tried is not secret.
//
// The numbers of the shares must be below 2^64, which Split makes sure of.
func Prove(rand io.Reader, shares []Share, secret, prime *big.Int, threshold, limit int) (subsets int, all bool, err error) {
	if err := checkProof(shares, secret, prime, threshold, limit); err != nil {
		return 0, false, err
	}
	all = new(big.Int).Binomial(int64(len(shares)), int64(threshold)).Cmp(big.NewInt(int64(limit))) <= 0
	chosen := everySubset(len(shares), threshold)
	if !all {
		if chosen, err = randomSubsets(rand, len(shares), threshold, limit); err != nil {
			return 0, false, err
		}
	}
	p := newProver(shares, secret, prime)
	for subset := range chosen {
		if !p.givesSecret(subset) {
			return subsets, false, fmt.Errorf("shares %s do not give the secret back; at least one of them is wrong", numbers(shares, subset))
		}
		subsets++
	}
	return subsets, all, nil
}

// checkProof is done once, not for each subset: the primality test takes longer
// than a subset does.
func checkProof(shares []Share, secret, prime *big.Int, threshold, limit int) error {
	if err := check(shares, prime); err != nil {
		return err
	}
	switch {
	case secret.Sign() < 0 || secret.Cmp(prime) >= 0:
		return errors.New("the secret is not below the prime, so no shares can give it back")
	case threshold < 1 || threshold > len(shares):
		return fmt.Errorf("threshold %d of %d shares: 1 to %d expected", threshold, len(shares), len(shares))
	case limit < 1:
		return fmt.Errorf("a limit of %d subsets: 1 or more expected", limit)
	}
	for _, s := range shares {
		if !s.X.IsUint64() {
			return fmt.Errorf("share %v: its number must be below 2^64", s.X)
		}
	}
	return nil
}

// everySubset yields each choice of size indexes below total, in lexicographic
// order. The slice is the same each time.
func everySubset(total, size int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		subset := make([]int, size)
		for i := range subset {
			subset[i] = i
		}
		for yield(subset) {
			i := size - 1
			for i >= 0 && subset[i] == total-size+i {
				i--
			}
			if i < 0 {
				return
			}
			subset[i]++
			for j := i + 1; j < size; j++ {
				subset[j] = subset[j-1] + 1
			}
		}
	}
}

// randomSubsets yields count choices of size indexes below total, each choice
// equally likely each time: the beginning of a shuffle (Fisher and Yates). The
// slice is the same each time.
func randomSubsets(rand io.Reader, total, size, count int) (iter.Seq[[]int], error) {
	var seed [32]byte
	if _, err := io.ReadFull(rand, seed[:]); err != nil {
		return nil, fmt.Errorf("drawing subsets of the shares: %w", err)
	}
	random := mathrand.New(mathrand.NewChaCha8(seed))
	order := make([]int, total)
	for i := range order {
		order[i] = i
	}
	return func(yield func([]int) bool) {
		for range count {
			for i := range size {
				j := i + random.IntN(total-i)
				order[i], order[j] = order[j], order[i]
			}
			if !yield(order[:size]) {
				return
			}
		}
	}, nil
}

// prover interpolates at 0, for many subsets of the same shares. It never
// changes secret, prime, x and y; the rest is memory to use again.
type prover struct {
	secret, prime *big.Int
	x             []uint64
	y             []*big.Int

	numerator, denominator, weight   big.Int
	word, term, unreduced, discarded big.Int
}

func newProver(shares []Share, secret, prime *big.Int) *prover {
	p := &prover{secret: secret, prime: prime}
	for _, s := range shares {
		p.x = append(p.x, s.X.Uint64())
		p.y = append(p.y, s.Y)
	}
	return p
}

// givesSecret says whether the polynomial through a subset has the secret at 0.
// With the product of all xj taken out of Lagrange's formula, that is whether
//
//	secret / Π xj  =  Σ yi / (xi · Π (xj - xi))
//
// The sum is kept as a fraction, and multiplied out for the comparison, so that
// nothing is ever inverted.
func (p *prover) givesSecret(subset []int) bool {
	p.numerator.SetUint64(0)
	p.denominator.SetUint64(1)
	for _, i := range subset {
		p.setWeight(subset, i)
		p.unreduced.Mul(&p.numerator, &p.weight)
		p.unreduced.Add(&p.unreduced, p.term.Mul(p.y[i], &p.denominator))
		p.reduce(&p.numerator)
		p.unreduced.Mul(&p.denominator, &p.weight)
		p.reduce(&p.denominator)
	}
	p.weight.SetUint64(1)
	for _, i := range subset {
		p.unreduced.Mul(&p.weight, p.word.SetUint64(p.x[i]))
		p.reduce(&p.weight)
	}
	p.unreduced.Mul(&p.numerator, &p.weight)
	p.unreduced.Sub(&p.unreduced, p.term.Mul(p.secret, &p.denominator))
	p.reduce(&p.numerator)
	return p.numerator.Sign() == 0
}

// setWeight sets weight to xi times the product of xj - xi over all other j.
// For shares numbered up to 255 eight factors or more go into a word, and the
// product of 255 words into 255 words at most, which are reduced only once.
func (p *prover) setWeight(subset []int, i int) {
	xi := p.x[i]
	gathered, negative := xi, false
	p.unreduced.SetUint64(1)
	for _, j := range subset {
		if j == i {
			continue
		}
		factor := p.x[j] - xi
		if p.x[j] < xi {
			factor, negative = -factor, !negative
		}
		high, low := bits.Mul64(gathered, factor)
		if high != 0 {
			p.unreduced.Mul(&p.unreduced, p.word.SetUint64(gathered))
			low = factor
		}
		gathered = low
	}
	p.unreduced.Mul(&p.unreduced, p.word.SetUint64(gathered))
	if negative {
		p.unreduced.Neg(&p.unreduced)
	}
	p.reduce(&p.weight)
}

// reduce sets rest to what is left of unreduced after division by the prime,
// with the sign of unreduced. Unlike big.Int.Mod it asks for no memory.
func (p *prover) reduce(rest *big.Int) { p.discarded.QuoRem(&p.unreduced, p.prime, rest) }

// numbers lists the shares of a subset as people know them.
func numbers(shares []Share, subset []int) string {
	list := make([]string, len(subset))
	for i, index := range subset {
		list[i] = shares[index].X.String()
	}
	return strings.Join(list, ", ")
}
