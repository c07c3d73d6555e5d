package main

import (
	"fmt"
	"path/filepath"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/report"
)

type ceremonyReport struct {
	answering
	Bundle string `arg:"" help:"Folder of the evidence."`
	fromElsewhere
	Out string `placeholder:"STEM" help:"Write STEM.html and STEM.pdf. Default: EVIDENCE.report."`
}

// Run writes the report, if the evidence verifies.
func (cmd ceremonyReport) Run(c *console) error {
	options, err := cmd.options()
	if err != nil {
		return err
	}
	if err := ceremony.CheckEvidence(cmd.Bundle); err != nil {
		return err
	}
	found, failure := evidence.VerifyFolder(cmd.Bundle, options)
	if failure != nil && len(found.Problems) == 0 {
		return failure
	}
	if cmd.Out == "" { // beside the evidence, to which nothing is added
		cmd.Out = filepath.Clean(cmd.Bundle) + ".report"
	}
	source := report.Source{Evidence: found, Options: options, Tool: shortVersion()}
	err = writeBoth(cmd.Out, func() ([]byte, error) { return report.HTML(source) }, func() ([]byte, error) { return report.PDF(source) })
	if failure != nil {
		return fmt.Errorf("%s: %w; all of them: conclave ceremony verify %s", cmd.Bundle, err, cmd.Bundle)
	}
	if err != nil {
		return err
	}
	answer := reportAnswer{string(found.Level()), cmd.Out + ".html", cmd.Out + ".pdf"}
	return c.answerf(answer, "Report written to %s.html and %s.pdf; the evidence is %s.\n", cmd.Out, cmd.Out, found.Level())
}

// reportAnswer is the files of a report, and the level of the evidence that it is of.
type reportAnswer struct {
	Level string `json:"level"`
	HTML  string `json:"html"`
	PDF   string `json:"pdf"`
}
