package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/internal/interrupt"
	"conclave/terminal"
)

type ceremonyChange struct {
	answering
	Bundle        string          `arg:"" help:"Folder of the newest evidence: of the ceremony, or of the last drill or change."`
	Kind          string          `placeholder:"KIND" complete:"words:reshare new-file rekey change-pin replace-device add-medium emergency" help:"reshare (new sheets), new-file (which the old sheets do not open), rekey (a new DKEK), change-pin, replace-device, add-medium, or emergency (something is lost)."`
	Leaves        []string        `placeholder:"NAME" help:"Custodian who leaves, where there are new sheets; repeated."`
	Joins         []string        `placeholder:"NAME" help:"Custodian who comes, in the place of one who leaves; repeated."`
	Threshold     int             `placeholder:"M" help:"How many custodians open the share file. Default: as many as before."`
	Device        string          `placeholder:"NAME" help:"The device that is replaced, or whose PINs are changed. Default of change-pin: all that hold the keys."`
	Serial        string          `placeholder:"SERIAL" help:"Serial number of the device that takes its place. Absent: an embedded device."`
	Media         int             `placeholder:"N" help:"How many backup media there are to be after add-medium. Default: one more."`
	Administrator string          `placeholder:"NAME" help:"Ceremony administrator this time. Default: that of before."`
	Witness       []string        `placeholder:"NAME" help:"Who witnesses it, repeated; the first compares and initials. Default: those of before."`
	Start         string          `placeholder:"TIME" help:"Planned start, UTC, as in \"2027-01-15 09:00\". Default: now."`
	Place         string          `placeholder:"TEXT" help:"Where. Default: where it was before."`
	Reason        string          `placeholder:"TEXT" help:"Why, for the paper; in an emergency, what has happened."`
	Dir           ceremony.Folder `placeholder:"DIR" help:"Folder to prepare it in. Default: beside the evidence of the ceremony."`
}

// Validate rejects what the options say that cannot be.
func (cmd ceremonyChange) Validate() error {
	if cmd.Kind != "" && !slices.Contains(plan.Kinds(), plan.Kind(cmd.Kind)) {
		return fmt.Errorf("--kind: %q; one of %v was expected", cmd.Kind, plan.Kinds())
	}
	if cmd.Start != "" {
		if _, err := parseStart(cmd.Start, time.Now()); err != nil {
			return fmt.Errorf("--start: %w", err)
		}
	}
	return nil
}

// Run writes the plan. At a terminal it asks for what the options have not said.
func (cmd ceremonyChange) Run(c *console) error {
	before, err := ceremony.ReadBefore(cmd.Bundle)
	if err != nil {
		return err
	}
	if err := cmd.checkOptions(before.Chain.State.Plan); err != nil {
		return err
	}
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	answers := cmd
	q := &questions{console: c, ctx: ctx, script: func(q *questions) { answers = cmd.answers(q, before) }}
	if c.prompts.Interactive() && q.total() > 0 {
		if err := q.goOn(strings.TrimSuffix(cmd.Bundle, "/") + ".change" + draftSuffix); err != nil {
			return err
		}
		if err := q.all(); err != nil {
			return err
		}
	}
	f, err := answers.prepare(before)
	if err != nil {
		return err
	}
	if err := q.forget(); err != nil {
		c.warn("the plan is written, and the draft of its answers is still there: %v", err)
	}
	return cmd.show(c, f)
}

// checkOptions refuses, before anything is asked, what no answer makes right.
func (cmd ceremonyChange) checkOptions(inForce *plan.Plan) error {
	if kind := plan.Kind(cmd.Kind); kind != "" {
		switch {
		case cmd.Serial != "" && kind != plan.ReplaceDevice:
			return fmt.Errorf("--serial: a change of the kind %s replaces no device; leave it out", kind)
		case cmd.Device != "" && !kind.IsOfDevices():
			return fmt.Errorf("--device: a change of the kind %s is about no device; leave it out", kind)
		case len(cmd.Leaves)+len(cmd.Joins)+cmd.Threshold > 0 && !kind.MakesSheets():
			return fmt.Errorf("--leaves, --joins and --threshold: a change of the kind %s makes no sheets; leave them out", kind)
		}
	}
	if kept := inForce.Kept(); cmd.Device != "" && !slices.Contains(kept, cmd.Device) {
		return fmt.Errorf("--device: %q; a device that holds the keys was expected: %s", cmd.Device, strings.Join(kept, ", "))
	}
	if _, err := plan.Successors(inForce.People.Custodians, cmd.Leaves, cmd.Joins); err != nil {
		return fmt.Errorf("--leaves, --joins: %w", err)
	}
	return nil
}

// prepare writes the plan to its folder.
func (cmd ceremonyChange) prepare(before *ceremony.Before) (plan.File, error) {
	p, err := cmd.plan(before)
	if err != nil {
		return plan.File{}, err
	}
	if cmd.Dir == "" {
		cmd.Dir = ceremony.ChangeFolder(cmd.Bundle, p.Kind())
	}
	return cmd.Dir.PrepareSequel(before, p)
}

// plan is that of the change, checked.
func (cmd ceremonyChange) plan(before *ceremony.Before) (*plan.Plan, error) {
	kind, start := plan.Kind(cmd.Kind), time.Now()
	switch {
	case kind == "":
		return nil, fmt.Errorf("--kind: it is missing; one of %v was expected", plan.Kinds())
	case cmd.Start != "":
		start, _ = parseStart(cmd.Start, start) // Validate, or the question, has taken it
	}
	p := before.Change(plan.Change{Kind: kind, Device: cmd.Device, Reason: cmd.Reason}, start)
	custodians, err := plan.Successors(p.People.Custodians, cmd.Leaves, cmd.Joins)
	if err != nil {
		return nil, err
	}
	p.People.Custodians, p.Custody.Threshold = custodians, cmp.Or(cmd.Threshold, p.Custody.Threshold)
	p.People.Administrator, p.Place = cmp.Or(cmd.Administrator, p.People.Administrator), cmp.Or(cmd.Place, p.Place)
	p.Custody.Media = cmp.Or(cmd.Media, p.Custody.Media)
	if len(cmd.Witness) > 0 {
		p.People.Witnesses = cmd.Witness
	}
	if d := p.FindDevice(cmd.Device); d != nil && kind == plan.ReplaceDevice {
		d.Serial, d.Embedded = cmd.Serial, cmd.Serial == ""
	}
	return p, before.Check(p)
}

// show shows the plan in short, and what comes next.
func (cmd ceremonyChange) show(c *console, f plan.File) error {
	err := c.answer(changeAnswer{f.Path, f.Base()}, func() error {
		c.out.Printf("Plan written to %s\n", f.Path)
		terminal.Facts(c.out, changeFacts(f.Plan))
		return c.out.Err()
	})
	if err != nil {
		return err
	}
	c.nextPreparations(f)
	return nil
}

// changeFacts are what the plan of a change says.
func changeFacts(p *plan.Plan) [][]string {
	names := func(names []string) string { return strings.Join(names, ", ") }
	facts := [][]string{
		{"Ceremony", p.Ceremony}, {"Begins", p.Start.Format(startForm) + " UTC"},
		{"Held by", p.People.Administrator + "; witnessed by " + names(p.People.Witnesses)},
	}
	if before := p.Change.Before; before != nil {
		facts = append(facts, []string{"Sheets until now", fmt.Sprintf("%d of %s", before.Threshold, names(before.Custodians))},
			[]string{"Sheets from now", fmt.Sprintf("%d of %s", p.Custody.Threshold, names(p.People.Custodians))})
	}
	if p.Change.Kind == plan.AddMedium && p.Custody.Media > 0 {
		facts = append(facts, []string{"Backup media", fmt.Sprint(p.Custody.Media)})
	}
	if d := p.FindDevice(p.Change.Device); d != nil {
		facts = append(facts, []string{"Device", strings.TrimSpace(d.Name + " " + d.Serial)})
	}
	if p.Change.Replaces != "" {
		facts = append(facts, []string{"In the place of", p.Change.Replaces})
	}
	return append(facts, []string{"Steps", fmt.Sprint(len(p.Steps()))})
}

// changeAnswer is where a plan was written.
type changeAnswer struct {
	Plan   string `json:"plan"`
	Folder string `json:"folder"`
}
