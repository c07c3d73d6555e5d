package quorum

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"conclave/dkek"
	"conclave/internal/secret"
	"conclave/shamir"
)

// Candidate is a password that the entered shares may stand for.
type Candidate struct {
	Password secret.Bytes
	How      string   // how the shares were read, for the transcript
	Defects  []Defect // of the share file and its sheets, if this is its password
}

// Defect is what is wrong with a set that was made or copied the way
// sc-hsm-tool has it, though its shares are right.
type Defect string

// The defects of sets.
const (
	// DefectLeadingZero: the password begins with a zero byte, and sc-hsm-tool
	// cannot open the file.
	DefectLeadingZero Defect = "leading-zero"
	// DefectDroppedZero: the password is shorter than it should be.
	DefectDroppedZero Defect = "dropped-zero"
	// DefectPrimeBelowSecret: the file was made before OpenSC 0.16, and
	// sc-hsm-tool cannot open it.
	DefectPrimeBelowSecret Defect = "prime-below-secret"
	// DefectHexadecimalID: share IDs were copied as sc-hsm-tool wants them typed.
	DefectHexadecimalID Defect = "hexadecimal-id"
)

// Opened is what a share file has given.
type Opened struct {
	Share secret.Bytes
	Candidate
	// Damage is what was wrong with the file, nil for nothing.
	Damage *dkek.DamagedError
}

// Wipe overwrites what is secret, best effort.
func (o Opened) Wipe() {
	o.Share.Wipe()
	o.Password.Wipe()
}

// Open opens a share file with the shares that were entered, as many as the
// threshold or more, in seconds for each candidate. It also returns how they
// had to be read. The error is dkek.ErrPassword if no candidate opens the file.
func Open(ctx context.Context, file dkek.ShareFile, shares []CustodianShare, progress dkek.Progress) (Opened, error) {
	candidates, err := Candidates(shares)
	if err != nil {
		return Opened{}, err
	}
	var passwords []secret.Bytes
	for _, c := range candidates {
		passwords = append(passwords, c.Password)
	}
	share, found, err := file.DecryptAny(ctx, passwords, progress)
	var damage *dkek.DamagedError
	if errors.As(err, &damage) {
		err = nil
	}
	for i, password := range passwords {
		if err != nil || i != found {
			password.Wipe()
		}
	}
	if errors.Is(err, dkek.ErrPassword) {
		return Opened{}, fmt.Errorf("%w: tried %d readings of the shares with ID %s; check with each sheet the prime, the ID and every digit of the value, "+
			"and that the sheets were made for this file and are enough of them", err, len(passwords), ids(shares))
	}
	if err != nil {
		return Opened{}, err
	}
	return Opened{share, candidates[found], damage}, nil
}

// Candidates returns the passwords that the shares may stand for, the likeliest
// first, without duplicates:
//
//   - the combined secret as 8 bytes (16 for a prime of 2^128 and a bit),
//   - the same without its leading zero bytes, as sc-hsm-tool uses it on import,
//   - the combined secret plus multiples of the prime, as long as they have
//     8 bytes, for files made before OpenSC 0.16, whose prime could be below
//     the secret,
//   - and all that with share IDs read as hexadecimal. IDs are printed in
//     decimal, but sc-hsm-tool takes them for hexadecimal on import, so people
//     have learned to enter a for 10. An ID with a letter is hexadecimal in
//     both readings.
//
// The error says what is wrong if the shares cannot be combined at all.
func Candidates(shares []CustodianShare) ([]Candidate, error) {
	if err := checkTogether(shares); err != nil {
		return nil, err
	}
	prime := shares[0].Prime
	var candidates []Candidate
	number, decimalErr := combine(shares, 10)
	if decimalErr == nil {
		candidates = passwords(number, prime)
	}
	if number, err := combine(shares, 16); err == nil {
		for _, c := range passwords(number, prime) {
			c.How += ", share IDs read as hexadecimal"
			c.Defects = append(c.Defects, DefectHexadecimalID)
			candidates = append(candidates, c)
		}
	}
	if len(candidates) == 0 {
		return nil, decimalErr
	}
	return withoutDuplicates(candidates), nil
}

// ErrTooFew is the error for shares that cannot be combined, as there are not
// two of them.
var ErrTooFew = errors.New("too few shares")

// checkTogether rejects shares that do not go together.
func checkTogether(shares []CustodianShare) error {
	if len(shares) < 2 {
		return fmt.Errorf("%w: %d entered, at least 2 expected", ErrTooFew, len(shares))
	}
	for _, s := range shares[1:] {
		if s.Prime.Cmp(shares[0].Prime) != 0 {
			return fmt.Errorf("the primes of shares %s and %s differ; all sheets of a file show the same one", shares[0].ID, s.ID)
		}
	}
	return nil
}

// combine interpolates with the IDs read in the given base.
func combine(shares []CustodianShare, base int) (*big.Int, error) {
	var points []shamir.Share
	for _, s := range shares {
		points = append(points, s.point(base))
	}
	return shamir.Combine(points, shares[0].Prime)
}

// AsWritten is how the sheets of most sets are read, and all of ours.
const AsWritten = "combined secret"

// passwords lists what a combined secret can stand for.
func passwords(number, prime *big.Int) []Candidate {
	size := max(int(Strength64)/8, (prime.BitLen()-1+7)/8)
	limit := new(big.Int).Lsh(big.NewInt(1), uint(8*size))
	if number.Cmp(limit) >= 0 {
		return []Candidate{{Password: number.Bytes(), How: AsWritten}}
	}
	candidates := []Candidate{{Password: number.FillBytes(make([]byte, size)), How: AsWritten}}
	if short := number.Bytes(); len(short) < size {
		candidates[0].How = "combined secret with its leading zero bytes, which sc-hsm-tool drops"
		candidates[0].Defects = []Defect{DefectLeadingZero}
		candidates = append(candidates, Candidate{short, "combined secret without leading zero bytes", []Defect{DefectDroppedZero}})
	}
	sum := new(big.Int).Add(number, prime)
	for k := 1; sum.Cmp(limit) < 0; k++ {
		how := fmt.Sprintf("combined secret plus %d times the prime, as in files made before OpenSC 0.16", k)
		candidates = append(candidates, Candidate{sum.FillBytes(make([]byte, size)), how, []Defect{DefectPrimeBelowSecret}})
		sum.Add(sum, prime)
	}
	return candidates
}

func withoutDuplicates(candidates []Candidate) []Candidate {
	var unique []Candidate
	for _, c := range candidates {
		if !slices.ContainsFunc(unique, func(u Candidate) bool { return u.Password.Equal(c.Password) }) {
			unique = append(unique, c)
		}
	}
	return unique
}

// ids lists the share IDs as they were entered.
func ids(shares []CustodianShare) string {
	var list []string
	for _, s := range shares {
		list = append(list, s.ID)
	}
	return strings.Join(list, ", ")
}
