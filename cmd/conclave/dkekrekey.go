package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"conclave/custody"
	"conclave/internal/interrupt"
)

type dkekRekey struct {
	answering
	File  string   `arg:"" complete:"files" help:"Share file to write, with the new DKEK."`
	Wraps []string `arg:"" complete:"files:wrap" help:"Files of wrapped keys, under the old DKEK."`
	Dir   string   `required:"" placeholder:"DIR" help:"Folder for the files of the keys under the new DKEK, which keep their names."`
	dkekSource
	newSet
}

func (dkekRekey) required() []string { return []string{"dkek", "threshold"} }

// Validate rejects contradictory options.
func (cmd dkekRekey) Validate() error {
	return errors.Join(checkOnDisk(cmd.File), cmd.newSet.check(), cmd.dkekSource.Validate())
}

// Run wraps the keys anew, and gives their files names when the new share file and its
// sheets are proved. No device is touched.
func (cmd dkekRekey) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	wraps := custody.Rewrapping{ShareFile: cmd.File, Wraps: cmd.Wraps, Dir: cmd.Dir}
	if err := wraps.Reserve(); err != nil {
		return err
	}
	defer wraps.Release()
	files, err := cmd.dkekSource.read(c)
	if err == nil {
		err = wraps.Check(files)
	}
	if err != nil {
		return err
	}
	for _, k := range wraps.Keys() {
		c.noteChanged(k.From, k.Changed())
	}
	m, err := cmd.prepare(c, cmd.File, custody.Reserve)
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%w. If a rekey made it that was cut off: destroy it, its sheets and the keys it wrote to %s, and run it again; nothing old was touched", err, cmd.Dir)
	}
	if err != nil {
		return err
	}
	defer m.Place.Release()
	for i, file := range cmd.DKEK {
		if err := m.checkOld(file, cmd.how(i)); err != nil {
			return err
		}
	}
	return cmd.wrapAnew(ctx, m, &wraps, files)
}

// wrapAnew opens the keys, wraps them under a new DKEK, and lets its custodians come.
func (cmd dkekRekey) wrapAnew(ctx context.Context, m *meeting, wraps *custody.Rewrapping, files []custody.Unopened) error {
	old, err := cmd.dkekSource.open(ctx, m.console, files)
	if err != nil {
		return err
	}
	defer old.Wipe()
	share, err := custody.DrawShare(rand.Reader)
	if err != nil {
		return err
	}
	defer share.Wipe()
	keys, err := wraps.Run(rand.Reader, old, share)
	if err != nil {
		return err
	}
	m.Rand, m.Share, m.Replaces = rand.Reader, share, old.Sets()
	if err := m.hold(); err != nil {
		return fmt.Errorf("%w; no wrapped key was written, and the old ones are as good as before", err)
	}
	if err := cmd.write(m, keys); err != nil {
		return err
	}
	m.console.leavesChain("this change", changeByCeremony+"rekey", files...)
	return nil
}

func (cmd dkekRekey) write(m *meeting, keys []custody.Rewrapped) error {
	c := m.console
	for _, k := range keys {
		if err := k.Settle(); err != nil {
			return err
		}
		m.answer.Keys = append(m.answer.Keys, rewrapped{k.From, k.To})
		c.say("%s is wrapped anew to %s\n", k.From, k.To)
	}
	c.note("A device takes these keys once it has the new DKEK. When all are restored and tried, destroy, wherever they are:")
	for _, path := range append(cmd.Wraps, cmd.DKEK...) {
		c.note("  every copy of %s", path)
	}
	c.note("  the old sheets; and initialise anew the devices that hold the old DKEK")
	return nil
}
