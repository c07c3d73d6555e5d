package keyfile

import (
	"errors"
	"unicode/utf16"
	"unicode/utf8"

	"conclave/internal/secret"
)

// spelling is a password as two kinds of protection want it: as it was typed, and in
// UTF-16 with a zero at its end (RFC 7292, appendix B.1).
type spelling struct{ text, utf16 secret.Bytes }

// eachSpelling tries the ways in which software has turned a password into UTF-16,
// until one of them opens what it is for.
func eachSpelling(password secret.Bytes, open func(spelling) error) (err error) {
	for _, units := range spellings(password) {
		p := spelling{password, bigEndian(units)}
		err = open(p)
		p.utf16.Wipe()
		if !errors.Is(err, ErrPassword) {
			break
		}
	}
	return err
}

// spellings are the units of UTF-16 that a password may stand for.
func spellings(password secret.Bytes) [][]uint16 {
	// OpenSSL before 1.1.0 took each byte for a character, and so does it still with
	// what is no UTF-8.
	bytewise := []uint16{}
	ascii := true
	for _, b := range password {
		bytewise = append(bytewise, uint16(b))
		ascii = ascii && b < utf8.RuneSelf
	}
	bytewise = append(bytewise, 0)
	switch {
	case len(password) == 0: // some software leaves out the zero, too
		return [][]uint16{bytewise, nil}
	case ascii || !utf8.Valid(password):
		return [][]uint16{bytewise}
	}
	return [][]uint16{append(utf16.Encode([]rune(string(password))), 0), bytewise}
}

// bigEndian puts the high byte of each unit first.
func bigEndian(units []uint16) secret.Bytes {
	b := make(secret.Bytes, 0, 2*len(units))
	for _, u := range units {
		b = append(b, byte(u>>8), byte(u))
	}
	return b
}
