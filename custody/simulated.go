package custody

import (
	"context"
	"fmt"

	"conclave/quorum"
)

// Simulated are custodians for whom a program answers, for a rehearsal without people.
// The zero value holds no sheet yet.
type Simulated struct {
	sheets map[int]quorum.Sheet
	turn   Turn
}

// Come implements Custodians. The turn must name its custodian.
func (p *Simulated) Come(_ context.Context, turn Turn) error {
	p.turn = turn
	return nil
}

// Show implements Custodians: the custodian keeps the sheet.
func (p *Simulated) Show(_ context.Context, handout Handout) error {
	if p.sheets == nil {
		p.sheets = make(map[int]quorum.Sheet)
	}
	p.sheets[handout.Number] = handout.Sheet
	return nil
}

// Sheet is that of a custodian who has one.
func (p *Simulated) Sheet(number int) (quorum.Sheet, bool) {
	sheet, ok := p.sheets[number]
	return sheet, ok
}

// Ask implements Custodians. Those with an odd number use the code of their
// sheet, the others its lines. A program makes no mistake, so a problem is the
// ceremony's.
func (p *Simulated) Ask(_ context.Context, field Field, problem error) (string, error) {
	sheet, kept := p.sheets[p.turn.Custodian]
	switch {
	case problem != nil:
		return "", problem
	case !kept:
		return "", fmt.Errorf("custodian %d has no sheet", p.turn.Custodian)
	case p.turn.Custodian%2 == 1 && field != ShareValue:
		return sheet.Code, nil
	}
	return map[Field]string{Prime: sheet.Prime, ShareID: sheet.ID, ShareValue: sheet.Value, ReadBack: sheet.Value}[field], nil
}

// Confirm implements Custodians: there is nothing to agree to.
func (p *Simulated) Confirm(_ context.Context, question string) (bool, error) {
	return false, fmt.Errorf("a simulated custodian is asked: %s", question)
}

// Leave implements Custodians.
func (p *Simulated) Leave() {}

// Tell implements Custodians.
func (p *Simulated) Tell(string) {}
