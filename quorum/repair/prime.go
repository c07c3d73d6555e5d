package repair

import (
	"errors"
	"iter"
	"math/big"
	"slices"

	"conclave/quorum"
	"conclave/shamir"
)

// primeRounds is the number of Miller-Rabin rounds that a prime has to pass.
const primeRounds = 20

// primeFillings is how many readings of a prime with unreadable digits are
// looked through; each takes several microseconds.
const primeFillings = 1 << 16

// primes are the numbers that the prime of a set may be.
type primes struct {
	likely []*big.Int // as typed, or safe primes close to what was typed
	remote []*big.Int // other primes close to it
}

// isGood says whether p is the kind of prime that share sets have: a safe one
// of 64 bits, or 2^128+51.
func isGood(p *big.Int) bool {
	return p.Cmp(quorum.Prime128()) == 0 || p.BitLen() == int(quorum.Strength64) && shamir.IsSafePrime(p)
}

// isPrime says whether p can be the prime of a set of unusual make.
func isPrime(p *big.Int) bool {
	return p.BitLen() > 60 && p.ProbablyPrime(primeRounds)
}

// findPrimes looks at what was typed as the prime of each sheet.
func findPrimes(sheets []entered) (primes, error) {
	var found primes
	rows := primeRows(sheets)
	for _, row := range rows {
		if p := number(first(row)); !isOpen(row) && isPrime(p) {
			found.likely = insert(found.likely, p)
		}
	}
	slices.SortStableFunc(found.likely, func(a, b *big.Int) int { return rank(a) - rank(b) })
	sure := len(found.likely) > 0 && isGood(found.likely[0])
	for p := range nearPrimes(rows) {
		switch {
		case slices.ContainsFunc(found.likely, func(q *big.Int) bool { return p.Cmp(q) == 0 }):
		case isGood(p) && !sure:
			found.likely = insert(found.likely, p)
		default:
			found.remote = insert(found.remote, p)
		}
	}
	if !sure {
		found.addRare(rarePrimes(rows))
	}
	if len(found.likely) == 0 {
		found.likely, found.remote = found.remote, nil
	}
	if len(found.likely) == 0 {
		return found, errors.New("prime: no prime is like what was typed; all sheets show the same one: type it from another sheet, with ? for what cannot be read")
	}
	return found, nil
}

// addRare adds primes that are far from what was typed: likely ones only if none
// that is nearer is of the right kind.
func (p *primes) addRare(rare []*big.Int) {
	list := &p.likely
	if slices.ContainsFunc(p.likely, isGood) {
		list = &p.remote
	}
	for _, prime := range rare {
		if !slices.ContainsFunc(p.likely, func(q *big.Int) bool { return prime.Cmp(q) == 0 }) {
			*list = insert(*list, prime)
		}
	}
}

func rank(p *big.Int) int {
	if isGood(p) {
		return 0
	}
	return 1
}

func insert(list []*big.Int, p *big.Int) []*big.Int {
	if slices.ContainsFunc(list, func(q *big.Int) bool { return p.Cmp(q) == 0 }) {
		return list
	}
	return append(list, p)
}

// primeRows are the different rows of the sheets, the most frequent first; where
// all are of one length, the row of what most sheets show at each place comes
// before them.
func primeRows(sheets []entered) (rows [][]cell) {
	count := make(map[string]int)
	for _, t := range sheets {
		if key := rowKey(t.prime); count[key] == 0 {
			rows = append(rows, t.prime)
		}
		count[rowKey(t.prime)]++
	}
	slices.SortStableFunc(rows, func(a, b []cell) int { return count[rowKey(b)] - count[rowKey(a)] })
	if merged := majority(sheets); merged != nil && len(rows) > 1 {
		rows = slices.Insert(rows, 1, merged)
	}
	const most = 8 // different ones that it makes sense to look at
	return rows[:min(most, len(rows))]
}

func rowKey(row []cell) (key string) {
	for _, c := range row {
		key += c.options + " "
	}
	return key
}

// majority is the row of what most sheets show at each place, nil if their
// lengths differ.
func majority(sheets []entered) []cell {
	merged := slices.Clone(sheets[0].prime)
	for place := range merged {
		votes := make(map[string]int)
		for _, t := range sheets {
			if len(t.prime) != len(merged) {
				return nil
			}
			c := t.prime[place]
			if votes[c.options]++; better(c, merged[place], votes) {
				merged[place] = c
			}
		}
	}
	return merged
}

// better prefers what can be read, then what more sheets show.
func better(c, than cell, votes map[string]int) bool {
	if len(c.options) != len(than.options) {
		return len(c.options) < len(than.options)
	}
	return votes[c.options] > votes[than.options]
}

// nearPrimes yields the primes that the rows may be meant to be, the likeliest
// first: unreadable digits filled in, then one mistake corrected.
func nearPrimes(rows [][]cell) iter.Seq[*big.Int] {
	return func(yield func(*big.Int) bool) {
		for _, row := range rows {
			if len(row) >= 24 && !yield(quorum.Prime128()) { // it can only be that
				return
			}
			if combinations(row) > primeFillings {
				continue
			}
			for text := range texts(row) {
				if p := number(text); isPrime(p) && !yield(p) {
					return
				}
			}
		}
		for _, row := range rows {
			if !correctedPrimes(row, yield) {
				return
			}
		}
	}
}

// correctedPrimes yields primes of 64 bits that differ from a row by one
// mistake, if few of its digits are open.
func correctedPrimes(row []cell, yield func(*big.Int) bool) bool {
	if combinations(row) > len(hexDigits) {
		return true
	}
	for text := range texts(row) {
		for _, edits := range allEdits() {
			for e := range edits(text) {
				p := number(e.text)
				if p.BitLen() == int(quorum.Strength64) && isPrime(p) && !yield(p) {
					return false
				}
			}
		}
	}
	return true
}

// rarePrimes are those of the right kind that differ from a row by a mistake that
// spoils more than one digit.
func rarePrimes(rows [][]cell) (good []*big.Int) {
	for _, row := range rows {
		for _, edits := range rareEdits() {
			for e := range edits(first(row)) {
				if p := number(e.text); isGood(p) && !isOpen(row) {
					good = insert(good, p)
				}
			}
		}
	}
	return good
}

// straighten puts prime and share value in their places if they were typed in
// each other's: the number that most sheets have is the prime.
func straighten(sheets []entered) {
	prime := commonPrime(sheets)
	if prime == nil {
		return
	}
	for i := range sheets {
		t := &sheets[i]
		if is(t.value, prime) && !is(t.prime, prime) {
			t.prime, t.value = t.value, t.prime
			t.findings = append(t.findings, Finding{Kind: ExchangedFields, Field: "prime and share value"})
		}
	}
}

func is(row []cell, n *big.Int) bool { return !isOpen(row) && number(first(row)).Cmp(n) == 0 }

// commonPrime is the good prime that most sheets have in either line; nil if no
// sheet has one.
func commonPrime(sheets []entered) (best *big.Int) {
	most := 0
	for _, t := range sheets {
		for i, row := range [][]cell{t.prime, t.value} {
			p, n := number(first(row)), 0
			for _, other := range sheets {
				if is(other.prime, p) || is(other.value, p) {
					n += 2
				}
			}
			if n -= i; n > most && isGood(p) { // where it belongs is likelier
				best, most = p, n
			}
		}
	}
	return best
}
