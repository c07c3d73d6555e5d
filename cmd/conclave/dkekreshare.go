package main

import (
	"crypto/rand"
	"errors"
	"fmt"

	"conclave/custody"
	"conclave/internal/interrupt"
	"conclave/quorum"
)

type dkekReshare struct {
	answering
	File    string `arg:"" complete:"files:pbe" help:"Share file to make new sheets for."`
	NewFile string `name:"new-file" placeholder:"FILE" help:"Put the same DKEK share into a new share file, with a new password."`
	opening
	newSet
}

func (dkekReshare) required() []string { return []string{"threshold"} }

// Validate rejects contradictory options.
func (cmd dkekReshare) Validate() error {
	return errors.Join(checkOnDisk(cmd.NewFile), cmd.newSet.check(), cmd.opening.Validate())
}

// Run opens the share file, and lets the new custodians come.
func (cmd dkekReshare) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	file, err := custody.ReadUnopened(cmd.File, !cmd.NoRecord)
	if err != nil {
		return err
	}
	m, err := cmd.prepared(c)
	if err != nil {
		return err
	}
	defer m.Place.Release()
	if err := m.checkOld(cmd.File, cmd.opening); err != nil {
		return err
	}
	opened, err := cmd.open(ctx, c, file)
	if err != nil {
		return err
	}
	defer opened.Wipe()
	m.Rand, m.Share = rand.Reader, opened.Share
	if cmd.NewFile == "" {
		return cmd.sameFile(m, file, opened)
	}
	return cmd.newFile(m, file, opened)
}

// prepared is the meeting of the new custodians, for the file that they will open.
func (cmd dkekReshare) prepared(c *console) (*meeting, error) {
	if cmd.NewFile == "" {
		return cmd.prepare(c, cmd.File, custody.ReserveSheets)
	}
	return cmd.prepare(c, cmd.NewFile, custody.Reserve)
}

// sameFile makes sheets for the password that the file has.
func (cmd dkekReshare) sameFile(m *meeting, file custody.Unopened, opened *custody.Opened) error {
	strength := quorum.StrengthOf(opened.Password)
	if strength == 0 || opened.Password[0] == 0 {
		return fmt.Errorf("%s: %w; give the DKEK share a new file: --new-file", cmd.File, quorum.ErrNotShareable)
	}
	m.Scheme.Strength, m.Password = strength, opened.Password
	if err := m.hold(); err != nil {
		return err
	}
	m.console.note("The old sheets stay valid: they open %s just as the new ones do. If they must not, make a new file: --new-file.", cmd.File)
	m.console.leavesChain("this change", changeByCeremony+"reshare", file)
	return nil
}

// newFile makes sheets for a new file, which the old ones do not open.
func (cmd dkekReshare) newFile(m *meeting, file custody.Unopened, opened *custody.Opened) error {
	m.Replaces = file.Sets()
	if len(m.Replaces) == 0 && opened.Set != "" {
		m.Replaces = []string{opened.Set}
	}
	if err := m.hold(); err != nil {
		return err
	}
	c := m.console
	c.note("The old sheets open only old copies of %s. Destroy, wherever they are:", cmd.File)
	c.note("  every copy of %s, on paper too, with its records; the old sheets", cmd.File)
	c.leavesChain("this change", changeByCeremony+"new-file", file)
	return nil
}
