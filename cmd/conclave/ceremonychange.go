package main

import (
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/internal/safefile"
)

type ceremonyChange struct {
	answering
	Bundle    string          `arg:"" help:"Folder of the newest evidence: of the ceremony, or of the last drill or change."`
	Kind      string          `required:"" placeholder:"KIND" complete:"words:reshare new-file rekey change-pin replace-device add-medium emergency" help:"reshare (new sheets), new-file (which the old sheets do not open), rekey (a new DKEK), change-pin, replace-device, add-medium, or emergency (something is lost)."`
	Custodian []string        `placeholder:"NAME" help:"Who is to have a sheet, repeated, where there are new sheets. Default: those who have one."`
	Threshold int             `placeholder:"M" help:"How many of them open the share file. Default: as many as before."`
	Device    string          `placeholder:"NAME" help:"The device that is replaced, or whose PINs are changed. Default of change-pin: all that hold the keys."`
	Serial    string          `placeholder:"SERIAL" help:"Serial number of the device that takes its place. Absent: an embedded device."`
	Reason    string          `placeholder:"TEXT" help:"Why, for the paper; in an emergency, what has happened."`
	Dir       ceremony.Folder `placeholder:"DIR" help:"Folder to prepare it in. Default: beside the evidence of the ceremony."`
}

// Validate rejects a kind that there is not.
func (cmd ceremonyChange) Validate() error {
	if !slices.Contains(plan.Kinds(), plan.Kind(cmd.Kind)) {
		return fmt.Errorf("--kind: %q; one of %v was expected", cmd.Kind, plan.Kinds())
	}
	return nil
}

// Run writes the plan.
func (cmd ceremonyChange) Run(c *console) error {
	before, err := ceremony.ReadBefore(cmd.Bundle)
	if err != nil {
		return err
	}
	p := cmd.plan(before)
	if cmd.Dir == "" {
		cmd.Dir = ceremony.ChangeFolder(cmd.Bundle, p.Kind())
	}
	f, err := cmd.Dir.PrepareSequel(before, p)
	if err != nil {
		return err
	}
	if err := c.answerf(changeAnswer{f.Path, string(cmd.Dir)}, "Plan written to %s\n", f.Path); err != nil {
		return err
	}
	quoted := safefile.Quoted(f.Path)
	c.next("look at it; rehearse it: conclave ceremony rehearse %s; print its paper: conclave ceremony runbook %s; hold it: conclave ceremony run %s --backup DIR", quoted, quoted, quoted)
	return nil
}

// plan is that of the change, as the options have it.
func (cmd ceremonyChange) plan(before *ceremony.Before) *plan.Plan {
	p := before.Change(plan.Change{Kind: plan.Kind(cmd.Kind), Device: cmd.Device, Reason: cmd.Reason}, time.Now())
	if len(cmd.Custodian) > 0 {
		p.People.Custodians = cmd.Custodian
	}
	if cmd.Threshold != 0 {
		p.Custody.Threshold = cmd.Threshold
	}
	if d := p.FindDevice(cmd.Device); d != nil && p.Kind() == plan.ReplaceDevice {
		*d = plan.Device{Comment: d.Comment, Name: d.Name, Serial: cmd.Serial, Embedded: cmd.Serial == ""}
	}
	return p
}

// changeAnswer is where a plan was written.
type changeAnswer struct {
	Plan   string `json:"plan"`
	Folder string `json:"folder"`
}
