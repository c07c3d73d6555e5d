package quorum

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/big"
	"strconv"
	"strings"

	"conclave/internal/typed"
	"conclave/shamir"
)

// Read reads a sheet as Typed.Read does. Digits of the lines that cannot be read (?),
// and those of a keyboard that is set wrongly, are found if a record knows the sheet:
// the error is a *Doubt then. It can take a second, which ctx ends at once.
func (e *Entry) Read(ctx context.Context, t Typed) (CustodianShare, error) {
	share, err := t.Read()
	if err == nil || t.Code != "" {
		return share, err
	}
	records := e.candidates()
	for _, r := range records[:min(len(records), maxSearched)] {
		found := r.findTyped(ctx, t)
		var doubt *Doubt
		if errors.As(found, &doubt) || ctx.Err() != nil {
			return share, found
		}
		err = cmp.Or(found, err)
	}
	return share, err
}

// findTyped looks for what the lines of a sheet are meant to be; nil if nothing in
// them leaves that open.
func (r *Record) findTyped(ctx context.Context, t Typed) error {
	prime, _ := parsePrime(r.Prime)
	numbers := []int{parseNumber(t.ID)}
	if IsUnreadable(t.ID) {
		numbers = r.numbers()
	} else if numbers[0] < 1 || numbers[0] > r.Total {
		return nil
	}
	if digits, err := readHex(t.Value); err == nil && (strings.Contains(digits, unreadable) || len(numbers) > 1) {
		return r.fill(ctx, prime, numbers, digits)
	}
	for _, other := range otherHex(t.Value) {
		digits, err := readHex(other.Text)
		if err != nil || strings.Contains(digits, unreadable) {
			continue
		}
		g, found, err := r.firstFit(ctx, fillings(prime, numbers, digits))
		if err != nil {
			return err
		}
		if found {
			return &Doubt{Where: "share value", Why: other.Why, Question: other.Why + "; " + meant, Share: g.share}
		}
	}
	return nil
}

// IsUnreadable says whether a line is nothing but characters that cannot be read.
func IsUnreadable(text string) bool {
	bare := typed.Bare(text)
	return bare != "" && strings.Trim(bare, unreadable) == ""
}

// parseNumber is the custodian's number that an ID means, 0 if it is none.
func parseNumber(id string) int {
	id = readID(id)
	return int(cmp.Or(parseID(id, 10), parseID(id, 16)))
}

// numbers are those of all custodians.
func (r *Record) numbers() (all []int) {
	for i := range r.Total {
		all = append(all, i+1)
	}
	return all
}

// fillable is about how many fingerprints of the usual cost are computed in a second
// by one processor.
const fillable = 300

// fill finds the digits that cannot be read.
func (r *Record) fill(ctx context.Context, prime *big.Int, numbers []int, digits string) error {
	usual, cost := defaultCost(), r.Cost
	most := fillable * int(usual.Passes) * int(usual.Memory) / (int(cost.Passes) * int(cost.Memory))
	n, guesses := strings.Count(digits, unreadable), float64(len(numbers))
	if guesses *= math.Pow(16, float64(n)); guesses > float64(max(16, most)) {
		return fmt.Errorf("share value: too many digits are unreadable (%d) to try all that they may be; read more of them with a lens, or in another light, or type the code of the sheet, which eight characters may be missing from; conclave dkek recover takes the time", n)
	}
	g, found, err := r.firstFit(ctx, fillings(prime, numbers, digits))
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("share value: whatever the unreadable digits are, it is not the one in the set record; compare the others with the sheet, and check that the sheet says set %s", r.Set)
	}
	return &Doubt{Where: "share value", Why: "the set record knows the digits that cannot be read", Question: g.question, Share: g.share}
}

// fillings are the shares that digits may be, with the question for each.
func fillings(prime *big.Int, numbers []int, digits string) (guesses []guess) {
	for text, question := range filled(digits) {
		v, _ := new(big.Int).SetString(text, 16)
		if v.Cmp(prime) >= 0 {
			continue
		}
		for _, number := range numbers {
			asked := question
			if len(numbers) > 1 {
				asked = strings.TrimPrefix(fmt.Sprintf("%s, the share ID should be %d", question, number), ", ")
			}
			guesses = append(guesses, guess{number, CustodianShare{Prime: prime, ID: strconv.Itoa(number), Value: v.Bytes()}, asked + "?"})
		}
	}
	return guesses
}

// filled yields what digits may be if some of them cannot be read, each with the
// question that tells it.
func filled(digits string) iter.Seq2[string, string] {
	var open []int
	for i := range digits {
		if digits[i] == unreadable[0] {
			open = append(open, i)
		}
	}
	return func(yield func(text, question string) bool) {
		for n := range 1 << (4 * len(open)) {
			text, places := []byte(digits), make([]string, len(open))
			for i, at := range open {
				text[at] = hexDigits[n>>(4*i)&15]
				places[i] = fmt.Sprintf("digit %d should be %c", at+1, text[at])
			}
			if !yield(string(text), strings.Join(places, ", ")) {
				return
			}
		}
	}
}

// fillPrime is the error for a prime with digits that cannot be read: what it is
// meant to be, if that is not ambiguous.
func fillPrime(digits string) error {
	const most = 2 // with more, there are several
	n := strings.Count(digits, unreadable)
	var found []*Doubt
	if pattern := fmt.Sprintf("%0*x", len(digits), Prime128()); len(pattern) == len(digits) && matches(digits, pattern) {
		found = append(found, &Doubt{Where: "prime", Why: "some digits cannot be read", Question: "it should be that of all sheets of 128 bits?", Share: CustodianShare{Prime: Prime128()}})
	} else if n <= most && len(digits) == int(Strength64)/4 {
		found = fillSafePrimes(digits)
	}
	if len(found) != 1 {
		return fmt.Errorf("%d of its digits cannot be read, and there are several primes, or none, that it may be; take the line from another sheet of the set, which has the same", n)
	}
	return found[0]
}

func matches(digits, pattern string) bool {
	for i := range digits {
		if digits[i] != unreadable[0] && !strings.EqualFold(digits[i:i+1], pattern[i:i+1]) {
			return false
		}
	}
	return true
}

func fillSafePrimes(digits string) (found []*Doubt) {
	for text, question := range filled(digits) {
		p, _ := new(big.Int).SetString(text, 16)
		if p.BitLen() == int(Strength64) && shamir.IsSafePrime(p) {
			found = append(found, &Doubt{Where: "prime", Why: "some digits cannot be read", Question: question + "?", Share: CustodianShare{Prime: p}})
		}
	}
	return found
}
