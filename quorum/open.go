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
	How      string // how the shares were read, for the transcript
}

// Open opens a share file with the shares that were entered, as many as the
// threshold or more, in seconds for each candidate. It also returns how they
// had to be read. The error is dkek.ErrPassword if no candidate opens the file.
func Open(ctx context.Context, file dkek.ShareFile, shares []CustodianShare, progress dkek.Progress) (share secret.Bytes, how string, err error) {
	candidates, err := Candidates(shares)
	if err != nil {
		return nil, "", err
	}
	var passwords []secret.Bytes
	for _, c := range candidates {
		passwords = append(passwords, c.Password)
		defer c.Password.Wipe()
	}
	share, i, err := file.DecryptAny(ctx, passwords, progress)
	if errors.Is(err, dkek.ErrPassword) {
		return nil, "", fmt.Errorf("%w: tried %d readings of the shares with ID %s; check with each sheet the prime, the ID and every digit of the value, "+
			"and that the sheets were made for this file and are enough of them", err, len(passwords), ids(shares))
	}
	if err != nil {
		return nil, "", err
	}
	return share, candidates[i].How, nil
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
		candidates = passwords(number, prime, "")
	}
	if number, err := combine(shares, 16); err == nil {
		candidates = append(candidates, passwords(number, prime, ", share IDs read as hexadecimal")...)
	}
	if len(candidates) == 0 {
		return nil, decimalErr
	}
	return withoutDuplicates(candidates), nil
}

// checkTogether finds what can be wrong between shares.
func checkTogether(shares []CustodianShare) error {
	if len(shares) < 2 {
		return fmt.Errorf("%d shares entered, at least 2 expected", len(shares))
	}
	for _, s := range shares[1:] {
		if s.Prime.Cmp(shares[0].Prime) != 0 {
			return fmt.Errorf("the primes of shares %s and %s differ; all sheets of a file show the same one", shares[0].ID, s.ID)
		}
	}
	return nil
}

// combine interpolates with the IDs read in the given base, or as hexadecimal
// where they are nothing else.
func combine(shares []CustodianShare, base int) (*big.Int, error) {
	var points []shamir.Share
	for _, s := range shares {
		x := parseID(s.ID, base)
		if x == 0 {
			x = parseID(s.ID, 16)
		}
		points = append(points, shamir.Share{X: big.NewInt(x), Y: new(big.Int).SetBytes(s.Value)})
	}
	return shamir.Combine(points, shares[0].Prime)
}

// passwords lists what a combined secret can stand for; note is added to how
// it was read.
func passwords(number, prime *big.Int, note string) []Candidate {
	size := max(passwordSize, (prime.BitLen()-1+7)/8)
	limit := new(big.Int).Lsh(big.NewInt(1), uint(8*size))
	if number.Cmp(limit) >= 0 {
		return []Candidate{{number.Bytes(), "combined secret" + note}}
	}
	candidates := []Candidate{{number.FillBytes(make([]byte, size)), "combined secret" + note}}
	if short := number.Bytes(); len(short) < size {
		candidates[0].How = "combined secret with its leading zero bytes, which sc-hsm-tool drops" + note
		candidates = append(candidates, Candidate{short, "combined secret without leading zero bytes" + note})
	}
	sum := new(big.Int).Add(number, prime)
	for k := 1; sum.Cmp(limit) < 0; k++ {
		how := fmt.Sprintf("combined secret plus %d times the prime, as in files made before OpenSC 0.16", k)
		candidates = append(candidates, Candidate{sum.FillBytes(make([]byte, size)), how + note})
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
