package transfer

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// fromUTF16 undoes what Notepad and PowerShell do: text, or bytes that were taken
// for it, behind a byte order mark.
func fromUTF16(content []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case len(content)%2 != 0:
		return nil, errOther
	case bytes.HasPrefix(content, []byte{0xFF, 0xFE}):
		order = binary.LittleEndian
	case bytes.HasPrefix(content, []byte{0xFE, 0xFF}):
		order = binary.BigEndian
	default:
		return nil, errOther
	}
	var units []uint16
	for rest := content[2:]; len(rest) > 0; rest = rest[2:] {
		units = append(units, order.Uint16(rest))
	}
	return bytesOf(utf16.Decode(units))
}

// fromUTF8 undoes that bytes were taken for text and written as UTF-8, or that a
// byte order mark was put before them.
func fromUTF8(content []byte) ([]byte, error) {
	rest, marked := bytes.CutPrefix(content, []byte("\uFEFF"))
	if utf8.Valid(rest) {
		before, err := bytesOf([]rune(string(rest)))
		if err != nil || marked || len(before) != len(rest) {
			return before, err
		}
	} else if marked {
		return rest, nil
	}
	return nil, errOther
}

// bytesOf gives the bytes that programs show as these characters: in Latin-1, or in
// the code page of Windows (1252), which has other characters for 80 to 9F.
func bytesOf(text []rune) ([]byte, error) {
	b := make([]byte, len(text))
	for i, r := range text {
		windows, is := charmap.Windows1252.EncodeRune(r)
		switch {
		case r < 0x100:
			b[i] = byte(r)
		case is:
			b[i] = windows
		default:
			return nil, errOther
		}
	}
	return b, nil
}
