package main

import (
	"crypto/rand"
	"errors"
	"fmt"

	"conclave/custody"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
	"conclave/quorum"
)

type dkekReshare struct {
	File    string  `arg:"" help:"Share file to make new sheets for."`
	NewFile string  `name:"new-file" placeholder:"FILE" help:"Put the same DKEK share into a new share file, with a new password."`
	Old     opening `embed:"" prefix:"old-"`
	newSet
}

// Validate rejects contradictory options.
func (cmd dkekReshare) Validate() error {
	if cmd.Threshold == 0 {
		return errors.New("--threshold and the custodians were expected: who will open the file")
	}
	return errors.Join(cmd.newSet.check(), cmd.Old.Validate())
}

// Run opens the share file, and lets the new custodians come.
func (cmd dkekReshare) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	if cmd.NewFile != "" {
		if err := safefile.Check(cmd.NewFile); err != nil {
			return err
		}
	}
	if _, _, err := cmd.people(); err != nil { // before anyone comes
		return err
	}
	file, err := custody.ReadUnopened(cmd.File, !cmd.Old.NoRecord)
	if err != nil {
		return err
	}
	opened, err := cmd.Old.open(ctx, c, file)
	if err != nil {
		return err
	}
	defer opened.Wipe()
	if cmd.NewFile == "" {
		return cmd.sameFile(c, opened)
	}
	return cmd.newFile(c, file, opened)
}

// sameFile makes sheets for the password that the file has.
func (cmd dkekReshare) sameFile(c *console, opened *custody.Opened) error {
	strength := quorum.StrengthOf(opened.Password)
	if strength == 0 || opened.Password[0] == 0 {
		return fmt.Errorf("%s: %w; give the DKEK share a new file: --new-file", cmd.File, quorum.ErrNotShareable)
	}
	set := cmd.newSet
	set.Strength = int(strength)
	err := set.withCustodians(c, custody.Creation{Rand: rand.Reader, ShareFile: cmd.File, Share: opened.Share, Password: opened.Password})
	if err != nil {
		return err
	}
	c.note("The old sheets stay valid: they open %s just as the new ones do. If they must not, make a new file: --new-file.", cmd.File)
	return nil
}

// newFile makes sheets for a new file, which the old ones do not open.
func (cmd dkekReshare) newFile(c *console, file custody.Unopened, opened *custody.Opened) error {
	replaces := file.Sets()
	if len(replaces) == 0 && opened.Set != "" {
		replaces = []string{opened.Set}
	}
	err := cmd.withCustodians(c, custody.Creation{Rand: rand.Reader, ShareFile: cmd.NewFile, Share: opened.Share, Replaces: replaces})
	if err != nil {
		return err
	}
	c.note("The old sheets open only old copies of %s. Destroy, wherever they are:", cmd.File)
	c.note("  every copy of %s, on paper too, with its records; the old sheets", cmd.File)
	return nil
}
