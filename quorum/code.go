package quorum

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"conclave/internal/typed"
	"conclave/quorum/internal/bch32"
)

// The code of a sheet is 48 characters, 35 with data and 13 with the checksum
// of codex32 (BIP-93) over them, which corrects four wrong characters, or eight
// unreadable ones. SLIP-39's words hold a checksum that detects mistakes and
// cannot correct them, are longer to type, and have no room for a field of
// 2^128+51; hence letters. The alphabet is bech32's (BIP-173): it has no b, i,
// o and 1, and case does not count. What sounds alike when it is read aloud is
// what the checksum is for.
//
// The 175 bits of data, the most significant first: the set identifier (20, so
// that it is the first group of the code), threshold, total and custodian
// number (8 each), the form (2), and 129 bits as the form says: the share value
// over GF(2^128+51), or a zero bit, prime and share value of 64 bits each.
const (
	codePrefix = "cs" // goes into the checksum, and is not written
	codeGroup  = 4
	codeData   = 35
	codeLength = codeData + bch32.ChecksumLen

	setIDSymbols = 4
	bodyBits     = 129
	symbolBits   = 5
)

// The forms of the last 129 bits.
const (
	form128 = iota
	form64
)

// newSetID draws a set identifier: 20 random bits, as four characters of the
// alphabet in upper case. Sheets of another set are recognised by it.
func newSetID(rand io.Reader) (string, error) {
	drawn := make([]byte, setIDSymbols)
	if _, err := io.ReadFull(rand, drawn); err != nil {
		return "", fmt.Errorf("drawing a set identifier: %w", err)
	}
	for i := range drawn {
		drawn[i] %= 1 << symbolBits
	}
	return letters(drawn), nil
}

// letters writes symbols.
func letters(symbols []byte) string {
	text := make([]byte, len(symbols))
	for i, s := range symbols {
		text[i] = bch32.Alphabet[s]
	}
	return strings.ToUpper(string(text))
}

// code writes a share of a set with its checksum, in groups.
func (s CustodianShare) code() string {
	bits := new(big.Int)
	push := func(v *big.Int, size uint) { bits.Lsh(bits, size).Or(bits, v) }
	for _, symbol := range s.Set {
		push(big.NewInt(int64(symbolOf(symbol))), symbolBits)
	}
	number, _ := strconv.Atoi(s.ID)
	for _, v := range []int{s.Threshold, s.Total, number} {
		push(big.NewInt(int64(v)), 8)
	}
	form, body := big.NewInt(form128), new(big.Int).SetBytes(s.Value)
	if s.Prime.BitLen() == int(Strength64) {
		form.SetInt64(form64)
		body.Or(body, new(big.Int).Lsh(s.Prime, uint(Strength64)))
	}
	push(form, 2)
	push(body, bodyBits)
	data := make([]byte, codeData)
	for i := range slices.Backward(data) {
		data[i] = byte(bits.Uint64() % (1 << symbolBits))
		bits.Rsh(bits, symbolBits)
	}
	sum := bch32.Checksum(codePrefix, data)
	return group(letters(append(data, sum[:]...)))
}

// group puts a space between groups.
func group(code string) string {
	var groups []string
	for group := range slices.Chunk([]byte(code), codeGroup) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, " ")
}

// symbolOf is the symbol that a character stands for; -1 if there is none.
func symbolOf(r rune) int {
	if r >= 'A' && r <= 'Z' {
		r += 'a' - 'A'
	}
	return strings.IndexRune(bch32.Alphabet, r)
}

// ParseCode reads the code of a sheet, in any case and grouping. If characters
// are wrong, unreadable (?), left out or doubled, or groups or lines are in other
// places, or the keyboard is set wrongly, and the checksum tells what was meant, the
// error is a *Doubt.
func ParseCode(text string) (CustodianShare, error) {
	plain := readCode(text)
	if plain.right() {
		return decodeCode(plain.symbols)
	}
	for _, other := range typed.Otherwise(text) {
		if code := readCode(other.Text); code.right() {
			return CustodianShare{}, doubtCode(code.symbols, other.Why, other.Why+"; "+meant)
		}
	}
	told, why := typed.Told(text), misreadCode
	if told != nil {
		plain, why = readCode(told.Text), told.Why
	}
	switch corrected := correctCode(plain.symbols, plain.erasures); {
	case corrected != nil:
		return CustodianShare{}, doubtCode(corrected, why, codeQuestion(plain.typed, corrected))
	case told != nil:
		return CustodianShare{}, fmt.Errorf("sheet code: %s; set it to English, and type the code again", told.Why)
	}
	return mistakenCode(plain.typed)
}

const (
	misreadCode = "its checksum is wrong; compare each group with the sheet"
	// meant asks about another reading that is right.
	meant = "read with that in mind it is right; is that what was meant?"
)

// doubtCode asks whether this code word is meant.
func doubtCode(corrected []byte, why, question string) error {
	share, err := decodeCode(corrected)
	if err != nil {
		return err
	}
	return &Doubt{Share: share, Where: "sheet code", Why: why, Question: question}
}

// typedCode is a code as it was typed, without what stands between groups.
type typedCode struct {
	typed    []rune
	symbols  []byte // where there is an erasure, what it looks like
	erasures []int  // characters that no code has
}

func readCode(text string) (c typedCode) {
	_, text = withoutNumbers(text)
	c.typed = []rune(typed.Bare(text))
	c.symbols, c.erasures = readSymbols(c.typed)
	for _, i := range c.erasures {
		c.symbols[i] = byte(max(0, symbolOf(lookalike(c.typed[i]))))
	}
	return c
}

// readSymbols reads characters; those that no code has are erasures.
func readSymbols(typed []rune) (symbols []byte, erasures []int) {
	symbols = make([]byte, len(typed))
	for i, r := range typed {
		if s := symbolOf(r); s >= 0 {
			symbols[i] = byte(s)
		} else {
			erasures = append(erasures, i)
		}
	}
	return symbols, erasures
}

// lookalike is the character of codes that one looks like which they have not.
func lookalike(r rune) rune {
	switch r {
	case 'o', 'O':
		return '0'
	case 'i', 'I', '1', '!':
		return 'l'
	case 'b', 'B':
		return '8'
	}
	return r
}

// right says whether it is a code as it is, O read as 0 and the like.
func (c typedCode) right() bool {
	return len(c.symbols) == codeLength && bch32.Verify(codePrefix, c.symbols)
}

func codeError(n int) error {
	if n != codeLength {
		return fmt.Errorf("sheet code: %d characters, %d expected in 12 groups of %d; compare each group with the sheet", n, codeLength, codeGroup)
	}
	return errors.New("sheet code: its checksum is wrong, and too many characters are wrong to tell which; compare each group with the sheet")
}

// correctCode gives the code word that the typed one is meant to be; nil if
// that cannot be told.
func correctCode(symbols []byte, erasures []int) []byte {
	missing := codeLength - len(symbols)
	if missing == 0 {
		corrected, _, err := bch32.Correct(codePrefix, symbols, erasures)
		if err != nil {
			return nil
		}
		return corrected
	}
	if missing < -codeGroup || missing > codeGroup {
		return nil
	}
	return fitCode(symbols, erasures, missing)
}

// fitCode tries where characters may have been left out, or typed twice. Only
// an answer that no other place contradicts counts, and few further mistakes
// are allowed beside it.
func fitCode(symbols []byte, erasures []int, missing int) (found []byte) {
	for at := 0; at <= len(symbols)-max(0, -missing); at++ {
		word, unknown := shift(symbols, erasures, at, missing)
		corrected, _, err := bch32.CorrectWithin(codePrefix, word, unknown, 1)
		if err != nil {
			continue
		}
		if found != nil && !slices.Equal(found, corrected) {
			return nil
		}
		found = corrected
	}
	return found
}

// shift opens a gap of unknown symbols before a place, or takes symbols out
// there.
func shift(symbols []byte, erasures []int, at, missing int) (word []byte, unknown []int) {
	for _, e := range erasures {
		if e >= at+max(0, -missing) {
			unknown = append(unknown, e+missing)
		} else if e < at {
			unknown = append(unknown, e)
		}
	}
	if missing < 0 {
		return slices.Delete(slices.Clone(symbols), at, at-missing), unknown
	}
	for i := range missing {
		unknown = append(unknown, at+i)
	}
	slices.Sort(unknown)
	return slices.Insert(slices.Clone(symbols), at, make([]byte, missing)...), unknown
}

// codeQuestion says how a code should be read. It is for the custodian alone:
// it shows characters of the code.
func codeQuestion(typed []rune, corrected []byte) string {
	right := letters(corrected)
	if len(typed) != len(right) {
		return fmt.Sprintf("%d characters were typed, %d expected; should the code be %s?", len(typed), len(right), group(right))
	}
	var places []string
	for i, r := range typed {
		if symbolOf(r) != int(corrected[i]) {
			places = append(places, fmt.Sprintf("character %d of group %d should be %c", i%codeGroup+1, i/codeGroup+1, right[i]))
		}
	}
	return strings.Join(places, ", ") + "?"
}

// decodeCode reads the data of a code whose checksum is right.
func decodeCode(symbols []byte) (CustodianShare, error) {
	bits := new(big.Int)
	for _, s := range symbols[:codeData] {
		bits.Lsh(bits, symbolBits).Or(bits, big.NewInt(int64(s)))
	}
	pop := func(size uint) *big.Int {
		mask := new(big.Int).Lsh(big.NewInt(1), size)
		v := new(big.Int).And(bits, mask.Sub(mask, big.NewInt(1)))
		bits.Rsh(bits, size)
		return v
	}
	body, form := pop(bodyBits), pop(2).Int64()
	number, total, threshold := pop(8).Int64(), int(pop(8).Int64()), int(pop(8).Int64())
	share := CustodianShare{Set: letters(symbols[:setIDSymbols]), ID: strconv.FormatInt(number, 10), Threshold: threshold, Total: total}
	share.Prime = Prime128()
	if form == form64 {
		share.Prime = new(big.Int).Rsh(body, uint(Strength64))
		body.Sub(body, new(big.Int).Lsh(share.Prime, uint(Strength64)))
	}
	share.Value = body.Bytes()
	scheme := Scheme{Threshold: threshold, Total: total, Strength: Strength128}
	if form > form64 || scheme.Check() != nil || number < 1 || int(number) > total ||
		body.Cmp(share.Prime) >= 0 || !isPrime(share.Prime) {
		return CustodianShare{}, errors.New("sheet code: its checksum is right, but its form is not known here; was it made by a later version?")
	}
	return share, nil
}
