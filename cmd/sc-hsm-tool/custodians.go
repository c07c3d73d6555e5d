package main

import (
	"context"
	"errors"

	"conclave/custody"
	"conclave/internal/typed"
)

// custodians are those of a ceremony, who come to the screens of OpenSC's tool.
type custodians struct {
	*tool
	first string // what the first of them has typed as the prime
}

// Come implements custody.Custodians. The prime is asked for before anyone
// comes.
func (c *custodians) Come(_ context.Context, turn custody.Turn) error {
	c.Discard()
	what := "display key"
	if turn.Custodian == 0 {
		what = "enter"
		if turn.Number == 1 {
			var err error
			if c.first, err = c.enter("Please enter prime: "); err != nil {
				return err
			}
		}
	}
	c.Clear()
	c.pressEnter("Press <enter> to %s share %d of %d\n\n", what, turn.Number, turn.Of)
	c.Clear()
	c.Printf("Share %d of %d\n\n", turn.Number, turn.Of)
	return nil
}

// Show implements custody.Custodians. The lines that OpenSC's tool does not
// have come after its own.
func (c *custodians) Show(_ context.Context, h custody.Handout) error {
	c.Printf("\nPrime       : %s\nShare ID    : %s\nShare value : %s\n", h.Sheet.Prime, h.Sheet.ID, h.Sheet.Value)
	if h.Sheet.OldToolID != "" {
		c.Printf("\nOpenSC's tool wants the share ID typed as %s.\n", h.Sheet.OldToolID)
	}
	c.Printf("\nThe same as one code, for this tool and conclave: %s\n", h.Sheet.Code)
	_, err := c.Line("\n\nPlease note ALL values above and press <enter> when finished")
	if err != nil && c.Terminal.Terminal() { // no one has read it, and it is gone from the screen
		return newFailure(errors.New("no one is there to copy the sheet"), "Input aborted")
	}
	return nil
}

// Ask implements custody.Custodians. OpenSC's tool takes any answer, and fails
// when all have answered. A person at the terminal may answer again; a script
// has failed.
func (c *custodians) Ask(_ context.Context, field custody.Field, problem error) (string, error) {
	if problem != nil && !c.Interactive() {
		return "", notDecrypted(problem)
	}
	if problem != nil {
		c.note("%v; please enter it again", problem)
	}
	if first := c.first; first != "" && field == custody.Prime {
		c.first = ""
		return first, nil
	}
	switch field {
	case custody.ShareID:
		return c.enter("Please enter share ID: ")
	case custody.ShareValue:
		return c.enter("Please enter share value: ")
	case custody.Rest:
		if !c.Interactive() { // a script has no more to say
			return "", notDecrypted(errors.New("the code of a sheet has 12 groups of 4 characters, and fewer were typed"))
		}
		return c.enter("Please go on: ")
	}
	return c.enter("Please enter prime: ")
}

// Confirm implements custody.Custodians. A script agrees to nothing.
func (c *custodians) Confirm(_ context.Context, question string) (bool, error) {
	if !c.Interactive() {
		return false, nil
	}
	c.Discard() // what was typed ahead answers no question that was not there
	line, err := c.enter(question + " (yes/no): ")
	yes, _ := typed.Yes(line)
	return yes, err
}

// Tell implements custody.Custodians.
func (c *custodians) Tell(text string) { c.note("%s", text) }

// Leave implements custody.Custodians.
func (c *custodians) Leave() { c.Clear() }

// enter asks for a line that may be seen by whoever types it.
func (c *custodians) enter(prompt string) (string, error) {
	line, err := c.Line(prompt)
	if err != nil {
		return "", newFailure(errors.New("the share was not imported"), "Input aborted")
	}
	return line, nil
}
