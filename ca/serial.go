package ca

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"unicode"
)

// Serial is a serial number; the zero value is none. As text it is hexadecimal.
type Serial struct{ number *big.Int }

// SerialOf gives a certificate's serial number.
func SerialOf(cert *x509.Certificate) Serial { return Serial{cert.SerialNumber} }

// NewSerial draws a serial number: 20 octets, the most that RFC 5280 section
// 4.1.2.2 allows, of which 158 bits are random. BR section 7.1 demands 64. The
// first bit is zero, as the number is positive; the second is one, so that all
// numbers are of one length.
func NewSerial(rand io.Reader) (Serial, error) {
	octets := make([]byte, 20)
	if _, err := io.ReadFull(rand, octets); err != nil {
		return Serial{}, fmt.Errorf("serial number: random bytes: %w", err)
	}
	octets[0] = octets[0]&0x3f | 0x40
	return Serial{new(big.Int).SetBytes(octets)}, nil
}

// IsZero says whether there is none.
func (s Serial) IsZero() bool { return s.number == nil }

// Int gives the number, nil for none.
func (s Serial) Int() *big.Int {
	if s.number == nil {
		return nil
	}
	return new(big.Int).Set(s.number)
}

// String gives the number in hexadecimal, "" for none.
func (s Serial) String() string {
	if s.number == nil {
		return ""
	}
	return s.number.Text(16)
}

// MarshalText implements encoding.TextMarshaler.
func (s Serial) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Serial) UnmarshalText(text []byte) error {
	number, ok := new(big.Int).SetString(string(text), 16)
	if !ok || text[0] == '-' || text[0] == '+' {
		return fmt.Errorf("serial number %q; hexadecimal digits were expected", text)
	}
	*s = Serial{number}
	return nil
}

// maxWritten is how many characters a number may be written with: those of 20 octets
// as OpenSSL's text has them, in decimal and in hexadecimal, and some to spare.
const maxWritten = 160

// ParseNumber reads a serial number, or a CRL number, as people and programs write
// it: 10:03, 10 03, 0x1003, serial=1003 and 1003 in hexadecimal, decimal:4099, and
// 4099 (0x1003). Digits alone may be either; then the hexadecimal number comes
// first, and the decimal one second.
func ParseNumber(text string) ([]*big.Int, error) {
	if len(text) > maxWritten {
		return nil, fmt.Errorf("a number of %d characters; %d at most were expected", len(text), maxWritten)
	}
	digits := strings.Join(strings.Fields(strings.ToLower(text)), "")
	digits = strings.TrimPrefix(digits, "serial=")
	if decimal, marked := strings.CutPrefix(digits, "decimal:"); marked {
		return oneNumber(text, number(decimal, 10))
	}
	if decimal, hexadecimal, both := strings.Cut(strings.TrimSuffix(digits, ")"), "(0x"); both {
		n := number(decimal, 10)
		if n != nil && n.Cmp(cmp.Or(number(hexadecimal, 16), new(big.Int))) != 0 {
			return nil, fmt.Errorf("number %q: the two are not the same", text)
		}
		return oneNumber(text, n)
	}
	bare := strings.ReplaceAll(strings.TrimPrefix(digits, "0x"), ":", "")
	hexadecimal, decimal := number(bare, 16), number(digits, 10)
	if decimal == nil || digits[0] == '0' || hexadecimal.Cmp(decimal) == 0 || strings.ContainsFunc(strings.TrimSpace(text), unicode.IsSpace) {
		return oneNumber(text, hexadecimal)
	}
	return []*big.Int{hexadecimal, decimal}, nil
}

// number reads digits, and nothing else; nil if there is anything else.
func number(digits string, base int) *big.Int {
	if strings.Trim(digits, "0123456789abcdef") != "" {
		return nil
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil
	}
	return n
}

func oneNumber(text string, n *big.Int) ([]*big.Int, error) {
	if n == nil {
		return nil, fmt.Errorf("number %q; one such as 1003, 0x1003 or 10:03 was expected, or decimal:4099", text)
	}
	return []*big.Int{n}, nil
}

// check wants a number that can have the randomness that BR section 7.1
// demands, and that is not longer than RFC 5280 section 4.1.2.2 allows.
func (s Serial) check() error {
	switch {
	case s.IsZero():
		return nil
	case s.number.Sign() <= 0:
		return errors.New("serial: it is not positive; leave it out, and one is drawn at random")
	case s.number.BitLen() < 64:
		return fmt.Errorf("serial: %d bits; at least 64 were expected, from a random generator (BR section 7.1); leave it out, and one is drawn", s.number.BitLen())
	case s.number.BitLen() > 159:
		return fmt.Errorf("serial: %d bits; at most 20 octets, which are 159 bits, were expected (RFC 5280 section 4.1.2.2)", s.number.BitLen())
	}
	return nil
}
