// Package ceremony holds a key ceremony as its plan says: step by step, each by the
// one who is named for it, written down as it is done. The same engine runs the
// ceremony, its rehearsal, drills and changes of custody. It knows no terminal.
package ceremony

import (
	"context"

	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/internal/secret"
	"conclave/quorum/paper"
	"conclave/wire"
)

// Answer says what answers a question.
type Answer int

// The answers. In place of any, a person may give a command: see IsCommand.
const (
	Enter Answer = iota // an empty line
	YesNo
	Words       // something in people's own words, or a number
	PaperWord   // a word of a hash that is on paper, of which all others are shown
	WriteDown   // an empty line, when words of a hash that is shown are written down
	WrittenWord // one of those words, of which none is shown any more
	EnterOr     // an empty line, or the word that the question says
)

// Question is put to a person, before all.
type Question struct {
	Wants Answer
	Who   string // the name of who answers
	Text  string
	// About is the person whom it is about, if it is about one.
	About string
	// Label and Sum are what is read aloud, and Word is the number of the word that is
	// asked for, from 1 on.
	Label string
	Sum   []byte
	Word  int
	// Problem is why a step was not done, where someone is asked to put it right.
	Problem error
	// Usual is what a program answers in a rehearsal, where words are asked for.
	Usual string
}

// PINQuestion asks a person for a PIN, or for the password of a key file, whose PIN
// is 0. One that is about to be set has a Check of its form.
type PINQuestion struct {
	Who, What string
	PIN       wire.PINReference
	Half      int // 1 or 2 for the half of one that is split; 0 for a whole one
	Check     func(secret.Bytes) error
	// Again is what is done before a new one is typed again; empty for nothing.
	Again   string
	Problem error // with the answer before; it holds no secret
}

// Room is the people of a ceremony, and the screen before them. An error of
// any method ends the ceremony, which can be resumed.
type Room interface {
	custody.Custodians
	// ShowStep shows what is to be done in step n.
	ShowStep(n, of int, s step.Step)
	// Answer asks a person.
	Answer(ctx context.Context, question Question) (string, error)
	// Secret asks a person for a PIN, unseen; twice, where it is about to be set.
	Secret(ctx context.Context, question PINQuestion) (secret.Bytes, error)
	// PrintPIN gives a person the sheet with the PIN that they have typed, from the
	// printer of the custody.
	PrintPIN(ctx context.Context, sheet paper.PINSheet) error
}
