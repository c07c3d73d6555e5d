// Package quorum is the custodians' side of a DKEK share file whose password is
// shared out among them: it makes the sheets that custodians keep, reads what
// they type, and opens share files with it, whatever mistakes of sc-hsm-tool
// went into the file. It knows no terminal and no card.
//
// Entering shares is done once, on a machine that those present trust; the
// arithmetic is not constant time (see package shamir).
package quorum

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"conclave/internal/secret"
)

// Primes of sc-hsm-tool have 64 bits; larger ones go with longer passwords.
// Below 64, a few bits are left for doubtful old files, few enough that there
// are never more than 16 numbers of 64 bits to a secret modulo the prime.
const (
	minPrimeBits = 61
	maxPrimeBits = 512
)

// maxShares is the largest share ID; sc-hsm-tool counts shares in a byte.
const maxShares = 255

// CustodianShare is what one custodian has entered. ParseShare makes it.
type CustodianShare struct {
	Prime *big.Int
	ID    string       // as entered: decimal, or hexadecimal, see Candidates
	Value secret.Bytes // big-endian, a number below Prime
}

// ParseShare reads the three lines of a custodian's sheet. Prime and value are
// hexadecimal digits in either case, with colons between pairs as printed or
// without, and any spaces; the ID is a number from 1 to 255. Errors name the
// field and what is wrong with it.
func ParseShare(prime, id, value string) (CustodianShare, error) {
	p, err := parsePrime(prime)
	if err != nil {
		return CustodianShare{}, fmt.Errorf("prime: %w", err)
	}
	id = strings.TrimLeft(strings.TrimSpace(id), "0") // so that 1 and 01 are one
	if parseID(id, 10) == 0 && parseID(id, 16) == 0 {
		// What was typed is not shown: it may be a share value.
		return CustodianShare{}, fmt.Errorf("share ID: not a number from 1 to %d", maxShares)
	}
	v, err := parseHex(value)
	if err != nil {
		return CustodianShare{}, fmt.Errorf("share value: %w", err)
	}
	if v.Cmp(p) >= 0 {
		return CustodianShare{}, errors.New("share value: not below the prime; was a digit added, or are value and prime mixed up?")
	}
	return CustodianShare{Prime: p, ID: id, Value: v.Bytes()}, nil
}

// parsePrime checks what can be checked: most misread digits make a number
// that is not a prime.
func parsePrime(text string) (*big.Int, error) {
	p, err := parseHex(text)
	if err != nil {
		return nil, err
	}
	if bits := p.BitLen(); bits < minPrimeBits || bits > maxPrimeBits {
		return nil, fmt.Errorf("a number of %d bits, 64 expected (16 digits); was a digit left out or added?", bits)
	}
	if !p.ProbablyPrime(20) {
		return nil, errors.New("this number is not a prime; a digit was misread or mistyped")
	}
	return p, nil
}

// parseHex reads digits, in pairs where there are colons.
func parseHex(text string) (*big.Int, error) {
	var digits strings.Builder
	for i, group := range strings.Split(text, ":") {
		before := digits.Len()
		for _, r := range group {
			switch {
			case unicode.IsSpace(r):
			case r < unicode.MaxASCII && strings.ContainsRune("0123456789abcdefABCDEF", r):
				digits.WriteRune(r)
			default:
				return nil, fmt.Errorf("another character found after %d digits; only 0 to 9, a to f and colons expected", digits.Len())
			}
		}
		if n := digits.Len() - before; n != 2 && strings.Contains(text, ":") {
			return nil, fmt.Errorf("group %d has %d digits, 2 expected between colons", i+1, n)
		}
	}
	switch n := digits.Len(); {
	case n == 0:
		return nil, errors.New("nothing found, hexadecimal digits expected")
	case n%2 != 0:
		return nil, fmt.Errorf("%d digits found, an even number expected; was one left out or added?", n)
	}
	v, _ := new(big.Int).SetString(digits.String(), 16)
	return v, nil
}

// parseID reads an ID in the given base; 0 if it is none.
func parseID(id string, base int) int64 {
	n, err := strconv.ParseUint(id, base, 8)
	if err != nil {
		return 0
	}
	return int64(n)
}
