package main

import (
	"context"
	"errors"

	"conclave/ceremony"
	"conclave/internal/tty"
	"conclave/quorum"
)

// screens are the custodians as they come to this terminal.
type screens struct {
	terminal *tty.Terminal
	heading  string // of each sheet: what it belongs to
}

// newScreens shows everything on standard output, for it is cleared there.
func newScreens(c *console, heading string) screens { return screens{tty.New(c.in, c.out), heading} }

func (s screens) welcome(threshold, total int) {
	s.terminal.Printf(`The DKEK share file gets a password that no one knows. It is shared out to
%d custodians, any %d of whom together can open the file; %d cannot.

Each custodian comes to the screen alone, writes down what it shows, and keeps
the sheet where no other custodian can get at it. Prime and share ID are no
secret; the share value is.

`, total, threshold, threshold-1)
}

// errInterrupted is the error for a ceremony that was stopped.
var errInterrupted = errors.New("interrupted")

// line asks for a line. When ctx ends it stops waiting for an answer, and the
// screen must keep nothing.
func (s screens) line(ctx context.Context, prompt string) (string, error) {
	type answer struct {
		line string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		line, err := s.terminal.Line(prompt)
		answered <- answer{line, err}
	}()
	select {
	case a := <-answered:
		return a.line, a.err
	case <-ctx.Done():
		s.terminal.Clear()
		return "", errInterrupted
	}
}

// Come implements ceremony.Custodians.
func (s screens) Come(ctx context.Context, turn ceremony.Turn) error {
	if turn.Custodian == 0 {
		s.terminal.Printf("Sheet %d of %d: a custodian comes to the screen alone, and the others look away.\n", turn.Number, turn.Of)
	} else {
		s.terminal.Printf("Custodian %d comes to the screen alone, and the others look away (%d of %d).\n", turn.Custodian, turn.Number, turn.Of)
	}
	_, err := s.line(ctx, "Press <enter> when you are alone. ")
	s.terminal.Clear()
	return err
}

// Show implements ceremony.Custodians, with the three lines as sc-hsm-tool
// prints them.
func (s screens) Show(ctx context.Context, sheet quorum.Sheet) error {
	defer s.terminal.Clear()
	s.terminal.Printf("Write down these lines:\n\n%s\n", s.heading)
	s.terminal.Printf("Prime       : %s\nShare ID    : %s\nShare value : %s\n\n", sheet.Prime, sheet.ID, sheet.Value)
	_, err := s.line(ctx, "Press <enter> when all is written down; the screen is cleared. ")
	return err
}

// Ask implements ceremony.Custodians.
func (s screens) Ask(ctx context.Context, field ceremony.Field, problem error) (string, error) {
	if problem != nil {
		s.terminal.Printf("Not accepted: %v\n", problem)
	}
	return s.line(ctx, "Type from the sheet. "+field.String()+": ")
}

// Leave implements ceremony.Custodians.
func (s screens) Leave() { s.terminal.Clear() }
