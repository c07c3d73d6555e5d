package main

import (
	"context"
	"fmt"
	"strings"

	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/interrupt"
)

type dkekImport struct {
	Files []string `arg:"" help:"Share files, or base64 copies of them. Those that the device has already are passed over."`
	opening
}

// Run looks at files and device before it asks anyone.
func (cmd dkekImport) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	var files []sealed
	for _, path := range cmd.Files {
		s, err := cmd.read(path)
		if err != nil {
			return err
		}
		files = append(files, s)
	}
	if err := checkDifferent(files); err != nil {
		return err
	}
	return c.withHSM(func(h *hsm.HSM) error {
		journal, err := c.importing(h)
		if err != nil {
			return err
		}
		for _, s := range files {
			if len(files) > 1 && journal.Has(s.file) {
				c.note("%s is in the device already.", s.path)
				continue
			}
			if err := cmd.one(ctx, c, h, journal, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkDifferent refuses one share file under two names before anyone has
// entered anything.
func checkDifferent(files []sealed) error {
	for i, s := range files {
		for _, earlier := range files[:i] {
			if s.file == earlier.file {
				return fmt.Errorf("%s and %s are the same share file, and would cancel each other out", earlier.path, s.path)
			}
		}
	}
	return nil
}

// importing opens the journal of a device that waits for shares, and tells how
// far it is.
func (c *console) importing(h *hsm.HSM) (*custody.Journal, error) {
	status, err := custody.CheckImport(h)
	if err != nil {
		return nil, err
	}
	journal, err := c.journal(h, status.Shares-status.Outstanding)
	if err != nil {
		return nil, err
	}
	if names := journal.Imported(); len(names) > 0 {
		c.note("The device has %d of %d DKEK shares: %s.", status.Shares-status.Outstanding, status.Shares, strings.Join(names, ", "))
	}
	return journal, nil
}

// journal is that of the device, which has this many shares.
func (c *console) journal(h *hsm.HSM, shares int) (*custody.Journal, error) {
	return custody.OpenJournal(c.home.Imports(), c.serialOf(h), shares)
}

// forgetImports begins the journal of a device again.
func (c *console) forgetImports(h *hsm.HSM) error {
	journal, err := c.journal(h, 0)
	if err != nil {
		return err
	}
	return journal.Clear()
}

func (cmd dkekImport) one(ctx context.Context, c *console, h *hsm.HSM, journal *custody.Journal, s sealed) error {
	if journal.Has(s.file) {
		return fmt.Errorf("%s: %w", s.path, custody.ErrTwice)
	}
	opened, err := cmd.open(ctx, c, s)
	if err != nil {
		return err
	}
	defer opened.Wipe()
	status, err := custody.Import(h, journal, s.path, s.file, opened)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if opened.How != "password" {
		c.note("The sheets were read as: %s.", opened.How)
	}
	fmt.Fprintf(c.out, "DKEK share imported; DKEK: %s\n", newDKEKStatus(status))
	return nil
}
