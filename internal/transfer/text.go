package transfer

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"regexp"
	"slices"
	"strings"
)

// shortest is the number of characters below which nothing is taken for hexadecimal
// or base64: words are made of the same letters.
const shortest = 20

// errOther is the error of a change that has not happened.
var errOther = errors.New("not so changed")

// form is a way to write bytes as text.
type form struct {
	name   string
	isIn   func(letter byte) bool
	words  bool   // have the same letters
	ignore string // between the letters, beside white space
	decode func(letters []byte) ([]byte, error)
}

func hexadecimal() form {
	return form{name: "hexadecimal", isIn: isHex, ignore: ":-,", decode: hexBytes}
}

func base64Text() form {
	return form{name: "base64", isIn: isBase64, words: true, ignore: "=", decode: base64Bytes}
}

// sourcePrefixes stand before bytes, or all of them, in the source of programs.
var sourcePrefixes = strings.NewReplacer("0x", "", `\x`, "")

func decodeHex(text []byte) ([]byte, error) {
	return hexadecimal().read([]byte(sourcePrefixes.Replace(string(text))))
}

func decodeBase64(text []byte) ([]byte, error) { return base64Text().read(text) }

func (f form) read(text []byte) ([]byte, error) {
	letters := f.letters(text)
	if len(letters) < shortest {
		return nil, errOther
	}
	return f.decode(letters)
}

// isMeant says whether someone has meant this form: one character in 20 at most is
// none of its own. Base64 has two capitals in five, and words hardly any.
func (f form) isMeant(letters []byte) bool {
	foreign, capitals := 0, 0
	for _, letter := range letters {
		if !f.isIn(letter) {
			foreign++
		}
		if 'A' <= letter && letter <= 'Z' {
			capitals++
		}
	}
	return foreign*20 <= len(letters) && (!f.words || capitals*5 >= len(letters))
}

// letters leaves out what may stand between them: white space, the signs of a
// quotation, and the lines that begin and end an armour.
func (f form) letters(text []byte) (letters []byte) {
	for line := range bytes.Lines(text) {
		line = bytes.TrimLeft(line, "> ")
		if bytes.HasPrefix(line, []byte("-----")) {
			continue
		}
		for _, field := range bytes.Fields(line) {
			for _, letter := range field {
				if bytes.IndexByte([]byte(f.ignore), letter) < 0 {
					letters = append(letters, letter)
				}
			}
		}
	}
	return letters
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isBase64(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '+' || c == '/' || c == '-' || c == '_'
}

func hexBytes(letters []byte) ([]byte, error) {
	for i, letter := range letters {
		if !isHex(letter) {
			return nil, mistake(i, letters)
		}
	}
	if len(letters)%2 != 0 {
		return nil, fmt.Errorf("%d digits, an even number was expected; compare it with the original", len(letters))
	}
	return hex.AppendDecode(nil, letters)
}

// base64Bytes reads also the letters of URLs (RFC 4648, section 5).
func base64Bytes(letters []byte) ([]byte, error) {
	letters = bytes.ReplaceAll(bytes.ReplaceAll(letters, []byte("-"), []byte("+")), []byte("_"), []byte("/"))
	raw, err := base64.RawStdEncoding.Strict().AppendDecode(nil, letters)
	var position base64.CorruptInputError
	if errors.As(err, &position) {
		return nil, mistake(int(position), letters)
	}
	return raw, err
}

func mistake(at int, letters []byte) error {
	return fmt.Errorf("wrong or missing character near number %d of %d; compare it with the original", at+1, len(letters))
}

// explainText says what is wrong with a text that is meant to be bytes.
func explainText(text []byte, check func([]byte) error) error {
	for _, f := range []form{hexadecimal(), base64Text()} {
		letters := f.letters(text)
		if len(letters) < shortest || !f.isMeant(letters) {
			continue
		}
		raw, err := f.decode(letters)
		if err == nil {
			err = check(raw)
		}
		return fmt.Errorf("read as %s: %w", f.name, err)
	}
	return nil
}

// dumpLine is an offset, up to 16 bytes, and, behind a gap or a line, the same as text:
// with a colon as xxd writes it, without as hexdump -C, od -t x1, certutil -encodehex and
// Format-Hex do.
var dumpLine = regexp.MustCompile(`(?m)^[> \t]*[0-9A-Fa-f]{4,16}(?::[ \t]*((?:(?:[0-9A-Fa-f]{2})+ ?){1,16})|[ \t]+((?:[0-9A-Fa-f]{2}(?:[ \t]{1,2}|\r?$)){1,16}))`)

func decodeDump(text []byte) (b []byte, err error) {
	for _, line := range dumpLine.FindAllSubmatch(text, -1) {
		digits := bytes.Join(bytes.Fields(slices.Concat(line[1], line[2])), nil)
		if b, err = hex.AppendDecode(b, digits); err != nil {
			return nil, err
		}
	}
	if len(b) == 0 {
		return nil, errOther
	}
	return b, nil
}

func fromQuotedPrintable(text []byte) ([]byte, error) {
	if !bytes.Contains(text, []byte("=")) {
		return nil, errOther
	}
	return io.ReadAll(quotedprintable.NewReader(bytes.NewReader(text)))
}

// longestParagraph takes what was sent as text out of the mail that it came in.
func longestParagraph(text []byte) (longest []byte, err error) {
	paragraphs := strings.Split(strings.ReplaceAll(strings.TrimSpace(string(text)), "\r\n", "\n"), "\n\n")
	if len(paragraphs) == 1 {
		return nil, errOther
	}
	for _, p := range paragraphs {
		if len(p) > len(longest) {
			longest = []byte(p)
		}
	}
	return longest, nil
}
