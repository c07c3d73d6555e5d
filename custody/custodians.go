// Package custody is what people do with a device and a DKEK share file that M
// of N custodians open: hand out the sheets, collect what is on them, open the
// file, and rehearse all of it on throw-away devices. It knows no terminal.
//
// Begin with the people: [Custodians] is the screen that they come to, which a
// program implements ([Simulated] are people for whom it answers itself). [Creation] then
// makes sheets and the share file, and proves them; [Opening] collects sheets until
// the file is open, and [Inspection] does so with sheets that were typed before;
// [Import] gives the share to a device. A [RoundTrip] is all of that, from the first
// sheet to a key that was lost and is back.
//
// Sheets and shares themselves are package quorum's, share files package dkek's and
// devices package hsm's. Who does which of these when, with witnesses and a
// transcript, is package ceremony.
package custody

import (
	"context"
	"time"

	"conclave/dkek"
	"conclave/quorum"
)

// Field is what a custodian is asked for.
type Field int

// The lines of a sheet. Where Prime or ShareID is asked for, the code of the
// sheet is an answer too, and the whole of it.
const (
	Prime Field = iota
	ShareID
	ShareValue
	// ReadBack is the code or the share value, from a sheet that was just made.
	ReadBack
	// Rest is what follows the lines of any of these that have come.
	Rest
)

// String names the field as it is printed on the sheet.
func (f Field) String() string {
	return [...]string{"Prime", "Share ID", "Share value", "Code or share value", "What follows"}[f]
}

// Turn is a custodian's visit to the screen.
type Turn struct {
	Number, Of int // Of is 0 if it is not known how many will come
	// Custodian is who is expected, by the share ID of their sheet; 0 for
	// whoever comes. Name is empty if people are not known by name.
	Custodian int
	Name      string
}

// About is what all sheets of a set say.
type About struct {
	Ceremony  string
	Restores  string // what the sheets give back, such as the key of a named root; empty if that is not known
	Contact   string // whom a custodian calls whose sheet is lost or was seen; empty for the administrator
	Date      time.Time
	ShareFile string // its name, without directory
	KCV       dkek.KCV
	Set       string
	Scheme    quorum.Scheme
}

// Handout is a sheet on its way to its custodian.
type Handout struct {
	About
	Number int
	Name   string
	Sheet  quorum.Sheet
	// Problem is what was wrong with what was read back, where the sheet is shown
	// again; it holds no secret.
	Problem error
}

// Custodians are the people of a ceremony, and the screen that they come to one
// at a time. An error of any method ends the ceremony.
type Custodians interface {
	// Come asks the next custodian to the screen, and the others to look away.
	Come(ctx context.Context, turn Turn) error
	// Show gives the custodian their sheet, until they have copied or taken it.
	// It must not be seen any more when Show returns.
	Show(ctx context.Context, handout Handout) error
	// Ask asks the custodian for a line of their sheet. A problem is what was
	// wrong with the answer before; it holds no secret.
	Ask(ctx context.Context, field Field, problem error) (string, error)
	// Confirm asks the custodian, who is alone, a yes-or-no question.
	Confirm(ctx context.Context, question string) (bool, error)
	// Leave takes what the custodian typed off the screen.
	Leave()
	// Tell says something that all may know.
	Tell(text string)
}

// Turns are the visits of n custodians, whoever they are.
func Turns(n int) []Turn {
	turns := make([]Turn, n)
	for i := range turns {
		turns[i] = Turn{Number: i + 1, Of: n}
	}
	return turns
}
