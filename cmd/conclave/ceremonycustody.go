package main

import (
	"errors"
	"fmt"
	"time"

	"conclave/ca/register"
	"conclave/ceremony"
	"conclave/ceremony/custodypage"
	"conclave/ceremony/evidence"
	"conclave/internal/safefile"
)

// custodyPage writes the page of custody that evidence leaves.
func (cmd ceremonyReport) custodyPage(c *console, found *evidence.Report, _ evidence.Options) error {
	if n := len(found.Problems); n > 0 {
		return fmt.Errorf("%w; problems: %d, such as: %w", custodypage.ErrRefused, n, found.Problems[0])
	}
	before, err := ceremony.Newest(cmd.Bundle)
	if err != nil {
		return err
	}
	source := custodypage.Source{Chain: before.Chain, Record: before.Record, Level: found.Level(), Now: time.Now(), Tool: shortVersion()}
	if source.Register = cmd.register(); source.Register == "" {
		c.warn("there is no register in the folder of the ceremony, so that the page has the certificates and CRLs of the plan alone; if it is elsewhere: --register FILE")
	} else if source.Signed, err = c.signedIn(source.Register); err != nil {
		return err
	}
	page, err := custodypage.HTML(source)
	file := cmd.stem(".custody") + ".html"
	if err == nil {
		err = safefile.Create(file, page)
	}
	if err != nil {
		return err
	}
	answer := reportAnswer{Level: string(found.Level()), HTML: file}
	return c.answerf(answer, "Custody written to %s; the evidence is %s.\n", file, found.Level())
}

// register is the file of the register; empty if none was named, and there is none with
// the ceremony.
func (cmd ceremonyReport) register() string {
	if cmd.Register != "" {
		return cmd.Register
	}
	beside := ceremony.FolderAround(cmd.Bundle).Register()
	if !safefile.Exists(beside) {
		return ""
	}
	return beside
}

// signedIn is all that a register has.
func (c *console) signedIn(path string) (entries []register.Entry, err error) {
	r, err := register.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.Entries(c.ctx)
}
