package repair

import (
	"context"
	"iter"
	"math"
	"math/big"
)

func (in *input) primesOf(k sheetStage) []*big.Int {
	if k.primes != nil {
		return k.primes
	}
	return in.primes.likely
}

// candidates yields the passwords of a stage.
func (in *input) candidates(k sheetStage) func(context.Context) iter.Seq[candidate] {
	return func(ctx context.Context) iter.Seq[candidate] {
		return func(yield func(candidate) bool) {
			primes := in.primesOf(k)
			for subset := range in.subsets(k.leave) {
				if in.readings(subset, primes) > limit {
					continue
				}
				for b := range in.bases(subset, primes) {
					if ctx.Err() != nil || !b.candidates(k, yield) {
						return
					}
				}
			}
		}
	}
}

func (b *base) candidates(k sheetStage, yield func(candidate) bool) bool {
	for h := range k.mistakes(b) {
		number := b.combine(h)
		if number == nil {
			continue
		}
		for _, p := range passwords(number, b.prime, k.want) {
			if !yield(candidate{p, func() Reading { return b.reading(h, p) }}) {
				return false
			}
		}
	}
	return true
}

// count estimates the candidates of a stage, 0 if there are none, or too many
// for any machine.
func (in *input) count(k sheetStage) int {
	total := 0.0
	primes := in.primesOf(k)
	for subset := range in.subsets(k.leave) {
		readings := in.readings(subset, primes)
		if readings > limit {
			continue
		}
		total += float64(readings) * in.perBase(k, in.bases(subset, primes))
	}
	if total > limit {
		return 0
	}
	return int(math.Ceil(total))
}

// sampled is how many hypotheses, and sampledBases how many bases, are looked at
// to estimate the size of a stage that has many.
const (
	sampled      = 1 << 12
	sampledBases = 1 << 8
)

// perBase is how many candidates a stage has for each of its bases, about.
func (in *input) perBase(k sheetStage, bases iter.Seq[*base]) (mean float64) {
	looked, hypotheses, sum := 0, 0, 0.0
	for b := range bases {
		n, c := b.size(k)
		looked, hypotheses, sum = looked+1, hypotheses+n, sum+c
		if hypotheses > sampled || looked == sampledBases {
			break
		}
	}
	return sum / float64(max(1, looked))
}

// size counts hypotheses about a base and the passwords that they give. For
// a stage that is large or slow, one base has to do.
func (b *base) size(k sheetStage) (hypotheses int, candidates float64) {
	if k.count == nil {
		return b.tally(k)
	}
	return sampled, k.count(b)
}

// isHopeless says whether none of the first many hypotheses has a secret.
func (b *base) isHopeless(m mistakes) bool {
	left := 16 * sampled
	for h := range m(b) {
		if b.combine(h) != nil {
			return false
		}
		if left--; left == 0 {
			break
		}
	}
	return true
}

func (b *base) tally(k sheetStage) (hypotheses int, candidates float64) {
	for h := range k.mistakes(b) {
		hypotheses++
		if number := b.combine(h); number != nil {
			candidates += float64(len(passwords(number, b.prime, k.want)))
		}
	}
	return hypotheses, candidates
}

// countOf counts hypotheses that make any secret of any other, as a changed ID
// does: those below 2^63 are candidates.
func countOf(m mistakes) func(*base) float64 {
	return func(b *base) float64 {
		if b.isHopeless(m) {
			return 0
		}
		return float64(tally(b, m)) * chance(b.prime)
	}
}

// countBoth is the same for a mistake with a misread digit beside it.
func countBoth(first mistakes, options func(byte) string) func(*base) float64 {
	digit := inValue(substitution(options))
	return func(b *base) float64 {
		if b.isHopeless(both(first, digit)) {
			return 0
		}
		return float64(tally(b, first)*tally(b, digit)) * chance(b.prime)
	}
}

func tally(b *base, m mistakes) (n int) {
	for range m(b) {
		n++
	}
	return n
}

// countTwoDigits supposes that as large a part is possible as with one digit:
// digits at the end change the secret little.
func countTwoDigits(options func(byte) string) func(*base) float64 {
	return func(b *base) float64 {
		var sum, squares int
		for _, s := range b.sheets {
			for _, d := range []byte(s.text) {
				n := len(options(d))
				sum, squares = sum+n, squares+n*n
			}
		}
		n, c := b.tally(sheetStage{mistakes: inValue(substitution(anyOther)), want: likely})
		if c == 0 && b.isHopeless(twoDigits(options)) {
			return 0
		}
		return float64(sum*sum-squares) / 2 * max(c, 1) / float64(n)
	}
}
