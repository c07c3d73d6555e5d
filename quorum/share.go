// Package quorum is the custodians' side of a DKEK share file whose password is
// shared out among them: it makes the sheets that custodians keep, reads what
// they type, and opens share files with it, whatever mistakes of sc-hsm-tool
// went into the file. It knows no terminal and no card.
//
// Begin with [Draw], which makes a [Set] of sheets with a password that no one
// sees, and use that for dkek.EncryptShare. When custodians come back, read each
// sheet ([ParseCode], [ParseShare], or [ReadSheets] for a file of them), let an
// [Entry] judge them together, and [Open] the share file. A [Record] beside the
// file, which is not secret, lets each sheet be judged alone, years before it is
// needed.
//
// A sheet with a code says itself what was mistyped; the three lines that
// sc-hsm-tool prints do not, and if they do not open the file, package
// quorum/repair searches for what was meant. Package quorum/paper prints sheets,
// package custody holds the conversation with people, and package shamir has the
// arithmetic.
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
	"conclave/shamir"
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

// CustodianShare is what one custodian has entered. ParseShare and ParseCode
// make it.
type CustodianShare struct {
	Prime *big.Int
	ID    string       // as entered: decimal, or hexadecimal, see Candidates
	Value secret.Bytes // big-endian, a number below Prime

	// What only the code of a sheet says.
	Set              string // set identifier; empty if not known
	Threshold, Total int    // 0 if not known
}

// Format implements fmt.Formatter for every verb.
func (s CustodianShare) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "share %s [redacted]", s.ID) }

// point is the share as a point on the polynomial, the ID read in the given
// base, or as hexadecimal if it is nothing else.
func (s CustodianShare) point(base int) shamir.Share {
	x := parseID(s.ID, base)
	if x == 0 {
		x = parseID(s.ID, 16)
	}
	return shamir.Share{X: big.NewInt(x), Y: new(big.Int).SetBytes(s.Value)}
}

// Doubt is the error for an entry with a mistake that can be told from what is
// right about it. It is for the custodian to say whether it is one.
type Doubt struct {
	Where    string         // "sheet code", "prime", "share value"
	Why      string         // it is doubted
	Question string         // "digit 7 should be 3?"; it shows digits, and is for the custodian alone
	Share    CustodianShare // as it should be, if the custodian says yes
}

// Error does not show what was typed.
func (d *Doubt) Error() string { return d.Where + ": " + d.Why }

// ParseShare reads the three lines of a custodian's sheet. Prime and value are
// hexadecimal digits in either case, with colons between pairs as printed or
// without, and any spaces; the ID is a number from 1 to 255. Errors name the
// field and what is wrong with it.
func ParseShare(prime, id, value string) (CustodianShare, error) {
	p, err := ParsePrime(prime)
	if err != nil {
		return CustodianShare{}, err
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

var errNotPrime = errors.New("this number is not a prime; a digit was misread or mistyped")

// ParsePrime reads the first line of a sheet, as ParseShare does. Most misread
// digits make a number that is not a prime; if only one digit can have been
// meant, the error is a *Doubt.
func ParsePrime(text string) (*big.Int, error) {
	p, err := parsePrime(text)
	var doubt *Doubt
	if err != nil && !errors.As(err, &doubt) {
		err = fmt.Errorf("prime: %w", err)
	}
	return p, err
}

func parsePrime(text string) (*big.Int, error) {
	p, err := parseHex(text)
	if err != nil {
		return nil, err
	}
	if bits := p.BitLen(); bits < minPrimeBits || bits > maxPrimeBits {
		return nil, fmt.Errorf("a number of %d bits, 64 expected (16 digits); was a digit left out or added?", bits)
	}
	if !p.ProbablyPrime(primalityRounds) {
		return nil, doubtPrime(p)
	}
	return p, nil
}

const hexDigits = "0123456789abcdefABCDEF"

// primalityRounds is the number of Miller-Rabin rounds that a typed prime has to pass.
const primalityRounds = 20

// parseHex reads digits, in pairs if there are colons.
func parseHex(text string) (*big.Int, error) {
	var digits strings.Builder
	for i, group := range strings.Split(text, ":") {
		before := digits.Len()
		for _, r := range group {
			switch {
			case unicode.IsSpace(r):
			case r < unicode.MaxASCII && strings.ContainsRune(hexDigits, r):
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

// parseID reads an ID in the given base; 0 if it is not one.
func parseID(id string, base int) int64 {
	n, err := strconv.ParseUint(id, base, 8)
	if err != nil {
		return 0
	}
	return int64(n)
}
