package main

import (
	"context"
	"fmt"
	"path/filepath"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/internal/interrupt"
)

type ceremonyRehearse struct {
	answering
	tracing
	onWall
	Plan    string          `arg:"" complete:"files:json" help:"The plan."`
	Dir     ceremony.Folder `placeholder:"DIR" help:"Folder of the rehearsal. Default: PLAN.rehearsal-N."`
	Auto    bool            `xor:"who" help:"Let the program answer for everyone; without it people come to this terminal."`
	Trouble []string        `placeholder:"NAME" complete:"words:card-pulled custodian-absent wrong-sheet printer-empty power-cut all" help:"Let something go wrong: card-pulled, custodian-absent, wrong-sheet, printer-empty, power-cut, or all."`
	QR      bool            `name:"qr" xor:"who" help:"Show the code of each sheet as a QR code too."`
}

// faults are those that were asked for.
func (cmd ceremonyRehearse) faults() (all []ceremony.Fault, err error) {
	for _, name := range cmd.Trouble {
		if name == "all" {
			return ceremony.Faults(), nil
		}
		t, err := ceremony.ParseFault(name)
		if err != nil {
			return nil, fmt.Errorf("--trouble: %w", err)
		}
		all = append(all, t)
	}
	return all, nil
}

// Validate rejects faults that do not exist.
func (cmd ceremonyRehearse) Validate() error {
	_, err := cmd.faults()
	return err
}

// Run holds the rehearsal.
func (cmd ceremonyRehearse) Run(c *console) error {
	f, err := readPlan(cmd.Plan, plan.ReadFile)
	if err != nil {
		return err
	}
	original := f
	if cmd.Dir == "" {
		cmd.Dir = ceremony.RehearsalFolder(f, cmd.Auto)
	}
	if f, err = cmd.Dir.Rehearsal(f); err != nil {
		return err
	}
	room, err := cmd.room(c, f)
	if err != nil {
		return err
	}
	a, err := c.ceremony(f, cmd.Dir, planDevices{c.home.In(cmd.Dir.Practice()), c}, room)
	if err != nil {
		return err
	}
	a.Base = cmd.Dir.Practice()
	if err := cmd.shown(c, &a, func() error { return cmd.hold(c, &a, room, original) }); err != nil {
		return err
	}
	c.note("This was a rehearsal. Destroy its sheets, and %s when you have looked at it.", cmd.Dir)
	return nil
}

// hold holds the rehearsal of a plan.
func (cmd ceremonyRehearse) hold(c *console, a *ceremony.Ceremony, room ceremony.Room, original plan.File) error {
	if err := cmd.Dir.PrepareRehearsal(original, cmd.Auto); err != nil {
		return err
	}
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	if err := cmd.practise(ctx, c, a, room, original); err != nil {
		return err
	}
	faults, err := cmd.faults()
	if err != nil {
		return err
	}
	return c.hold(ctx, ceremony.Rehearsal{Ceremony: *a, Faults: faults, Auto: cmd.Auto}.Run, a.Plan, cmd.Dir)
}

// practise makes what the plan of the rehearsal refers to, or goes on from.
func (cmd ceremonyRehearse) practise(ctx context.Context, c *console, a *ceremony.Ceremony, room ceremony.Room, original plan.File) error {
	if original.Plan.Sequel() == nil {
		return a.Practise(original.Plan, original.Base())
	}
	before, err := ceremony.FolderOf(original).Sequel(original)
	if err != nil {
		return err
	}
	program, auto := room.(*ceremony.SimulatedRoom)
	if !auto {
		program = &ceremony.SimulatedRoom{}
	}
	c.note("First a program holds the ceremony before it, on practice devices.")
	practised, err := a.PractiseBefore(ctx, before, program, tracedHome{c.home.In(cmd.Dir.Practice()), c})
	if err != nil {
		return err
	}
	if !auto {
		c.note("The codes of the practice sheets are in %s.", filepath.Join(cmd.Dir.Practice(), "sheets.txt"))
	}
	*a = practised
	return nil
}

func (cmd ceremonyRehearse) room(c *console, f plan.File) (ceremony.Room, error) {
	if cmd.Auto {
		return &ceremony.SimulatedRoom{Shown: func(text string) { c.note("%s", text) }}, nil
	}
	return c.ceremonyRoom(f.Plan, cmd.QR)
}
