package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"conclave/ceremony/act"
	"conclave/ceremony/evidence"
	"conclave/internal/device"
)

type ceremonyRehearse struct {
	Plan    string   `arg:"" help:"The plan."`
	Dir     string   `placeholder:"DIR" help:"Folder of the rehearsal; PLAN.rehearsal-N where it is not named."`
	Auto    bool     `help:"Play all people too; without it they come to this terminal."`
	Trouble []string `placeholder:"NAME" help:"Let something go wrong: card-pulled, custodian-absent, wrong-sheet, printer-empty, power-cut, or all."`
	QR      bool     `name:"qr" help:"Show the code of each sheet as a QR code too."`
}

// troubles are those that were asked for.
func (cmd ceremonyRehearse) troubles() (all []act.Trouble, err error) {
	for _, name := range cmd.Trouble {
		if name == "all" {
			return act.Troubles(), nil
		}
		t, err := act.ParseTrouble(name)
		if err != nil {
			return nil, fmt.Errorf("--trouble: %w", err)
		}
		all = append(all, t)
	}
	return all, nil
}

// Validate finds troubles that there are not.
func (cmd ceremonyRehearse) Validate() error {
	_, err := cmd.troubles()
	return err
}

// Run holds the rehearsal.
func (cmd ceremonyRehearse) Run(c *console) error {
	f, err := readPlan(cmd.Plan)
	if err != nil {
		return err
	}
	original := f
	if cmd.Dir == "" {
		cmd.Dir = nextRehearsal(f.stem())
	}
	if f, err = f.rehearsal(cmd.Dir); err != nil {
		return err
	}
	room, err := cmd.room(c, f)
	if err != nil {
		return err
	}
	home := device.NewHome(filepath.Join(cmd.Dir, "practice"))
	a, err := c.act(f, cmd.Dir, planDevices{home, c}, room)
	if err != nil {
		return err
	}
	a.Base = filepath.Join(cmd.Dir, "practice")
	if err := a.Practise(original.plan, filepath.Dir(original.path)); err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	troubles, err := cmd.troubles()
	if err != nil {
		return err
	}
	if err := c.perform(ctx, act.Rehearsal{Act: a, Troubles: troubles, Auto: cmd.Auto}.Run, cmd.Dir); err != nil {
		return err
	}
	c.note("This was a rehearsal. Destroy its sheets, and %s when it has been looked at.", cmd.Dir)
	return nil
}

func (cmd ceremonyRehearse) room(c *console, f planFile) (act.Room, error) {
	if cmd.Auto {
		return &act.Players{Shown: func(text string) { c.note("%s", text) }}, nil
	}
	return c.ceremonyRoom(f.plan, cmd.QR)
}

// rehearsal is the plan of a rehearsal: the one that was begun in a folder, or a
// new one.
func (f planFile) rehearsal(dir string) (planFile, error) {
	begun := filepath.Join(dir, "evidence", evidence.PlanFile)
	if _, err := os.Stat(begun); err == nil {
		return readPlan(begun)
	}
	p, err := f.plan.Rehearsal()
	if err != nil {
		return f, err
	}
	content, err := p.Bytes()
	return planFile{f.path, content, p}, err
}

// nextRehearsal is the folder of the rehearsal that is not closed, or of a new
// one.
func nextRehearsal(stem string) string {
	for n := 1; ; n++ {
		dir := fmt.Sprintf("%s.rehearsal-%d", stem, n)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return dir
		}
		if _, err := os.Stat(filepath.Join(dir, "ceremony.key")); err == nil {
			return dir
		}
	}
}
