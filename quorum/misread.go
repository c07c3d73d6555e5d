package quorum

import (
	"fmt"
	"iter"
	"math/big"
	"strings"

	"conclave/shamir"
)

// misreadings are what a share value may be meant to be, if one digit was
// misread or two neighbours exchanged, or by a mistake of hands and ears that
// spoils two digits. Digits are counted as they were typed. The least likely are left out
// where there are many, as of a value whose digits are all the same.
func misreadings(number int, share CustodianShare) (guesses []guess) {
	digits := colonless(share)
	for _, mistakes := range []iter.Seq2[string, string]{oneWrong(digits), twoWrong(digits)} {
		for text, question := range mistakes {
			if len(guesses) == maxMisreadings {
				return guesses
			}
			v, _ := new(big.Int).SetString(text, 16)
			if v.Cmp(share.Prime) >= 0 {
				continue
			}
			other := share
			other.Value = v.Bytes()
			guesses = append(guesses, guess{number, other, question})
		}
	}
	return guesses
}

// colonless is the value as a sheet shows it, without colons.
func colonless(share CustodianShare) string {
	return strings.ReplaceAll(colons(new(big.Int).SetBytes(share.Value)), ":", "")
}

// oneWrong yields the texts that differ from these hexadecimal digits in one of
// them, or in the order of two neighbours, each with the question that tells
// the difference.
func oneWrong(digits string) iter.Seq2[string, string] {
	return func(yield func(text, question string) bool) {
		for i := range len(digits) - 1 {
			if digits[i] == digits[i+1] {
				continue
			}
			text := digits[:i] + digits[i+1:i+2] + digits[i:i+1] + digits[i+2:]
			if !yield(text, fmt.Sprintf("digits %d and %d should be exchanged?", i+1, i+2)) {
				return
			}
		}
		for i := range len(digits) {
			for _, d := range hexDigits[:16] {
				if byte(d) == digits[i] {
					continue
				}
				if !yield(digits[:i]+string(d)+digits[i+1:], fmt.Sprintf("digit %d should be %c?", i+1, d)) {
					return
				}
			}
		}
	}
}

// twoWrong yields the texts that differ in two digits of which one mistake makes the
// other: those around a third exchanged, 13 heard for 30, and two equal ones, beside
// each other or around a third, misread alike.
func twoWrong(digits string) iter.Seq2[string, string] {
	return func(yield func(text, question string) bool) {
		for i := range len(digits) - 1 {
			for _, j := range []int{i + 1, i + 2} {
				if j == len(digits) {
					continue
				}
				for _, d := range pairsFor(digits[i], digits[j], j-i) {
					text := digits[:i] + d[:1] + digits[i+1:j] + d[1:] + digits[j+1:]
					if !yield(text, fmt.Sprintf("digit %d should be %c, digit %d should be %c?", i+1, d[0], j+1, d[1])) {
						return
					}
				}
			}
		}
	}
}

// pairsFor are what two digits may be meant to be that are so far apart.
func pairsFor(a, b byte, distance int) (meant []string) {
	switch {
	case a == b:
		for _, d := range hexDigits[:16] {
			if byte(d) != a {
				meant = append(meant, string([]rune{d, d}))
			}
		}
	case distance == 2:
		meant = append(meant, string([]byte{b, a}))
	case a == '1' && b >= '2' && b <= '9':
		meant = append(meant, string([]byte{b, '0'}))
	case b == '0' && a >= '2' && a <= '9':
		meant = append(meant, string([]byte{'1', a}))
	}
	return meant
}

// doubtPrime finds the prime that a number may be meant to be, if that is not
// ambiguous: that of Strength128, or a safe prime of 64 bits.
func doubtPrime(n *big.Int) error {
	digits := fmt.Sprintf("%x", n)
	var found []*Doubt
	for text, question := range oneWrong(digits) {
		p, _ := new(big.Int).SetString(text, 16)
		if p.Cmp(Prime128()) == 0 || p.BitLen() == int(Strength64) && shamir.IsSafePrime(p) {
			found = append(found, &Doubt{Where: "prime", Why: errNotPrime.Error(), Question: question, Share: CustodianShare{Prime: p}})
		}
	}
	if len(found) != 1 {
		return errNotPrime
	}
	return found[0]
}
