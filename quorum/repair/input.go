package repair

import (
	"fmt"
	"iter"
	"math/big"
	"slices"
)

// input is all that was typed, read line by line.
type input struct {
	sheets []entered
	primes primes

	key  string // see weights
	last []*big.Int
}

// read reads the drafts, and puts lines that were typed in each other's places
// where they belong.
func read(drafts []Draft) (*input, error) {
	if n := len(drafts); n < 2 || n > maxSheets {
		return nil, fmt.Errorf("sheets entered: %d; 2 to %d were expected", n, maxSheets)
	}
	in := &input{}
	for i, d := range drafts {
		t, err := readDraft(i, d)
		if err != nil {
			return nil, err
		}
		in.sheets = append(in.sheets, t)
	}
	straighten(in.sheets)
	in.narrowIDs()
	var err error
	in.primes, err = findPrimes(in.sheets)
	return in, err
}

// narrowIDs takes the IDs of other sheets from those that an unsure one may
// have.
func (in *input) narrowIDs() {
	for i := range in.sheets {
		t := &in.sheets[i]
		if !t.unsureID {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(t.ids), func(id int) bool {
			return slices.ContainsFunc(in.sheets, func(other entered) bool { return !other.unsureID && other.ids[0] == id })
		})
		if len(rest) > 0 {
			t.ids = rest
		}
	}
}

// readings is how many bases there are of these sheets.
func (in *input) readings(subset []int, primes []*big.Int) int {
	n := len(primes)
	for _, i := range subset {
		n = times(times(n, len(in.sheets[i].ids)), combinations(in.sheets[i].value))
	}
	return n
}

// bases yields the ways to read these sheets, with every unreadable digit
// filled in.
func (in *input) bases(subset []int, primes []*big.Int) iter.Seq[*base] {
	return func(yield func(*base) bool) {
		var sizes []int
		for _, i := range subset {
			sizes = append(sizes, len(in.sheets[i].ids))
			for _, c := range in.sheets[i].value {
				sizes = append(sizes, len(c.options))
			}
		}
		for choice := range product(sizes) {
			sheets := in.choose(subset, choice)
			for _, prime := range primes {
				if !yield(&base{input: in, prime: prime, sheets: sheets, left: in.others(subset)}) {
					return
				}
			}
		}
	}
}

// choose fills in the choices of a product.
func (in *input) choose(subset, choice []int) (sheets []sheet) {
	for _, i := range subset {
		t := &in.sheets[i]
		text := make([]byte, len(t.value))
		for n, c := range t.value {
			text[n] = c.options[choice[1+n]]
		}
		sheets = append(sheets, sheet{draft: i, x: t.ids[choice[0]], text: string(text), from: i})
		choice = choice[1+len(t.value):]
	}
	return sheets
}

// others are the sheets that are not in the subset.
func (in *input) others(subset []int) (left []int) {
	for i := range in.sheets {
		if !slices.Contains(subset, i) {
			left = append(left, i)
		}
	}
	return left
}

// subsets yields the ways to leave sheets out, so that two at least remain.
func (in *input) subsets(leave int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		n := len(in.sheets)
		if n-leave < 2 {
			return
		}
		for out := range choices(n, leave) {
			var subset []int
			for i := range n {
				if !slices.Contains(out, i) {
					subset = append(subset, i)
				}
			}
			if !yield(subset) {
				return
			}
		}
	}
}

// choices yields the ways to choose k of n in ascending order; k is 2 at most.
func choices(n, k int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		if k == 0 {
			yield(nil)
			return
		}
		for i := n - 1; i >= 0; i-- { // the sheet entered last is the likeliest to be superfluous
			for rest := range choices(i, k-1) {
				if !yield(append(rest, i)) {
					return
				}
			}
		}
	}
}
