package repair

import (
	"math/big"
	"slices"
	"strconv"

	"conclave/internal/secret"
	"conclave/quorum"
	"conclave/shamir"
)

// base is one way to read what was typed, which mistakes are then looked for
// in: each line of digits has one reading.
type base struct {
	input  *input
	prime  *big.Int
	sheets []sheet
	left   []int // drafts that are left out
	// supposed are mistakes that were corrected before.
	supposed []Finding

	weighed bool
	ys      []*big.Int
	weights []*big.Int // nil if the sheets cannot be combined at all
}

// sheet is what a custodian's sheet is taken to say.
type sheet struct {
	draft int    // whose ID it has
	x     int    // share ID
	text  string // digits of the share value
	from  int    // draft whose value it is
}

// hypothesis is what may be wrong about a base.
type hypothesis struct {
	changes  []change // one after the other
	findings []Finding
}

// change replaces a sheet of a base.
type change struct {
	at int
	to sheet
}

// and is both hypotheses, the other one made about the base that h gives.
func (h hypothesis) and(other hypothesis) hypothesis {
	return hypothesis{slices.Concat(h.changes, other.changes), slices.Concat(h.findings, other.findings)}
}

// apply gives the base as it should be if the hypothesis is right.
func (b *base) apply(h hypothesis) *base {
	return &base{input: b.input, prime: b.prime, sheets: b.sheetsAfter(h), left: b.left}
}

func (b *base) sheetsAfter(h hypothesis) []sheet {
	if len(h.changes) == 0 {
		return b.sheets
	}
	sheets := slices.Clone(b.sheets)
	for _, c := range h.changes {
		sheets[c.at] = c.to
	}
	return sheets
}

// values reads the share values, nil if one is not below the prime.
func (b *base) values(sheets []sheet) []*big.Int {
	b.weigh()
	ys := make([]*big.Int, len(sheets))
	for i, s := range sheets {
		if ys[i] = b.ys[i]; s.text != b.sheets[i].text {
			ys[i] = number(s.text)
		}
		if ys[i].Cmp(b.prime) >= 0 {
			return nil
		}
	}
	return ys
}

// combine gives the secret, or nil if the sheets cannot be combined.
func (b *base) combine(h hypothesis) *big.Int {
	sheets := b.sheetsAfter(h)
	ys := b.values(sheets)
	if ys == nil {
		return nil
	}
	if slices.EqualFunc(sheets, b.sheets, func(s, t sheet) bool { return s.x == t.x }) {
		return b.weightedSum(ys)
	}
	number, err := shamir.Combine(points(sheets, ys), b.prime)
	if err != nil {
		return nil
	}
	return number
}

func points(sheets []sheet, ys []*big.Int) (shares []shamir.Share) {
	for i, s := range sheets {
		shares = append(shares, shamir.Share{X: big.NewInt(int64(s.x)), Y: ys[i]})
	}
	return shares
}

// weigh prepares for combining many values under the same IDs: combining is
// linear, so the secret of a share of 1 among zeros is the weight of that
// share.
func (b *base) weigh() {
	if b.weighed {
		return
	}
	b.weighed = true
	for _, s := range b.sheets {
		b.ys = append(b.ys, number(s.text))
	}
	b.weights = b.input.weights(b.prime, b.sheets)
}

func (b *base) weightedSum(ys []*big.Int) *big.Int {
	if b.weights == nil {
		return nil
	}
	sum, term := new(big.Int), new(big.Int)
	for i, w := range b.weights {
		sum.Add(sum, term.Mul(w, ys[i]))
	}
	return sum.Mod(sum, b.prime)
}

// weights are kept for the next base, which mostly has the same IDs.
func (in *input) weights(prime *big.Int, sheets []sheet) []*big.Int {
	key := prime.String()
	for _, s := range sheets {
		key += " " + strconv.Itoa(s.x)
	}
	if in.key == key {
		return in.last
	}
	in.key, in.last = key, nil
	for i := range sheets {
		ys := make([]*big.Int, len(sheets))
		for j := range ys {
			ys[j] = new(big.Int)
		}
		ys[i].SetInt64(1)
		w, err := shamir.Combine(points(sheets, ys), prime)
		if err != nil {
			in.last = nil
			break
		}
		in.last = append(in.last, w)
	}
	return in.last
}

// odds are the sorts of passwords that a combined secret can stand for.
type odds int

const (
	// likely: eight bytes below 2^63, which is what sc-hsm-tool draws; or
	// sixteen without a leading zero, which is what goes with 2^128+51. There is
	// one to a combined secret at most.
	likely odds = 1 << iota
	// remote: anything else that quorum.Candidates knows, as of files made
	// before OpenSC 0.16 or by hand, and bytes without their leading zeros.
	remote
)

const (
	shortSize = 8  // bytes of sc-hsm-tool's passwords
	tooLarge  = 63 // bits that are enough for them
)

// passwords lists what a combined secret can stand for, as quorum.Candidates
// does.
func passwords(number, prime *big.Int, want odds) (list []secret.Bytes) {
	size := passwordSize(prime)
	limit := new(big.Int).Lsh(big.NewInt(1), uint(8*size))
	if number.Cmp(limit) >= 0 {
		return oneIf(want&remote != 0, number.Bytes())
	}
	long128 := prime.Cmp(quorum.Prime128()) == 0
	for n := new(big.Int).Set(number); n.Cmp(limit) < 0; n.Add(n, prime) {
		isLikely := size > shortSize || n.BitLen() <= tooLarge
		full, short := n.FillBytes(make([]byte, size)), n.Bytes()
		if long128 && len(short) < size {
			isLikely = false
		}
		if isLikely == (want&likely != 0) || want == likely|remote {
			list = append(list, full)
		}
		if len(short) < size && n.Cmp(prime) < 0 && want&remote != 0 {
			list = append(list, short)
		}
	}
	return list
}

func oneIf(yes bool, password secret.Bytes) []secret.Bytes {
	if !yes {
		return nil
	}
	return []secret.Bytes{password}
}

// passwordSize is the length in bytes that goes with a prime.
func passwordSize(prime *big.Int) int { return max(shortSize, (prime.BitLen()-1+7)/8) }

// chance is how likely the candidate of any secret is.
func chance(prime *big.Int) float64 {
	if passwordSize(prime) > shortSize {
		return 1
	}
	p, _ := new(big.Float).SetInt(prime).Float64()
	return min(1, (1<<tooLarge)/p)
}
