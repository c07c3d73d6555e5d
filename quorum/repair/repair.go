// Package repair finds out what was meant when entered sheets, or a remembered
// password, do not open a DKEK share file. The sheets of sc-hsm-tool carry no
// checksum, so the share file is the only judge of a guess, and each guess
// costs 20 million rounds of MD5: the art is to make the likely guesses first
// and none twice.
//
// Begin with quorum.Open, and come here only when that fails with dkek.ErrPassword:
// [Sheets] makes a [Plan] from what was typed, or [Password] from one that someone
// remembers; [Plan.Limit] bounds it, and [Plan.Run] carries it out with the Search
// of the dkek.ShareFile. The findings of a [Reading] say what was wrong, and show no
// digit. Two sheets beyond the threshold save all of this, and so do sheets that
// have a code.
//
// A plan is made of stages, each the guesses that suppose one kind of mistake.
// It knows no terminal, no card and no key derivation.
//
// As in package quorum, the arithmetic is not constant time.
package repair

import (
	"errors"
	"fmt"
	"io"

	"conclave/internal/secret"
	"conclave/quorum"
)

// ErrNotFound is the error when every guess of a plan was wrong.
var ErrNotFound = errors.New("no mistake that was looked for explains it; enter another custodian's sheet too, or compare each digit with the sheets")

// Draft is what was typed from one sheet, as it was typed: digits in either
// case, with or without colons and spaces. A question mark stands for a
// character that cannot be read.
type Draft struct {
	Prime, ID string
	Value     string // secret
}

// Format implements fmt.Formatter for every verb. The ID is not shown either:
// it may be a share value in the wrong place.
func (Draft) Format(f fmt.State, _ rune) { io.WriteString(f, "draft of a sheet [redacted]") }

// Reading is a way to read everything that was typed which gives a password.
type Reading struct {
	Password secret.Bytes
	// How the shares were combined, in the words of quorum.Candidates; empty
	// for a remembered password.
	How string
	// Findings are the mistakes that were made, none if there was none.
	Findings []Finding
	// Otherwise are other mistakes that give the same password: the weights of
	// shares with low IDs are small numbers, so a digit of one sheet can make
	// up for a digit of another. Only looking at the sheets tells which it is.
	Otherwise [][]Finding
	// Shares are those that give the password, corrected as Findings say; their
	// IDs are decimal.
	Shares []quorum.CustodianShare
}

// Format implements fmt.Formatter for every verb.
func (r Reading) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "reading of %d shares with %d findings [redacted]", len(r.Shares), len(r.Findings))
}

// Wipe overwrites the password and the shares, best effort.
func (r Reading) Wipe() {
	r.Password.Wipe()
	for _, s := range r.Shares {
		s.Value.Wipe()
	}
}
