package main

import (
	"context"
	"fmt"
	"strings"

	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/interrupt"
	"conclave/quorum"
)

type dkekImport struct {
	answering
	onDevice
	Files []string `arg:"" complete:"files:pbe" help:"Share files, or base64 copies of them. Those that the device has already are passed over."`
	opening
}

// Run looks at files and device before it asks anyone.
func (cmd dkekImport) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	files, err := custody.ReadShareFiles(cmd.Files, !cmd.NoRecord)
	if err != nil {
		return err
	}
	return c.withHSM(func(h *hsm.HSM) error {
		journal, err := c.openJournal(h)
		if err != nil {
			return err
		}
		status, err := h.DKEK()
		if err != nil {
			return err
		}
		answer := &importAnswer{dkekAnswer{newDKEKStatus(status)}, []importedFile{}}
		if err := c.answerf(answer, ""); err != nil {
			return err
		}
		for _, file := range files {
			if len(files) > 1 && journal.Has(file.ShareFile) {
				c.note("%s is in the device already.", file.Path)
				answer.Files = append(answer.Files, importedFile{File: file.Path, Present: true})
				continue
			}
			if err := cmd.one(ctx, c, h, journal, file, answer); err != nil {
				return err
			}
		}
		return nil
	})
}

// importAnswer is what was imported, and how far the DKEK has come.
type importAnswer struct {
	dkekAnswer
	Files []importedFile `json:"files"`
}

type importedFile struct {
	File    string         `json:"file"`
	Status  custody.Status `json:"status"` // null where it was not opened
	KCV     string         `json:"kcv"`    // of a DKEK that consists of this share alone
	How     string         `json:"how"`
	Present bool           `json:"present"` // the device had it
}

// openJournal opens the journal of a device that waits for shares, and says how far
// it has come.
func (c *console) openJournal(h *hsm.HSM) (*custody.Journal, error) {
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

// journal is the journal of the device, which has this many shares.
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

func (cmd dkekImport) one(ctx context.Context, c *console, h *hsm.HSM, journal *custody.Journal, file custody.Unopened, answer *importAnswer) error {
	if journal.Has(file.ShareFile) {
		return fmt.Errorf("%s: %w", file.Path, custody.ErrTwice)
	}
	opened, err := cmd.open(ctx, c, file)
	if err != nil {
		return err
	}
	defer opened.Wipe()
	status, err := custody.Import(h, journal, file.Path, file.ShareFile, opened)
	if err != nil {
		return fmt.Errorf("%s: %w", file.Path, err)
	}
	if opened.How != "password" && opened.How != quorum.AsWritten {
		c.note("The sheets opened %s in a way that is not the usual one, and is known of OpenSC's old files: %s. Nothing is wrong with them.", file.Path, opened.How)
	}
	answer.DKEK = newDKEKStatus(status)
	answer.Files = append(answer.Files, importedFile{file.Path, opened.Status, opened.KCV.String(), opened.How, false})
	c.say("DKEK share imported; DKEK: %s\n", answer.DKEK)
	if status.Outstanding > 0 {
		c.next("the device waits for %s more: conclave dkek import FILE%s", count(status.Outstanding, "share"), deviceOption(c.device))
	} else {
		c.next("conclave key generate%[1]s makes a key; conclave key unwrap FILE%[1]s, or conclave restore DIR%[1]s, brings back what was backed up", deviceOption(c.device))
	}
	return nil
}
