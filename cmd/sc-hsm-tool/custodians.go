package main

import (
	"context"
	"errors"

	"conclave/ceremony"
	"conclave/quorum"
)

// custodians are those of a ceremony, who come to the screens of OpenSC's tool.
type custodians struct {
	*tool
	prime string // as the first of them has typed it
}

// Come implements ceremony.Custodians. The prime is asked for before anyone
// comes.
func (c *custodians) Come(_ context.Context, turn ceremony.Turn) error {
	what := "display key"
	if turn.Custodian == 0 {
		what = "enter"
		if turn.Number == 1 {
			var err error
			if c.prime, err = c.enter("Please enter prime: "); err != nil {
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

// Show implements ceremony.Custodians.
func (c *custodians) Show(_ context.Context, sheet quorum.Sheet) error {
	c.Printf("\nPrime       : %s\nShare ID    : %s\nShare value : %s\n", sheet.Prime, sheet.ID, sheet.Value)
	_, err := c.Line("\n\nPlease note ALL values above and press <enter> when finished")
	if err != nil && c.Clears() { // no one has read it, and it is gone from the screen
		return failed(errors.New("no one is there to copy the sheet"), "Input aborted")
	}
	return nil
}

// Ask implements ceremony.Custodians. OpenSC's tool takes any answer, and fails
// when all have answered. A person at the terminal may answer again; a script
// has failed.
func (c *custodians) Ask(_ context.Context, field ceremony.Field, problem error) (string, error) {
	if problem != nil && !c.Interactive() {
		return "", notDecrypted(problem)
	}
	if problem != nil {
		c.note("%v; please enter it again", problem)
	}
	switch {
	case field == ceremony.ShareID:
		return c.enter("Please enter share ID: ")
	case field == ceremony.ShareValue:
		return c.enter("Please enter share value: ")
	case problem != nil:
		return c.enter("Please enter prime: ")
	}
	return c.prime, nil
}

// Leave implements ceremony.Custodians.
func (c *custodians) Leave() { c.Clear() }

// enter asks for a line that may be seen by who types it.
func (c *custodians) enter(prompt string) (string, error) {
	line, err := c.Line(prompt)
	if err != nil {
		return "", failed(errors.New("the share was not imported"), "Input aborted")
	}
	return line, nil
}
