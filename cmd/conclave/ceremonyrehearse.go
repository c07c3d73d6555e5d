package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
)

type ceremonyRehearse struct {
	Plan    string   `arg:"" help:"The plan."`
	Dir     string   `placeholder:"DIR" help:"Folder of the rehearsal; PLAN.rehearsal-N where it is not named."`
	Auto    bool     `help:"Play all people too; without it they come to this terminal."`
	Trouble []string `placeholder:"NAME" help:"Let something go wrong: card-pulled, custodian-absent, wrong-sheet, printer-empty, power-cut, or all."`
	QR      bool     `name:"qr" help:"Show the code of each sheet as a QR code too."`
}

// troubles are those that were asked for.
func (cmd ceremonyRehearse) troubles() (all []ceremony.Trouble, err error) {
	for _, name := range cmd.Trouble {
		if name == "all" {
			return ceremony.Troubles(), nil
		}
		t, err := ceremony.ParseTrouble(name)
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
	f, err := plan.ReadFile(cmd.Plan)
	if err != nil {
		return err
	}
	original := f
	if cmd.Dir == "" {
		cmd.Dir = nextFolder(f.Stem()+".rehearsal", func(dir string) bool { return !cmd.Auto && rehearsedIn(f, dir) })
	}
	if f, err = rehearsal(f, cmd.Dir); err != nil {
		return err
	}
	room, err := cmd.room(c, f)
	if err != nil {
		return err
	}
	home := c.home.In(filepath.Join(cmd.Dir, "practice"))
	a, err := c.act(f, cmd.Dir, planDevices{home, c}, room)
	if err != nil {
		return err
	}
	a.Base = filepath.Join(cmd.Dir, "practice")
	if err := cmd.prepare(original, a.Base); err != nil {
		return err
	}
	if err := a.Practise(original.Plan, original.Base()); err != nil {
		return err
	}
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	troubles, err := cmd.troubles()
	if err != nil {
		return err
	}
	if err := c.perform(ctx, ceremony.Rehearsal{Act: a, Troubles: troubles, Auto: cmd.Auto}.Run, cmd.Dir); err != nil {
		return err
	}
	c.note("This was a rehearsal. Destroy its sheets, and %s when it has been looked at.", cmd.Dir)
	return nil
}

// prepare notes of which plan this is the rehearsal, and whether a program plays
// it.
func (cmd ceremonyRehearse) prepare(original plan.File, base string) error {
	if err := os.MkdirAll(base, 0o700); err != nil {
		return err
	}
	path := filepath.Join(base, originalPlan)
	if !safefile.Exists(path) {
		if err := safefile.Create(path, original.Content); err != nil {
			return err
		}
	} else if !rehearsedIn(original, cmd.Dir) {
		return fmt.Errorf("%s is the rehearsal of another plan; choose another folder", cmd.Dir)
	}
	if cmd.Auto {
		return os.WriteFile(filepath.Join(base, played), nil, 0o600)
	}
	return nil
}

// rehearsedIn says whether a folder has a rehearsal of this plan.
func rehearsedIn(f plan.File, dir string) bool {
	content, err := os.ReadFile(filepath.Join(dir, "practice", originalPlan))
	return err == nil && bytes.Equal(content, f.Content)
}

func (cmd ceremonyRehearse) room(c *console, f plan.File) (ceremony.Room, error) {
	if cmd.Auto {
		return &ceremony.Players{Shown: func(text string) { c.note("%s", text) }}, nil
	}
	return c.ceremonyRoom(f.Plan, cmd.QR)
}

// rehearsal is the plan of a rehearsal: the one that was begun in a folder, or a
// new one.
func rehearsal(f plan.File, dir string) (plan.File, error) {
	begun := filepath.Join(dir, "evidence", evidence.PlanFile)
	if _, err := os.Stat(begun); err == nil {
		f, err := plan.ReadFile(begun)
		if err == nil && !f.Plan.Practice {
			err = fmt.Errorf("%s is a real ceremony, and not a rehearsal; choose another folder", dir)
		}
		return f, err
	}
	p, err := f.Plan.Rehearsal()
	if err != nil {
		return f, err
	}
	content, err := p.Bytes()
	return plan.File{Path: f.Path, Content: content, Plan: p}, err
}

// nextFolder is the first folder in a series that is not there; or one that is
// there, not closed, and may be gone on with. What a program has played is not
// resumed, for the sheets are gone with it.
func nextFolder(stem string, resume func(dir string) bool) string {
	for n := 1; ; n++ {
		dir := fmt.Sprintf("%s-%d", stem, n)
		if !safefile.Exists(dir) {
			return dir
		}
		begun, open := safefile.Exists(filepath.Join(dir, "evidence")), safefile.Exists(filepath.Join(dir, "ceremony.key"))
		if (open || !begun) && !safefile.Exists(filepath.Join(dir, "practice", played)) && resume(dir) {
			return dir
		}
	}
}

// Names of files in the practice folder: that a program has played this
// rehearsal, and the plan of which it is one.
const (
	played       = "played-by-the-program"
	originalPlan = "rehearsed-plan.json"
)
