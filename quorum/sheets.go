package quorum

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"conclave/internal/typed"
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
		if err := reader.line(typed.Clean(lines.Text())); err != nil {
			return nil, fmt.Errorf("line %d: %w", reader.number, err)
		}
		if len(reader.sheets) > maxSheets {
			return nil, fmt.Errorf("line %d: more than %d sheets; a set has %d at most", reader.number, maxSheets, maxShares)
		}
	}
	reader.endCode()
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
	code      Lines // that goes on
	sheets    []Typed
}

func (r *sheetReader) line(text string) error {
	label, content := SplitLabel(text)
	words := strings.Fields(text)
	if text == "" || text[0] == '#' {
		return nil
	}
	if label != "" {
		r.endCode()
	}
	switch {
	case label == "prime":
		r.prime = content
	case label == "share ID":
		r.id = content
	case label == "share value":
		return r.value(content)
	case label == "code" && content != "":
		return r.codeLine(content)
	case label != "", strings.HasSuffix(text, ":"): // what a sheet says beside
	case strings.EqualFold(words[0], "share") && len(words) >= 3:
		r.endCode()
		r.id = words[1]
		return r.value(strings.Join(words[2:], " "))
	default:
		return r.codeLine(text)
	}
	return nil
}

// codeLine takes a line of a code, or all of it.
func (r *sheetReader) codeLine(text string) error {
	if r.code.Begun() && count(text) >= codeLength-codeGroup {
		r.endCode()
	}
	if err := r.code.Add(text); err != nil {
		return err
	}
	if _, is := r.code.Code(false); !is {
		return errors.New("neither the code of a sheet nor a line with its prime, share ID or share value")
	}
	if r.code.Missing() == "" {
		r.endCode()
	}
	return nil
}

// endCode takes the code that has come, whole or not.
func (r *sheetReader) endCode() {
	if code, _ := r.code.Code(false); code != "" {
		r.sheets = append(r.sheets, Typed{Code: code})
	}
	r.code = Lines{}
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

// SplitLabel takes the label off that was typed or pasted with a line of a sheet. It
// is empty if there is none, else one of those that sheets have: "share ID".
func SplitLabel(text string) (label, content string) {
	text = typed.Clean(text)
	for _, name := range []string{"prime", "share ID", "share value", "code", "share file", "key check", "set", "custodian"} {
		n := len(name)
		if len(text) > n && strings.EqualFold(text[:n], name) && strings.ContainsRune(" :=", rune(text[n])) {
			return name, strings.TrimLeft(text[n:], " :=")
		}
	}
	return "", text
}
