package quorum

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"

	"conclave/internal/secret"
	"conclave/shamir"
)

// Strength says what the password of a set is drawn from, and the field its
// shares lie in.
type Strength int

// The strengths of sets. The number is the length of the password in bits.
const (
	// Strength64 is what sc-hsm-tool makes: 63 random bits, and a random safe
	// prime of 64 bits.
	Strength64 Strength = 64
	// Strength128 is 128 random bits and the prime 2^128+51, the smallest above
	// 2^128. Unmodified sc-hsm-tool 0.23 imports it.
	Strength128 Strength = 128
)

// Prime128 returns 2^128+51.
func Prime128() *big.Int {
	p := new(big.Int).Lsh(big.NewInt(1), 128)
	return p.Add(p, big.NewInt(51))
}

// Scheme says how a password is shared out: any Threshold of Total custodians
// give it back.
type Scheme struct {
	Threshold, Total int
	Strength         Strength
}

// Check returns an error for a scheme that is not possible.
func (s Scheme) Check() error {
	switch {
	case s.Total < 3:
		return errors.New("total must be 3 or larger")
	case s.Total > maxShares:
		return fmt.Errorf("total must be %d or smaller", maxShares)
	case s.Threshold < 2:
		return errors.New("threshold must be 2 or larger")
	case s.Threshold > s.Total:
		return errors.New("threshold must be smaller than total, or equal")
	case s.Strength != Strength64 && s.Strength != Strength128:
		return fmt.Errorf("strength of %d bits; %d or %d expected", s.Strength, Strength64, Strength128)
	}
	return nil
}

// String names the scheme as people do.
func (s Scheme) String() string { return fmt.Sprintf("%d-of-%d", s.Threshold, s.Total) }

// Set is the sheets that share out the password of one share file.
type Set struct {
	ID string // four characters, the same on all sheets; see newSetID
	Scheme
	Password secret.Bytes
	Shares   []CustodianShare // of custodians 1 to Total
}

// Draw draws a password for a share file and shares it out. The password has
// the length of the scheme's strength and no leading zero byte, since
// sc-hsm-tool cannot open a file whose password begins with one; that of 64
// bits has its top bit clear too, as sc-hsm-tool's. All randomness is read from
// rand, a few bytes at a time.
func Draw(rand io.Reader, scheme Scheme) (*Set, error) {
	if err := scheme.Check(); err != nil {
		return nil, err
	}
	password, err := drawPassword(rand, scheme.Strength)
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	return ShareOut(rand, password, scheme)
}

// ShareOut makes a set of sheets for a password that exists already, which is
// copied. Sheets made for it before stay valid: both sets open the share file.
// A password that sc-hsm-tool could not combine is refused.
func ShareOut(rand io.Reader, password secret.Bytes, scheme Scheme) (*Set, error) {
	if err := scheme.Check(); err != nil {
		return nil, err
	}
	if len(password) != int(scheme.Strength)/8 || password[0] == 0 {
		return nil, ErrNotShareable
	}
	number := new(big.Int).SetBytes(password)
	prime, err := drawPrime(rand, scheme.Strength, number)
	if err != nil {
		return nil, err
	}
	id, err := newSetID(rand)
	if err != nil {
		return nil, err
	}
	points, err := shamir.Split(rand, number, prime, scheme.Threshold, scheme.Total)
	if err != nil {
		return nil, err
	}
	set := &Set{ID: id, Scheme: scheme, Password: password.Clone()}
	for _, p := range points {
		set.Shares = append(set.Shares, CustodianShare{
			Prime: prime, ID: p.X.String(), Value: p.Y.Bytes(), Set: id, Threshold: scheme.Threshold, Total: scheme.Total,
		})
	}
	return set, nil
}

// ErrNotShareable is the error for a password that no set of sheets can stand
// for if sc-hsm-tool is to use it too.
var ErrNotShareable = errors.New("the password of this share file cannot be shared out: it is not 8 or 16 bytes without a zero at the beginning")

// StrengthOf is the strength of a set for a password of this length, 0 if
// there is none.
func StrengthOf(password secret.Bytes) Strength {
	switch s := Strength(8 * len(password)); s {
	case Strength64, Strength128:
		return s
	}
	return 0
}

// drawPrime draws a prime above the secret. Secrets of sc-hsm-tool are below
// 2^63, and so below every prime of 64 bits; that of a file made before OpenSC
// 0.16 may not be, and then another prime is drawn.
func drawPrime(rand io.Reader, strength Strength, number *big.Int) (*big.Int, error) {
	if strength == Strength128 {
		return Prime128(), nil
	}
	for range 1000 {
		prime, err := shamir.SafePrime(rand, int(Strength64))
		if err != nil || prime.Cmp(number) > 0 {
			return prime, err
		}
	}
	return nil, ErrNotShareable
}

// drawPassword draws until there is no leading zero byte.
func drawPassword(rand io.Reader, strength Strength) (secret.Bytes, error) {
	password := make(secret.Bytes, strength/8)
	for range 20 {
		if _, err := io.ReadFull(rand, password); err != nil {
			return nil, fmt.Errorf("drawing a password: %w", err)
		}
		if strength == Strength64 {
			password[0] &= 0x7F
		}
		if password[0] != 0 {
			return password, nil
		}
	}
	return nil, errors.New("the random generator gives only zeros; it must not be used")
}

// Prove combines every subset of Threshold shares if there are at most
// proofLimit, else that many random ones, and fails unless each gives the
// password. First it checks that all shares lie on one polynomial, from which
// the same follows for every subset there is. The shares are those that
// custodians have read back.
func (s *Set) Prove(rand io.Reader, shares []CustodianShare) (Proof, error) {
	var points []shamir.Share
	for _, share := range shares {
		points = append(points, share.point(10))
	}
	number := new(big.Int).SetBytes(s.Password)
	located, err := shamir.Locate(points, s.Shares[0].Prime, s.Threshold)
	if err == nil && (len(located.Wrong) > 0 || located.Secret.Cmp(number) != 0) {
		err = errors.New("the shares do not lie on one polynomial")
	}
	if err != nil {
		return Proof{}, fmt.Errorf("%w; this must not happen: is the machine faulty?", err)
	}
	n, all, err := shamir.Prove(rand, points, number, s.Shares[0].Prime, s.Threshold, proofLimit)
	if err != nil {
		return Proof{}, fmt.Errorf("%w; this must not happen: is the machine faulty?", err)
	}
	return Proof{Subsets: n, All: all}, nil
}

// proofLimit is how many subsets of custodians are combined.
const proofLimit = 10_000

// Proof says which subsets of the custodians were seen to give the password.
type Proof struct {
	Subsets int
	All     bool // there are no others
}

// Proof is what Prove gives for a set of this scheme.
func (s Scheme) Proof() Proof {
	subsets := new(big.Int).Binomial(int64(s.Total), int64(s.Threshold))
	if limit := big.NewInt(proofLimit); subsets.Cmp(limit) > 0 {
		return Proof{Subsets: proofLimit}
	}
	return Proof{Subsets: int(subsets.Int64()), All: true}
}

// String says it in words.
func (p Proof) String() string {
	if p.All {
		return fmt.Sprintf("all %d subsets that are large enough give the password", p.Subsets)
	}
	return fmt.Sprintf("%d random subsets that are large enough give the password", p.Subsets)
}

// Wipe overwrites password and shares, best effort.
func (s *Set) Wipe() {
	s.Password.Wipe()
	for _, share := range s.Shares {
		share.Value.Wipe()
	}
}

// Sheet is what one custodian keeps: the lines that sc-hsm-tool prints and
// takes, and the code that conclave takes instead of them. Formatting a whole
// sheet does not show it; its fields do.
type Sheet struct {
	Prime string // colon-separated lower-case hexadecimal; the same on all sheets
	ID    string // decimal
	Value string // secret; as Prime, without leading zero bytes
	// OldToolID is what sc-hsm-tool wants typed as the ID, which it reads as
	// hexadecimal; empty if that is the ID as printed.
	OldToolID string
	// Code is secret: what ParseCode reads, in twelve groups of four. It is
	// empty for a share whose set is not known.
	Code string
}

// Sheet returns the share as it is written down.
func (s CustodianShare) Sheet() Sheet {
	sheet := Sheet{Prime: colons(s.Prime), ID: s.ID, Value: colons(new(big.Int).SetBytes(s.Value))}
	if n, err := strconv.ParseInt(s.ID, 10, 0); err == nil && n > 9 {
		sheet.OldToolID = strconv.FormatInt(n, 16)
	}
	if s.Set != "" {
		sheet.Code = s.code()
	}
	return sheet
}

// Format implements fmt.Formatter for every verb.
func (s Sheet) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "sheet %s [redacted]", s.ID) }

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
