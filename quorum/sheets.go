package quorum

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Typed is what was typed from one sheet, unread: the code, or the three lines.
// A ? stands for a character that cannot be read.
type Typed struct {
	Code             string // secret
	Prime, ID, Value string // Value is secret
}

// Format implements fmt.Formatter for every verb.
func (t Typed) Format(f fmt.State, _ rune) { io.WriteString(f, "sheet [redacted]") }

// Read reads the sheet strictly, as ParseCode and ParseShare do.
func (t Typed) Read() (CustodianShare, error) {
	if t.Code != "" {
		return ParseCode(t.Code)
	}
	return ParseShare(t.Prime, t.ID, t.Value)
}

// Typed returns the three lines of a share.
func (s CustodianShare) Typed() Typed {
	sheet := s.Sheet()
	return Typed{Prime: sheet.Prime, ID: sheet.ID, Value: sheet.Value}
}

// ReadSheets reads sheets in text, any number of them, in any order. A line is
// the code of a sheet, or one of the lines that sc-hsm-tool prints:
//
//	Prime       : 01:00:…:33
//	Share ID    : 3
//	Share value : 45:…
//
// or the same in short:
//
//	prime 01:00:…:33
//	share 3 45:…
//
// A prime is that of all sheets after it. Empty lines and lines that begin with
// # are skipped; errors name the line and show none of it.
func ReadSheets(r io.Reader) ([]Typed, error) {
	var reader sheetReader
	text := &io.LimitedReader{R: r, N: MaxSheets + 1}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		reader.number++
		if err := reader.line(strings.TrimSpace(lines.Text())); err != nil {
			return nil, fmt.Errorf("line %d: %w", reader.number, err)
		}
		if len(reader.sheets) > maxSheets {
			return nil, fmt.Errorf("line %d: more than %d sheets; a set has %d at most", reader.number, maxSheets, maxShares)
		}
	}
	switch {
	case lines.Err() != nil:
		return nil, fmt.Errorf("line %d: %w", reader.number+1, lines.Err())
	case text.N == 0:
		return nil, fmt.Errorf("it goes on after %d bytes; no more were expected", MaxSheets)
	case reader.id != "":
		return nil, fmt.Errorf("line %d: a share value was expected after the last share ID", reader.number)
	case len(reader.sheets) == 0:
		return nil, errors.New("no sheet found; codes, or lines with prime and shares were expected")
	}
	return reader.sheets, nil
}

// MaxSheets is how many bytes of text are read: 255 sheets with all that is printed
// on them take a tenth of that.
const MaxSheets = 1 << 20

// maxSheets is how many sheets are read: each of the longest set four times, in
// whichever form. To judge one may take a second.
const maxSheets = 4 * maxShares

type sheetReader struct {
	number    int
	prime, id string
	sheets    []Typed
}

func (r *sheetReader) line(text string) error {
	lower := strings.ToLower(text)
	words := strings.Fields(text)
	switch {
	case text == "" || text[0] == '#':
		return nil
	case hasLabel(lower, "prime"):
		r.prime = content(text, "prime")
		return nil
	case hasLabel(lower, "share id"):
		r.id = content(text, "share id")
		return nil
	case hasLabel(lower, "share value"):
		return r.value(content(text, "share value"))
	case words[0] == "share" && len(words) >= 3:
		r.id = words[1]
		return r.value(strings.Join(words[2:], " "))
	case hasLabel(lower, "code"):
		r.sheets = append(r.sheets, Typed{Code: content(text, "code")})
		return nil
	case IsCode(text):
		r.sheets = append(r.sheets, Typed{Code: text})
		return nil
	}
	return errors.New("neither the code of a sheet nor a line with its prime, share ID or share value")
}

func (r *sheetReader) value(text string) error {
	switch {
	case r.prime == "":
		return errors.New("a share value before any prime; put the line with the prime first")
	case r.id == "":
		return errors.New("a share value without a share ID before it")
	}
	r.sheets = append(r.sheets, Typed{Prime: r.prime, ID: r.id, Value: text})
	r.id = ""
	return nil
}

// hasLabel says whether a line begins with the label and a colon or a space.
func hasLabel(lower, label string) bool {
	rest, found := strings.CutPrefix(lower, label)
	return found && (strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, "\t"))
}

// content is what follows the label.
func content(text, label string) string {
	rest := strings.TrimSpace(text[len(label):])
	return strings.TrimSpace(strings.TrimPrefix(rest, ":"))
}

// StripLabel drops the label that was typed or pasted with a line of a sheet.
func StripLabel(text string) string {
	text = strings.TrimSpace(text)
	for _, label := range []string{"prime", "share id", "share value", "code"} {
		if hasLabel(strings.ToLower(text), label) {
			return content(text, label)
		}
	}
	return text
}
