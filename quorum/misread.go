package quorum

import (
	"fmt"
	"iter"
	"math/big"
	"strings"

	"conclave/shamir"
)

// misreadings are what a share value may be meant to be, if one digit was
// misread or two neighbours exchanged. Digits are counted as they were typed.
func misreadings(number int, share CustodianShare) (guesses []guess) {
	for text, question := range oneWrong(colonless(share)) {
		v, _ := new(big.Int).SetString(text, 16)
		if v.Cmp(share.Prime) >= 0 {
			continue
		}
		other := share
		other.Value = v.Bytes()
		guesses = append(guesses, guess{number, other, question})
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
