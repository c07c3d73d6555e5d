// Package custodypage is custody on one page: a drawing of who holds what, a time line of
// what has happened and what is due, and what is not backed up. It is HTML that needs
// nothing from elsewhere, for a phone and for paper, made from evidence and a register.
//
// Begin with [Source] and [HTML]. What evidence does not have, the page says it does not
// know; nothing is asked of a device.
package custodypage

import (
	"errors"
	"time"

	"conclave/ca/register"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/quorum"
)

// Source is what a page is made from. The same source gives the same bytes.
type Source struct {
	Chain  *evidence.Chain // of evidence that was verified
	Record *quorum.Record  // of the sheets in force
	Level  evidence.Level  // of the newest evidence
	// Register is the name of the register that Signed is from; empty for none.
	Register string
	Signed   []register.Entry
	Now      time.Time
	Tool     string // version of the program
}

// ErrRefused is the error for evidence that does not verify.
var ErrRefused = errors.New("no page is made of evidence that does not verify")

// check finds why a page cannot be made.
func (s Source) check() error {
	switch {
	case s.Tool == "":
		return errors.New("tool: the version of the program is missing")
	case s.Level == evidence.Refused:
		return ErrRefused
	case s.Chain.State.Plan.Custody == nil:
		return errors.New("the evidence is of a ceremony without custody")
	}
	return nil
}

// custody is what is in force, and how it has come about.
type custody struct {
	Source
	plan   *plan.Plan
	state  evidence.State
	copied step.CopyFacts // the backup
	// sheetsMade is when the sheets in force were made.
	sheetsMade time.Time
	// What was found last, and when: sheets by custodian, devices by name, backup media by
	// what they are called as things in bags.
	sheets, devices, media map[string]finding
	inspected              finding // the files of the backup
	opened                 finding // the backup, on a device that was thrown away
	pins                   map[pinOf]keptPIN
	signed                 signed
}

// finding is what a drill, or an emergency, has found.
type finding struct {
	Day  time.Time
	Good bool
	Text string
}

// follow goes through the chain from the first ceremony on.
func (s Source) follow() *custody {
	c := &custody{Source: s, plan: s.Chain.State.Plan, state: s.Chain.State, copied: evidence.Of[step.CopyFacts](s.Chain.State.Facts, step.Copy.ID()),
		sheets: map[string]finding{}, devices: map[string]finding{}, media: map[string]finding{}, pins: map[pinOf]keptPIN{}}
	for _, link := range s.Chain.Links {
		c.made(link)
		c.found(link)
		c.setPINs(link)
	}
	return c
}

// day is how the page writes a day.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
