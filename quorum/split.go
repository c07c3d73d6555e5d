package quorum

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"conclave/internal/secret"
	"conclave/shamir"
)

// The password that sc-hsm-tool shares out is 8 bytes, below a prime of 64 bits.
const (
	passwordSize = 8
	primeBits    = 64
)

// Sheet is what one custodian writes down, each line as sc-hsm-tool prints it.
// Formatting a whole sheet does not show it; its fields do.
type Sheet struct {
	Prime string // colon-separated lower-case hexadecimal; the same on all sheets
	ID    string // decimal
	Value string // secret; as Prime, without leading zero bytes
}

// Format implements fmt.Formatter for every verb.
func (s Sheet) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "sheet %s [redacted]", s.ID) }

// Split draws a password for a share file and shares it out to total
// custodians, any threshold of whom can give it back with ParseShare and Open,
// or with sc-hsm-tool. The password is 8 bytes: 63 random bits of which the
// first seven are not all 0, since sc-hsm-tool cannot open a file whose
// password begins with a zero byte. All randomness is read from rand, a few
// bytes at a time. Total is 3 to 255, threshold 2 to total.
func Split(rand io.Reader, threshold, total int) (password secret.Bytes, sheets []Sheet, err error) {
	switch {
	case total < 3:
		return nil, nil, errors.New("total must be 3 or larger")
	case total > maxShares:
		return nil, nil, fmt.Errorf("total must be %d or smaller", maxShares)
	case threshold < 2:
		return nil, nil, errors.New("threshold must be 2 or larger")
	case threshold > total:
		return nil, nil, errors.New("threshold must be smaller than total, or equal")
	}
	prime, err := shamir.SafePrime(rand, primeBits)
	if err != nil {
		return nil, nil, err
	}
	if password, err = drawPassword(rand); err != nil {
		return nil, nil, err
	}
	number := new(big.Int).SetBytes(password)
	shares, err := shamir.Split(rand, number, prime, threshold, total)
	if err != nil {
		return nil, nil, err
	}
	if err := verify(shares, number, prime, threshold); err != nil {
		return nil, nil, err
	}
	for _, s := range shares {
		sheets = append(sheets, Sheet{Prime: colons(prime), ID: s.X.String(), Value: colons(s.Y)})
	}
	return password, sheets, nil
}

// drawPassword draws until the password is below 2^63 and has no leading zero
// byte.
func drawPassword(rand io.Reader) (secret.Bytes, error) {
	password := make(secret.Bytes, passwordSize)
	for range 20 {
		if _, err := io.ReadFull(rand, password); err != nil {
			return nil, fmt.Errorf("drawing a password: %w", err)
		}
		password[0] &= 0x7F
		if password[0] != 0 {
			return password, nil
		}
	}
	return nil, errors.New("the random generator gives zeros only; it must not be used")
}

// verify makes sure that every subset of threshold shares gives the secret. It
// is enough to try one share less than the threshold with each of the others:
// those shares and the secret fix the polynomial, on which every other share
// is then shown to lie.
func verify(shares []shamir.Share, number, prime *big.Int, threshold int) error {
	common := shares[:threshold-1]
	for _, other := range shares[threshold-1:] {
		got, err := shamir.Combine(append(slices.Clone(common), other), prime)
		if err != nil {
			return err
		}
		if got.Cmp(number) != 0 {
			return fmt.Errorf("share %v does not give the password back; this must not happen, is the machine faulty?", other.X)
		}
	}
	return nil
}

// colons formats a number as pairs of hexadecimal digits.
func colons(n *big.Int) string {
	b := n.Bytes()
	if len(b) == 0 {
		b = []byte{0}
	}
	pairs := make([]string, len(b))
	for i, v := range b {
		pairs[i] = strconv.FormatUint(uint64(v)|0x100, 16)[1:]
	}
	return strings.Join(pairs, ":")
}
