// Package paper prints a custodian's sheet: one A5 page, as a PDF. It is made in
// memory, and nothing here writes to a disk. It knows no ceremony and no card:
// what is on the page is what is in the Sheet.
//
// Begin with [PDF]. The lines and the code of a [Sheet] are those of a quorum.Sheet,
// which package quorum makes; to send the page to a printer is for the caller.
package paper

import (
	"fmt"
	"time"
)

// Sheet is all that is printed on a custodian's sheet. Formatting a whole sheet
// does not show it; its fields do.
type Sheet struct {
	Custodian                string // the person's name; if it is empty, "Custodian 3" is printed
	Number, Threshold, Total int
	Ceremony                 string // its name; may be empty
	Date                     time.Time
	Set                      string // set identifier, four characters, the same on all sheets of a set
	ShareFile                string // name of the share file that the sheets open
	KCV                      string // key check value, 16 hexadecimal digits
	Restores                 string // what the sheets give back, such as "the key of Root CA 2026"; may be empty
	Contact                  string // whom the custodian calls: name, telephone or mail; may be empty

	// The three lines that sc-hsm-tool prints. Prime and Value are pairs of
	// hexadecimal digits with colons between them, at most maxColons characters.
	Prime, ID string
	Value     string // secret
	// OldToolID is what sc-hsm-tool wants typed as the ID, if that is not the ID
	// as printed: it reads hexadecimal.
	OldToolID string
	// Code is secret: twelve groups of four characters of the bech32 alphabet
	// (BIP-173) in upper case, with spaces between them.
	Code string
}

// Format implements fmt.Formatter for every verb.
func (s Sheet) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "sheet %d [redacted]", s.Number) }

// PDF returns the page, which is as secret as what is on it: wipe it once it is
// printed. Copies that were made on the way stay in memory until the process
// ends. The same sheet gives the same bytes. Names that are too long are
// shortened, with … in place of what is left out.
//
// A sheet that could not be used is refused: one with a field that is not what
// it should be, or with a character that the font lacks, for which a printer
// would put an empty box.
func PDF(s Sheet) ([]byte, error) {
	s = s.compose()
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("share sheet of custodian %d: %w", s.Number, err)
	}
	p := newPage(s.Date)
	p.sheet(s)
	content, err := p.Bytes()
	if err != nil {
		return nil, fmt.Errorf("share sheet of custodian %d: %w", s.Number, err)
	}
	return content, nil
}
