package transfer

import (
	"bytes"
	"regexp"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// armour is a line of PEM that must stand alone.
var armour = regexp.MustCompile("-----(BEGIN|END) [^-\r\n]*-----")

// PlainLines gives the lines of a text without what mail programs and editors put
// around them: marks of the encoding, signs of a quotation, spaces (web pages have some
// that do not break), empty lines. PEM that was pasted as one line, or is in JSON, gets
// its lines back.
func PlainLines(content []byte) []byte {
	plain := encoding.Nop.NewDecoder()
	if len(content) > 1 && content[0] != 0 && content[1] == 0 { // as Exchange's PowerShell writes it, without a mark
		plain = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder()
	}
	text, _, err := transform.Bytes(unicode.BOMOverride(plain), content)
	if err != nil {
		text = content
	}
	text = armour.ReplaceAll(bytes.ReplaceAll(text, []byte(`\n`), []byte("\n")), []byte("\n$0\n"))
	var lines [][]byte
	for _, line := range bytes.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if line = bytes.Trim(line, "> \t\u00a0"); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return bytes.Join(lines, []byte("\n"))
}
