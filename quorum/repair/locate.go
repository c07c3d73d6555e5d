package repair

import (
	"context"
	"iter"
	"math/big"
	"slices"

	"conclave/shamir"
)

// locate finds sheets that do not lie where the others do, without the share
// file, and returns bases without them. It also says whether all sheets lie on
// one polynomial as they were typed, though they are more than it needs.
func (in *input) locate() (located []*base, agree bool) {
	const few = 64
	all := in.others(nil)
	if in.readings(all, in.primes.likely) > few {
		return nil, false
	}
	for b := range in.bases(all, in.primes.likely) {
		for h := range anyOf(none, hexadecimalIDs, mixedIDs)(b) {
			right := b.apply(h)
			right.supposed = h.findings
			switch wrong, ok := right.misfits(); {
			case ok && len(wrong) == 0:
				return []*base{right}, true
			case ok:
				located = append(located, right.without(wrong))
			}
		}
	}
	return located, false
}

// misfits are the sheets that do not lie on the polynomial of the others.
func (b *base) misfits() (wrong []int, ok bool) {
	var ys []*big.Int
	for _, s := range b.sheets {
		ys = append(ys, number(s.text))
	}
	located, err := shamir.Infer(points(b.sheets, ys), b.prime)
	return located.Wrong, err == nil
}

func (b *base) without(wrong []int) *base {
	less := &base{input: b.input, prime: b.prime, supposed: b.supposed}
	for i, s := range b.sheets {
		if slices.Contains(wrong, i) {
			less.left = append(less.left, s.draft)
		} else {
			less.sheets = append(less.sheets, s)
		}
	}
	return less
}

// passwordsOf yields the passwords of bases as they are.
func (in *input) passwordsOf(bases []*base) func(context.Context) iter.Seq[candidate] {
	return func(context.Context) iter.Seq[candidate] {
		return func(yield func(candidate) bool) {
			for _, b := range bases {
				if !b.candidates(sheetStage{mistakes: none, want: likely | remote}, yield) {
					return
				}
			}
		}
	}
}
