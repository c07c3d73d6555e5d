package transfer_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"mime/quotedprintable"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"conclave/internal/testrun"
	"conclave/internal/transfer"
)

// damage is what may happen to a file.
type damage struct {
	name, want string
	do         func([]byte) []byte
}

const (
	crlfText  = "each line end 0A became 0D 0A"
	utf8Text  = "it was saved as UTF-8 text"
	utf16Text = "it was saved as UTF-16 text"
	endText   = "line ends or padding were added at its end"
)

func damages() []damage {
	return []damage{
		{"CRLF", crlfText, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }},
		{"Latin-1 to UTF-8", utf8Text, func(b []byte) []byte { return []byte(string(latin1(b))) }},
		{"UTF-16, little-endian", utf16Text, func(b []byte) []byte { return utf16Of(latin1(b), 0) }},
		{"UTF-16, big-endian", utf16Text, func(b []byte) []byte { return utf16Of(latin1(b), 1) }},
		{"line end", endText, func(b []byte) []byte { return append(b, '\n') }},
		{"XMODEM", endText, func(b []byte) []byte { return append(b, bytes.Repeat([]byte{0x1A}, 128-len(b)%128)...) }},
		{"hexadecimal", "", func(b []byte) []byte { return []byte(hex.EncodeToString(b)) }},
		{"hexadecimal with colons", "", func(b []byte) []byte {
			return []byte(strings.TrimSpace(strings.ReplaceAll(fmt.Sprintf("% X", b), " ", ":")))
		}},
		{"base64", "", func(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b)) }},
		{"spaces", endText, func(b []byte) []byte { return append(b, "  \n"...) }},
		{"UTF-16 without a mark", utf16Text, func(b []byte) []byte { return utf16Of(latin1(b), 0)[2:] }},
		{"quoted-printable", "it was written as quoted-printable", quotedPrintable},
		{"xxd", "", func(b []byte) []byte { return dump(b, "%08x: ", 2) }},
		{"hexdump -C", "", func(b []byte) []byte { return []byte(hex.Dump(b)) }},
		{"base64 of URLs", "", func(b []byte) []byte { return []byte(base64.RawURLEncoding.EncodeToString(b)) }},
		{"base64 in armour", "", func(b []byte) []byte { return armour(base64.StdEncoding.EncodeToString(b)) }},
	}
}

func quotedPrintable(b []byte) []byte {
	var text bytes.Buffer
	w := quotedprintable.NewWriter(&text)
	w.Binary = true
	if _, err := w.Write(b); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return text.Bytes()
}

// dump writes 16 bytes in a line, in groups of so many, and then as text.
func dump(b []byte, offset string, group int) (text []byte) {
	for at := 0; at < len(b); at += 16 {
		line, shown := "", ""
		for i, c := range b[at:min(at+16, len(b))] {
			line += hex.EncodeToString([]byte{c})
			if (i+1)%group == 0 {
				line += " "
			}
			if c < ' ' || c > '~' {
				c = '.'
			}
			shown += string(c)
		}
		text = fmt.Appendf(text, offset+"%-*s %s\n", at, 32+16/group, line, shown)
	}
	return text
}

func latin1(b []byte) (text []rune) {
	for _, c := range b {
		text = append(text, rune(c))
	}
	return text
}

// windows1252 is how Windows shows bytes: those that its code page does not have
// become control characters (MultiByteToWideChar).
func windows1252(b []byte) (text []rune) {
	for _, c := range b {
		r := charmap.Windows1252.DecodeByte(c)
		if r == utf8.RuneError {
			r = rune(c)
		}
		text = append(text, r)
	}
	return text
}

func utf16Of(text []rune, high int) []byte {
	var b []byte
	for _, unit := range append([]uint16{0xFEFF}, utf16.Encode(text)...) {
		two := []byte{byte(unit), byte(unit >> 8)}
		b = append(b, two[high], two[1-high])
	}
	return b
}

func armour(text string) []byte {
	lines := "-----BEGIN KEY-----\n"
	for len(text) > 64 {
		lines, text = lines+text[:64]+"\n", text[64:]
	}
	return []byte(lines + text + "\n-----END KEY-----\n")
}

var errNot = errors.New("not the file")

// is checks that a content is the original.
func is(original []byte) func([]byte) error {
	return func(content []byte) error {
		if !bytes.Equal(content, original) {
			return errNot
		}
		return nil
	}
}

// drawn is a content with line ends in it, and what looks like padding.
func drawn(t *testing.T) []byte {
	random, content := testrun.Random(t), make([]byte, 64)
	for i := range content {
		content[i] = byte(random.IntN(256))
	}
	copy(content, "Salted__")
	content[20], content[40], content[63] = '\n', '\n', 0x1A // which XMODEM fills up with
	return content
}

// TestUndo undoes each change, and each after each other one.
func TestUndo(t *testing.T) {
	original := drawn(t)
	if got, what, err := transfer.Undo(original, is(original)); err != nil || what != "" || !bytes.Equal(got, original) {
		t.Errorf("unchanged: %X, %q, %v", got, what, err)
	}
	for _, first := range damages() {
		got, what, err := transfer.Undo(first.do(bytes.Clone(original)), is(original))
		if err != nil || what != first.want || !bytes.Equal(got, original) {
			t.Errorf("%s: %X, %q, %v", first.name, got, what, err)
		}
		for _, second := range damages() {
			got, _, err := transfer.Undo(second.do(first.do(bytes.Clone(original))), is(original))
			if err != nil || !bytes.Equal(got, original) {
				t.Errorf("%s, then %s: %X, %v", first.name, second.name, got, err)
			}
		}
	}
}

// TestUndoSeveral undoes what a Windows machine does in the usual order, and says so.
func TestUndoSeveral(t *testing.T) {
	original := drawn(t)
	copy(original[8:], "\x80\x9F\xFF\x0D\x0A") // as characters of Windows; and a line end that was there before
	for name, content := range map[string][]byte{
		utf8Text: []byte(string(windows1252(original))),
		"each line end 0A that had no 0D before it became 0D 0A": mixed(original),
		utf8Text + ", and " + crlfText:                           []byte(string(latin1(bytes.ReplaceAll(original, []byte("\n"), []byte("\r\n"))))),
		endText + ", and " + utf16Text:                           append(utf16Of(latin1(original), 0), "\r\n"...),
		utf16Text:                                                utf16Of([]rune(strings.ReplaceAll(string(armour(hex.EncodeToString(original))), "\n", "\r\n")), 0),
		utf8Text + ", and " + crlfText + ", and " + endText:      append([]byte("\uFEFF"), string(latin1(bytes.ReplaceAll(append(bytes.Clone(original), '\n'), []byte("\n"), []byte("\r\n"))))...),
	} {
		got, what, err := transfer.Undo(content, is(original))
		if err != nil || what != name || !bytes.Equal(got, original) {
			t.Errorf("%X, %q, %v; %q was expected", got, what, err, name)
		}
	}
}

// TestUndoAsSent takes a content out of what people and programs have put around it.
func TestUndoAsSent(t *testing.T) {
	original := drawn(t)
	text := string(armour(base64.StdEncoding.EncodeToString(original)))
	for name, test := range map[string]struct{ content, want string }{
		"quoted":             {strings.ReplaceAll("\n"+text, "\n", "\n> "), ""},
		"in a mail":          {"Hi Bob,\r\n\r\nhere is the key:\r\n\r\n" + strings.ReplaceAll(text, "\n", "\r\n") + "\r\nRegards", "text was put around it"},
		"pasted":             {"\n\n " + string(original), "white space was put before it"},
		"five line ends":     {string(original) + "\n\n\n\n\n", endText + ", and " + endText},
		"in a source":        {"0x" + strings.ReplaceAll(fmt.Sprintf("% x", original), " ", ", 0x"), ""},
		"od -A x -t x1z":     {strings.ReplaceAll(string(dump(original, "%06x ", 1)), "  ", "  >"), ""},
		"certutil":           {string(dump(original, "%04x  ", 1)), ""},
		"PowerShell's >":     {string(utf16Of(codePage437(append(original, "\r\n"...)), 0)), utf16Text + ", and " + endText},
		"a code page of DOS": {string(codePage437(original)), utf8Text},
	} {
		got, what, err := transfer.Undo([]byte(test.content), is(original))
		if err != nil || what != test.want || !bytes.Equal(got, original) {
			t.Errorf("%s: %X, %q, %v; %q was expected", name, got, what, err, test.want)
		}
	}
}

// codePage437 is how a terminal of Windows shows bytes.
func codePage437(b []byte) (text []rune) {
	for _, c := range b {
		text = append(text, charmap.CodePage437.DecodeByte(c))
	}
	return text
}

// mixed is what git makes of line ends.
func mixed(content []byte) []byte {
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(content, []byte("\n"), []byte("\r\n"))
}

// TestUndoRefuses does not choose between readings, and says what was lost.
func TestUndoRefuses(t *testing.T) {
	sized := func(n int) func([]byte) error {
		return func(content []byte) error {
			if len(content) != n {
				return errNot
			}
			return nil
		}
	}
	text := base64.StdEncoding.EncodeToString(drawn(t))
	for _, test := range []struct {
		name, content, want string
		check               func([]byte) error
	}{
		{"two readings", "ends with a line end\r\n", "can have been 2 different files (" + crlfText + "; or " + endText + "); take another copy", sized(21)},
		{"two pairs, one of them older", "a\r\nb\r\nc", "can have been 2 different files", sized(6)},
		{"replacement characters", "Salted__\uFFFD\uFFFD\uFFFD", "not the file; it was saved as text, and 3 bytes that are no characters were lost: take another copy", sized(64)},
		{"another file", "what someone has written about it", "not the file", sized(64)},
		{"nothing", "", "not the file", sized(64)},
		{"base64 that is cut off", text[:44], "read as base64: not the file", sized(64)},
		{"base64 with another letter", text[:20] + "?" + text[21:], "read as base64: wrong or missing character near number 21 of 86; compare it with the original", sized(64)},
		{"hexadecimal with a digit left out", strings.Repeat("5", 127), "read as hexadecimal: 127 digits, an even number was expected", sized(64)},
		{"hexadecimal with another letter", strings.Repeat("5", 63) + "O" + strings.Repeat("5", 64), "read as hexadecimal: wrong or missing character near number 64 of 128", sized(64)},
	} {
		got, what, err := transfer.Undo([]byte(test.content), test.check)
		if err == nil || !strings.Contains(err.Error(), test.want) || got != nil {
			t.Errorf("%s: %q, %q, %v; an error with %q was expected", test.name, got, what, err, test.want)
		}
	}
}

// FuzzUndo undoes what it has done, and gives nothing that the check has not passed.
func FuzzUndo(f *testing.F) {
	f.Fuzz(func(t *testing.T, content []byte, first, second byte) {
		original := append([]byte("Salted__: no text"), bytes.TrimRight(content, "\x00\x1A")...) // more than two of them could be padding
		all := damages()
		changed := all[int(first)%len(all)].do(bytes.Clone(original))
		if second > 0 {
			changed = all[int(second)%len(all)].do(changed)
		}
		if got, _, err := transfer.Undo(changed, is(original)); err != nil || !bytes.Equal(got, original) {
			t.Errorf("%q became %q, and %q again: %v", original, changed, got, err)
		}
		if got, _, err := transfer.Undo(content, func([]byte) error { return errNot }); err == nil {
			t.Errorf("%q was made of %q, which no check has passed", got, content)
		}
	})
}
