package ca

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
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
