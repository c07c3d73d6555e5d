package bch32

import (
	"errors"
	"fmt"
	"slices"
)

// ErrUncorrectable says that no code word is near enough to be the one that was
// meant.
var ErrUncorrectable = errors.New("more symbols are wrong or missing than the checksum can repair; compare the word with its original")

// Correct returns the code word nearest to word. The erasures are the places,
// counted from 0 and ascending, whose symbols are unknown; what word has there,
// even above 31, is ignored.
//
// It returns a copy, and in changed, ascending, the places that were not erased
// and have another symbol now. Erased places are not in changed, whatever their
// symbol turned out to be: the caller knows them. changed is nil if no readable
// symbol was wrong.
//
// If there is no code word such that len(erasures) + 2*len(changed) <= 8, the
// error is ErrUncorrectable; so it is with more than 8 erasures, though BIP-93
// promises 13 that follow each other. Any other error means that the arguments
// are not a word and places in it.
//
// A word with more errors than that can be near a wrong code word. Of words with
// 5 random errors, 1.8 in 10^4 are if they have 93 symbols, 3 in 10^6 if they
// have 48 (measured, 10^8 words and more of each). It is 1.6 in 100 for 93
// symbols if the places of all 5 leave the same remainder modulo 3: code words
// that differ at such places only are those of a Reed-Solomon code over GF(32),
// and crowd there. So somebody must look at what was changed before the word
// is used (BIP-93, section "Error Correction").
func Correct(prefix string, word []byte, erasures []int) (corrected []byte, changed []int, err error) {
	return CorrectWithin(prefix, word, erasures, roots/2)
}

// CorrectWithin is Correct for words with so many symbols changed at most. It is
// quick to refuse others.
func CorrectWithin(prefix string, word []byte, erasures []int, most int) (corrected []byte, changed []int, err error) {
	if err := checkWord(word, erasures); err != nil {
		return nil, nil, err
	}
	if len(erasures) > roots {
		return nil, nil, ErrUncorrectable
	}
	corrected = slices.Clone(word)
	for _, place := range erasures {
		corrected[place] = 0
	}
	for place, value := range find(syndrome(prefix, corrected), len(word), erasures, most) {
		corrected[place] ^= value
		if value != 0 && !slices.Contains(erasures, place) {
			changed = append(changed, place)
		}
	}
	if !Verify(prefix, corrected) {
		return nil, nil, ErrUncorrectable
	}
	return corrected, changed, nil
}

// checkWord rejects what is not a word, or not places in it. Symbols may be
// secret, so the error does not show them.
func checkWord(word []byte, erasures []int) error {
	if len(word) < ChecksumLen || len(word) > MaxLen {
		return fmt.Errorf("a word of %d symbols; %d to %d expected, %d of them the checksum", len(word), ChecksumLen, MaxLen, ChecksumLen)
	}
	for i, place := range erasures {
		switch {
		case place < 0 || place >= len(word):
			return fmt.Errorf("place %d is erased; 0 to %d are in the word", place, len(word)-1)
		case i > 0 && place <= erasures[i-1]:
			return fmt.Errorf("place %d is erased after place %d; ascending places expected, each once", place, erasures[i-1])
		}
	}
	for place, symbol := range word {
		if symbol > 31 && !slices.Contains(erasures, place) {
			return fmt.Errorf("the symbol at place %d is above 31; was a letter taken for a symbol?", place)
		}
	}
	return nil
}

// find returns what to add to each symbol of a word of n symbols, erased or not,
// if there is a solution within the bound. If there is none, it returns
// something that the caller finds out by verifying: the locator has roots that
// stand for places outside of the word or for nothing, or the same one twice, or
// values are not in GF(32). Of a solution with more errors than most it returns nothing.
func find(s residue, n int, erasures []int, most int) []byte {
	locator, evaluator := solve(powerSums(s), erasureLocator(n, erasures), len(erasures))
	errata := make([]byte, n)
	if locator.degree() > len(erasures)+most {
		return errata
	}
	x, beta := location(n, 0).inverse(), power(1)
	for place := range errata {
		if locator.at(x) == (element{}) {
			errata[place] = forney(locator, evaluator, x).a
		}
		x = x.times(beta)
	}
	return errata
}

// location returns the power of β that stands for a place: the last symbol of a
// word is the constant term.
func location(n, place int) element { return power(n - 1 - place) }

// powerSums returns the sum of value * location^(77+j) over all errors, for j
// from 0 to 7. The errors themselves are unknown, but the residue they leave has
// the same value at the generator's roots.
func powerSums(s residue) polynomial {
	sums := make(polynomial, roots)
	x, beta := power(firstRoot), power(1)
	for j := range sums {
		for _, c := range s {
			sums[j] = sums[j].times(x).plus(element{a: c})
		}
		x = x.times(beta)
	}
	return sums
}

// erasureLocator returns the product of (1 - location*x) over the erased places.
func erasureLocator(n int, erasures []int) polynomial {
	product := polynomial{{a: 1}}
	for _, place := range erasures {
		product = product.times(polynomial{{a: 1}, location(n, place)})
	}
	return product
}

// solve finds the locator of errors and erasures together, and the evaluator
// that forney needs: evaluator = sums * locator modulo x^8. Euclid's algorithm
// on x^8 and sums * erased stops at the first remainder that is short enough
// (Y. Sugiyama and others, "A method for solving key equation for decoding
// Goppa codes", Information and Control 27(1), 1975).
func solve(sums, erased polynomial, erasures int) (locator, evaluator polynomial) {
	previous := append(make(polynomial, roots), element{a: 1})
	rest := sums.times(erased).modulo(roots)
	before, factor := polynomial{}, polynomial{{a: 1}}
	for 2*rest.degree() >= roots+erasures {
		quotient, next := previous.divide(rest)
		previous, rest = rest, next
		before, factor = factor, before.plus(quotient.times(factor))
	}
	return factor.times(erased), rest
}

// forney returns the value of the error whose location is 1/x, x being a root of
// the locator: location^(1-77) * evaluator / locator', both at x (G. D. Forney,
// "On decoding BCH codes", IEEE Transactions on Information Theory 11(4), 1965).
// At a double root, where there is no value, it returns zero.
func forney(locator, evaluator polynomial, x element) element {
	slope := locator.derivative().at(x)
	return evaluator.at(x).times(slope.inverse()).times(x.power(firstRoot - 1))
}
