package ceremony

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"conclave/ceremony/plan"
	"conclave/custody"
	"conclave/internal/safefile"
)

// PractiseBefore makes what the rehearsal of a drill, or of a change, goes on from: a
// program holds a ceremony on practice devices whose custody is that in force, and signs
// nothing in it. The sheets of it are the room's; for people their codes are in a file of
// the practice folder. It gives the rehearsal, which goes on from that ceremony.
func (c Ceremony) PractiseBefore(ctx context.Context, original *Before, room *SimulatedRoom, devices custody.ThrowawayDevices) (Ceremony, error) {
	first, err := c.practiceFirst(original.Chain.State.Plan, room)
	if err != nil {
		return c, err
	}
	if err := first.Run(ctx); err != nil && !errors.Is(err, ErrClosed) {
		return c, fmt.Errorf("the ceremony before it, as practice: %w", err)
	}
	if err := c.Dir.keepSheets(room, first.Plan); err != nil {
		return c, err
	}
	before, err := ReadBefore(first.Dir.Evidence())
	if err != nil {
		return c, err
	}
	before.Backup, before.Throwaway = first.Dir.Backup(), devices
	if c.Plan.Kind() == plan.ReplaceDevice && c.Dir.Begun() == "" { // the one that takes its place has its name
		if err := devices.Delete(c.Plan.Change.Device); err != nil {
			return c, err
		}
	}
	c.Before, c.Plan = before, before.practised(c.Plan)
	c.Source, err = c.Plan.Bytes()
	return c, err
}

// practiceFirst is a ceremony with the custody of a plan, and with nothing to sign.
func (c Ceremony) practiceFirst(inForce *plan.Plan, room *SimulatedRoom) (Ceremony, error) {
	p := *inForce
	p.Certificates, p.CRLs, p.Keys = nil, nil, nil
	for _, k := range inForce.Keys {
		k.Import = ""
		p.Keys = append(p.Keys, k)
	}
	var err error
	first := c
	first.Dir, first.Room = Folder(c.Dir.practice("before")), room
	if first.Plan, err = p.Rehearsal(); err == nil {
		first.Source, err = first.Plan.Bytes()
	}
	return first, err
}

// practised is the plan of a rehearsal that goes on from this evidence.
func (b *Before) practised(p *plan.Plan) *plan.Plan {
	r, first := *p, b.Chain.State.Plan
	r.Keys, r.Certificates, r.CRLs = first.Keys, first.Certificates, first.CRLs
	if p.Change == nil {
		sequel := b.Chain.Sequel()
		r.Drill = &sequel
	} else {
		change := b.goingOn(*p.Change)
		r.Change = &change
	}
	return &r
}

// keepSheets writes the codes of practice sheets down for people who rehearse what comes
// after them.
func (f Folder) keepSheets(room *SimulatedRoom, p *plan.Plan) error {
	path := f.practice("sheets.txt")
	if safefile.Exists(path) {
		return nil
	}
	var text strings.Builder
	for i, name := range p.People.Custodians {
		if sheet, ok := room.Sheet(i + 1); ok {
			fmt.Fprintf(&text, "%s: %s\n", name, sheet.Code)
		}
	}
	if text.Len() == 0 { // it was held before an interruption
		return nil
	}
	return safefile.Create(path, []byte(text.String()))
}
