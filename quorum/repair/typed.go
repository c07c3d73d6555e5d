package repair

import (
	"fmt"
	"iter"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"conclave/internal/typed"
)

const (
	hexDigits = "0123456789abcdef"
	// maxDigits bounds a prime or share value, maxID a share ID as typed, and
	// maxSheets their number: sc-hsm-tool counts shares in a byte.
	maxDigits = 128
	maxID     = 3
	maxSheets = 255
	// limit is how many combinations of unreadable digits are tried, and how
	// many guesses a stage may have: already weeks of work.
	limit = 1 << 24
)

// lookalikes are the digits that a character which is not one looks like, the
// likeliest first.
var lookalikes = map[rune]string{
	'o': "0", 'q': "9", 'i': "1", 'l': "1", '|': "1", '!': "1", 'z': "2", 's': "58", '$': "58",
	'g': "96", 't': "7", 'h': "b", 'y': "4", 'u': "0", '@': "a", '&': "8",
}

// cell is the digits that one typed character may stand for, the likeliest
// first, and what is wrong with it, 0 if nothing is.
type cell struct {
	options string
	kind    Kind
}

// cells reads hexadecimal digits. What groups them is dropped; any other
// character stands for some digit.
func cells(text string) (row []cell) {
	text = strings.ToLower(typed.Clean(text))
	for _, r := range strings.TrimPrefix(text, "0x") {
		switch {
		case strings.ContainsRune(hexDigits, r):
			row = append(row, cell{options: string(r)})
		case lookalikes[r] != "":
			row = append(row, cell{lookalikes[r], NotADigit})
		case typed.Bare(string(r)) != "":
			row = append(row, cell{hexDigits, UnreadableDigit})
		}
	}
	return row
}

// first is the likeliest text of a row.
func first(row []cell) string {
	text := make([]byte, len(row))
	for i, c := range row {
		text[i] = c.options[0]
	}
	return string(text)
}

// isOpen says whether a row has more than one reading.
func isOpen(row []cell) bool {
	return slices.ContainsFunc(row, func(c cell) bool { return len(c.options) > 1 })
}

// isUnreadable says whether it has a digit that can be any.
func isUnreadable(row []cell) bool {
	return slices.ContainsFunc(row, func(c cell) bool { return c.kind == UnreadableDigit })
}

// texts yields all readings of a row; combinations says how many there are.
func texts(row []cell) iter.Seq[string] {
	return func(yield func(string) bool) {
		var sizes []int
		for _, c := range row {
			sizes = append(sizes, len(c.options))
		}
		for choice := range product(sizes) {
			text := make([]byte, len(row))
			for i, c := range row {
				text[i] = c.options[choice[i]]
			}
			if !yield(string(text)) {
				return
			}
		}
	}
}

func combinations(row []cell) int {
	n := 1
	for _, c := range row {
		n = times(n, len(c.options))
	}
	return n
}

// times multiplies up to limit+1, which stands for anything larger.
func times(a, b int) int {
	if b != 0 && a > limit/b {
		return limit + 1
	}
	return a * b
}

// product yields all ways to choose one of each number of options, the last
// choice changing fastest. The slice is reused.
func product(sizes []int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		choice := make([]int, len(sizes))
		for {
			if !yield(choice) {
				return
			}
			i := len(choice) - 1
			for ; i >= 0 && choice[i] == sizes[i]-1; i-- {
				choice[i] = 0
			}
			if i < 0 {
				return
			}
			choice[i]++
		}
	}
}

// entered is what was read of one draft.
type entered struct {
	index    int
	label    string // share ID as typed, if it can be one
	ids      []int  // what the ID may be, the likeliest first
	hex      int    // what it is in hexadecimal, if that is another number
	unsureID bool   // some of the ID could not be read
	prime    []cell
	value    []cell
	findings []Finding // exchanged lines
}

// readDraft reads a draft, and puts an ID that was typed in another line in its
// place: no other line is as short.
func readDraft(index int, d Draft) (entered, error) {
	t := entered{index: index}
	lines := [3]string{d.ID, d.Prime, d.Value}
	names := [3]string{"share ID", "prime", "share value"}
	for i := range lines {
		if len(cells(lines[0])) > maxID && len(cells(lines[i])) <= maxID && len(cells(lines[i])) > 0 {
			lines[0], lines[i] = lines[i], lines[0]
			t.findings = append(t.findings, Finding{Kind: ExchangedFields, Field: names[0] + " and " + names[i]})
			break
		}
	}
	t.readID(lines[0])
	t.prime, t.value = t.readRow(lines[1], names[1]), t.readRow(lines[2], names[2])
	for i, row := range [][]cell{t.prime, t.value} {
		if len(row) == 0 {
			return t, fmt.Errorf("sheet %s: the %s is empty; type ? for each digit that cannot be read", t.finding().name(), names[i+1])
		}
		if len(row) > maxDigits {
			return t, fmt.Errorf("sheet %s: the %s has %d digits, at most %d expected; was another line typed too?", t.finding().name(), names[i+1], len(row), maxDigits)
		}
	}
	return t, nil
}

// readRow reads a prime or value. If its characters make digits only once all
// are moved by one key, the hand was beside its place.
func (t *entered) readRow(line, name string) []cell {
	row := cells(line)
	if !isUnreadable(row) || strings.Contains(line, "?") { // the mark of one that cannot be read
		return row
	}
	for _, by := range []int{-1, 1} {
		moved, ok := typedBeside(line, by)
		if other := cells(moved); ok && len(other) > 0 && !slices.ContainsFunc(other, func(c cell) bool { return c.kind != 0 }) {
			t.findings = append(t.findings, Finding{Kind: ShiftedKeys, Field: name})
			return other
		}
	}
	return row
}

// readID reads a share ID, which is decimal as printed, or hexadecimal if it is
// nothing else. One that cannot be read may be any.
func (t *entered) readID(text string) {
	text = strings.ToLower(typed.Clean(text))
	if n := len([]rune(text)); n > 0 && n <= maxID && !strings.Contains(text, "?") {
		t.label = text
	}
	row := cells(text)
	if len(row) > 0 && len(row) <= maxID {
		for digits := range texts(row) {
			t.addID(digits, 10)
		}
		if len(t.ids) == 0 {
			t.addID(first(row), 16)
		}
	}
	if n, err := strconv.ParseUint(first(row), 16, 8); err == nil && n > 0 && len(t.ids) == 1 && int(n) != t.ids[0] {
		t.hex = int(n)
	}
	t.unsureID = len(t.ids) != 1
	if len(t.ids) == 0 {
		for id := range maxSheets {
			t.ids = append(t.ids, id+1)
		}
	}
}

func (t *entered) addID(digits string, base int) {
	if n, err := strconv.ParseUint(digits, base, 8); err == nil && n > 0 && !slices.Contains(t.ids, int(n)) {
		t.ids = append(t.ids, int(n))
	}
}

// finding starts a finding about this sheet.
func (t *entered) finding() Finding { return Finding{Sheet: t.index, ID: t.label} }

// complete completes a finding about this sheet.
func (t *entered) complete(f Finding) Finding {
	f.Sheet, f.ID = t.index, t.label
	return f
}

// rowFindings are about the characters of a row that are not digits.
func (t *entered) rowFindings(row []cell, field string) (findings []Finding) {
	for i, c := range row {
		if c.kind != 0 {
			findings = append(findings, t.complete(Finding{Kind: c.kind, Field: field, Position: i + 1}))
		}
	}
	return findings
}

// number reads hexadecimal digits.
func number(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 16)
	if !ok {
		return new(big.Int)
	}
	return n
}
