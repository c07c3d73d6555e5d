package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"conclave/ceremony/evidence"
	"conclave/ceremony/report"
)

type ceremonyReport struct {
	answering
	Bundle string `arg:"" help:"Folder of the evidence."`
	fromElsewhere
	Out      string `placeholder:"STEM" help:"Write STEM.html and STEM.pdf. Default: EVIDENCE.report; with --custody EVIDENCE.custody."`
	Custody  bool   `help:"Custody on one page in place of the report, as HTML alone: who holds what, what is due, what is not backed up. EVIDENCE is the newest."`
	Register string `placeholder:"FILE" complete:"files:sqlite" help:"With --custody: the register of what was signed. Default: that in the folder of the ceremony, if it has one."`
}

// Run writes the report, or the page of custody, if the evidence verifies.
func (cmd ceremonyReport) Run(c *console) error {
	if cmd.Register != "" && !cmd.Custody {
		return &usageError{error: errors.New("--register is for the page of custody: add --custody")}
	}
	found, options, err := cmd.verify(cmd.Bundle)
	if err != nil {
		return err
	}
	write := cmd.report
	if cmd.Custody {
		write = cmd.custodyPage
	}
	err = write(c, found, options)
	if len(found.Problems) > 0 {
		return fmt.Errorf("%s: %w; all of them: conclave ceremony verify %s", cmd.Bundle, err, cmd.Bundle)
	}
	return err
}

// report writes the report of evidence.
func (cmd ceremonyReport) report(c *console, found *evidence.Report, options evidence.Options) error {
	source, stem := report.Source{Evidence: found, Options: options, Tool: shortVersion()}, cmd.stem(".report")
	err := writeBoth(stem, func() ([]byte, error) { return report.HTML(source) }, func() ([]byte, error) { return report.PDF(source) })
	if err != nil {
		return err
	}
	answer := reportAnswer{string(found.Level()), stem + ".html", stem + ".pdf"}
	return c.answerf(answer, "Report written to %s.html and %s.pdf; the evidence is %s.\n", stem, stem, found.Level())
}

// stem is what the names of the files begin with: they are beside the evidence, to which
// nothing is added, if no one says otherwise.
func (cmd ceremonyReport) stem(suffix string) string {
	if cmd.Out != "" {
		return cmd.Out
	}
	return filepath.Clean(cmd.Bundle) + suffix
}

// reportAnswer is the files of a report, and the level of the evidence that it is of. A
// page of custody is no PDF.
type reportAnswer struct {
	Level string `json:"level"`
	HTML  string `json:"html"`
	PDF   string `json:"pdf"`
}
