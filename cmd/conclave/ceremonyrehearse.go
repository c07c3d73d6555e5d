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
		cmd.Dir = nextFolder(f.stem()+".rehearsal", !cmd.Auto)
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
	if cmd.Auto {
		if err := markPlayed(a.Base); err != nil {
			return err
		}
	}
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

func markPlayed(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, played), nil, 0o600)
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
		f, err := readPlan(begun)
		if err == nil && !f.plan.Practice {
			err = fmt.Errorf("%s is a real ceremony, and not a rehearsal; choose another folder", dir)
		}
		return f, err
	}
	p, err := f.plan.Rehearsal()
	if err != nil {
		return f, err
	}
	content, err := p.Bytes()
	return planFile{f.path, content, p}, err
}

// nextFolder is the first folder in a series that is not there; or, to resume,
// one that is there and not closed. What a program has played it does not
// resume, for the sheets are gone with it.
func nextFolder(stem string, resume bool) string {
	for n := 1; ; n++ {
		dir := fmt.Sprintf("%s-%d", stem, n)
		if !exists(dir) {
			return dir
		}
		begun, open := exists(filepath.Join(dir, "evidence")), exists(filepath.Join(dir, "ceremony.key"))
		if resume && (open || !begun) && !exists(filepath.Join(dir, "practice", played)) {
			return dir
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// played is the name of a file that says that a program played a rehearsal.
const played = "played-by-the-program"
