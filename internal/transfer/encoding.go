package transfer

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Text gives what people have written in an editor, as UTF-8 and without a mark: those
// of Windows put one before it, or save UTF-16. Other texts are copied as they are.
func Text(content []byte) ([]byte, error) {
	text, _, err := transform.Bytes(unicode.BOMOverride(encoding.Nop.NewDecoder()), content)
	return text, err
}

// fromUTF16 undoes what Notepad and PowerShell do: text, or bytes that were taken
// for it, behind a byte order mark or without one.
func fromUTF16(content []byte) [][]byte {
	order, text := orderOf(content)
	if order == nil || len(text)%2 != 0 {
		return nil
	}
	var units []uint16
	for ; len(text) > 0; text = text[2:] {
		units = append(units, order.Uint16(text))
	}
	return bytesOf(utf16.Decode(units))
}

// orderOf gives the order of the bytes in UTF-16, and what follows the mark; nil if it
// is none. What was changed begins with a byte below 80, whose other half is 0.
func orderOf(content []byte) (order binary.ByteOrder, text []byte) {
	switch {
	case len(content) < 2:
		return nil, nil
	case bytes.HasPrefix(content, []byte{0xFF, 0xFE}):
		return binary.LittleEndian, content[2:]
	case bytes.HasPrefix(content, []byte{0xFE, 0xFF}):
		return binary.BigEndian, content[2:]
	case content[1] == 0:
		return binary.LittleEndian, content
	case content[0] == 0:
		return binary.BigEndian, content
	}
	return nil, nil
}

// fromUTF8 undoes that bytes were taken for text and written as UTF-8, or that a
// byte order mark was put before them.
func fromUTF8(content []byte) [][]byte {
	rest, marked := bytes.CutPrefix(content, []byte("\uFEFF"))
	switch text := []rune(string(rest)); {
	case utf8.Valid(rest) && (marked || len(text) != len(rest)):
		return bytesOf(text)
	case marked:
		return [][]byte{rest}
	}
	return nil
}

// bytesOf gives the bytes that programs show as these characters, in each code page
// that has all of them. Bytes of keys have every value, so that few do.
func bytesOf(text []rune) (all [][]byte) {
	for _, encode := range codePages() {
		if b, ok := encodeAll(text, encode); ok {
			all = append(all, b)
		}
	}
	return all
}

// codePages are what bytes are taken for: Latin-1, and the code pages of Windows, of
// its terminals (which PowerShell's > reads with), and of Macs.
func codePages() []func(rune) (byte, bool) {
	return []func(rune) (byte, bool){
		charmap.ISO8859_1.EncodeRune, windows1252, charmap.CodePage437.EncodeRune, charmap.CodePage850.EncodeRune,
		charmap.Macintosh.EncodeRune,
	}
}

// windows1252 has control characters for the five bytes that its code page has not
// (MultiByteToWideChar).
func windows1252(r rune) (byte, bool) {
	if r < 0x100 && charmap.Windows1252.DecodeByte(byte(r)) == utf8.RuneError {
		return byte(r), true
	}
	return charmap.Windows1252.EncodeRune(r)
}

func encodeAll(text []rune, encode func(rune) (byte, bool)) ([]byte, bool) {
	b := make([]byte, len(text))
	for i, r := range text {
		var has bool
		if b[i], has = encode(r); !has {
			return nil, false
		}
	}
	return b, true
}
