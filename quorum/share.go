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
	"unicode/utf8"

	"conclave/internal/secret"
	"conclave/internal/typed"
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
	if id = readID(id); id == "" {
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
	if err == nil {
		return p, nil
	}
	for _, other := range otherHex(text) {
		if p, err := parsePrime(other.Text); err == nil {
			return nil, &Doubt{Where: "prime", Why: other.Why, Question: other.Why + "; " + meant, Share: CustodianShare{Prime: p}}
		}
	}
	var doubt *Doubt
	if !errors.As(err, &doubt) {
		err = fmt.Errorf("prime: %w", err)
	}
	return nil, err
}

func parsePrime(text string) (*big.Int, error) {
	digits, err := readHex(text)
	if err != nil {
		return nil, err
	}
	if strings.Contains(digits, unreadable) {
		return nil, fillPrime(digits)
	}
	p, _ := new(big.Int).SetString(digits, 16)
	if bits := p.BitLen(); bits < minPrimeBits || bits > maxPrimeBits {
		return nil, fmt.Errorf("a number of %d bits, 64 expected (16 digits); was a digit left out or added?", bits)
	}
	if !isPrime(p) {
		return nil, doubtPrime(p)
	}
	return p, nil
}

const hexDigits = "0123456789abcdefABCDEF"

// unreadable stands for a digit or character that cannot be read.
const unreadable = "?"

// primalityRounds is the number of Miller-Rabin rounds that a typed prime has to pass.
const primalityRounds = 20

// isPrime knows the prime of 128 bits, which most sheets have.
func isPrime(p *big.Int) bool { return p.Cmp(Prime128()) == 0 || p.ProbablyPrime(primalityRounds) }

// parseHex reads a number.
func parseHex(text string) (*big.Int, error) {
	digits, err := readHex(text)
	if err != nil {
		return nil, err
	}
	if n := strings.Count(digits, unreadable); n > 0 {
		return nil, fmt.Errorf("%d of its digits cannot be read, and nothing here knows them; conclave dkek recover tries all, with the share file", n)
	}
	v, _ := new(big.Int).SetString(digits, 16)
	return v, nil
}

// readHex reads digits, in pairs if there are colons. A digit that cannot be read
// stays a ?.
func readHex(text string) (string, error) {
	var digits strings.Builder
	clean := typed.Clean(text)
	for i, group := range strings.Split(clean, ":") {
		before := digits.Len()
		for _, r := range typed.Bare(group) {
			digit := hexDigit(r)
			if digit == 0 {
				return "", notHex(text, digits.Len())
			}
			digits.WriteByte(digit)
		}
		if n := digits.Len() - before; n != 2 && strings.Contains(clean, ":") {
			return "", fmt.Errorf("group %d has %d digits, 2 expected between colons", i+1, n)
		}
	}
	switch n := digits.Len(); {
	case n == 0:
		return "", errors.New("nothing found, hexadecimal digits expected")
	case n%2 != 0:
		return "", fmt.Errorf("%d digits found, an even number expected; was one left out or added?", n)
	}
	return digits.String(), nil
}

// AreDigits says whether a text may be the begin of a prime or share value.
func AreDigits(text string) bool {
	groups := strings.Split(typed.Clean(text), ":")
	for i, group := range groups {
		bare := typed.Bare(group)
		if strings.ContainsFunc(bare, func(r rune) bool { return hexDigit(r) == 0 }) || i < len(groups)-1 && len(bare) != 2 {
			return false
		}
	}
	return true
}

// notHex says what is wrong with what was typed after n digits.
func notHex(text string, n int) error {
	if told := typed.Told(text); told != nil {
		return fmt.Errorf("%s; set it to English, and type the line again", told.Why)
	}
	return fmt.Errorf("another character found after %d digits; only 0 to 9, a to f and colons expected", n)
}

// hexDigit is the digit that a character stands for, 0 for none. No letter is a
// digit that O, I and L could be but 0 and 1.
func hexDigit(r rune) byte {
	switch {
	case r < utf8.RuneSelf && strings.ContainsRune(hexDigits, r):
		return byte(r)
	case r == 'o' || r == 'O':
		return '0'
	case r == 'i' || r == 'I' || r == 'l' || r == 'L':
		return '1'
	case r == '?' || r == '_' || r == '*':
		return unreadable[0]
	}
	return 0
}

// otherHex are the readings of a line that is not hexadecimal as it was typed.
func otherHex(text string) []typed.Reading {
	if _, err := readHex(text); err == nil {
		return nil
	}
	return typed.Otherwise(text)
}

// readID reads a share ID as it is printed, without leading zeros, so that 1 and 01
// are one; empty if it is none.
func readID(text string) string {
	text = typed.Clean(text)
	readings := []typed.Reading{{Text: text}}
	if !strings.ContainsFunc(text, func(r rune) bool { return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) }) {
		readings = append(readings, typed.Otherwise(text)...) // no key was the right one
	}
	for _, reading := range readings {
		id := strings.TrimLeft(strings.Map(func(r rune) rune {
			if digit := hexDigit(r); digit != 0 {
				return rune(digit)
			}
			return r
		}, strings.Trim(reading.Text, " .,:#()")), "0")
		if parseID(id, 10) != 0 || parseID(id, 16) != 0 {
			return id
		}
	}
	return ""
}

// parseID reads an ID in the given base; 0 if it is not one.
func parseID(id string, base int) int64 {
	n, err := strconv.ParseUint(id, base, 8)
	if err != nil {
		return 0
	}
	return int64(n)
}
