package main

import (
	"crypto/sha256"
	"fmt"
	"time"

	"conclave/ca/lint"
	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/ceremony/preflight"
	"conclave/ceremony/runbook"
	"conclave/internal/safefile"
)

type ceremonyCheck struct {
	tracing
	listing
	Plan string          `arg:"" complete:"files:json" help:"The plan."`
	Dir  ceremony.Folder `placeholder:"DIR" help:"Folder of the ceremony. Default: PLAN.ceremony."`
}

// Run checks a plan where it will be carried out.
func (cmd ceremonyCheck) Run(c *console) error {
	f, err := plan.ParseFile(cmd.Plan)
	if err != nil {
		return err
	}
	if cmd.Dir == "" {
		cmd.Dir = ceremony.FolderOf(f)
	}
	check := preflight.Check{
		Plan: f.Plan, Sum: sha256.Sum256(f.Content), Base: f.Base(), Dir: string(cmd.Dir), Begun: cmd.Dir.Begun(), Connect: planDevices{c.home, c}.Connect,
		Linter: lint.Program{}, Now: time.Now(), Built: ceremony.Built(),
	}
	return cmd.show(c, check.Run(c.ctx))
}

func (cmd ceremonyCheck) show(c *console, found []preflight.Finding) error {
	problems := 0
	rows := [][]string{{"", "WHAT", "FOUND"}}
	for _, f := range found {
		mark := "ok"
		if f.Problem {
			mark = "PROBLEM"
			problems++
		}
		rows = append(rows, []string{mark, f.What, f.Detail})
	}
	var err error
	if cmd.JSON {
		err = c.showJSON(newFindings(found))
	} else {
		err = c.showTable(rows)
	}
	if err == nil && problems > 0 {
		err = fmt.Errorf("%s: the ceremony cannot be held like this; problems: %d", cmd.Plan, problems)
	}
	return err
}

// finding is a finding as JSON.
type finding struct {
	What    string `json:"what"`
	Found   string `json:"found"`
	Problem bool   `json:"problem"`
}

func newFindings(found []preflight.Finding) []finding {
	all := []finding{}
	for _, f := range found {
		all = append(all, finding{f.What, f.Detail, f.Problem})
	}
	return all
}

type ceremonyRunbook struct {
	Plan string `arg:"" complete:"files:json" help:"The plan."`
	Out  string `placeholder:"STEM" help:"Write STEM.html and STEM.pdf. Default: PLAN.runbook."`
	// Practice is for the rehearsal's paper.
	Practice bool `help:"The runbook of the rehearsal, with practice names."`
}

// Run writes the runbook.
func (cmd ceremonyRunbook) Run(c *console) error {
	f, err := plan.ReadFile(cmd.Plan)
	if err != nil {
		return err
	}
	if cmd.Practice {
		if f, err = f.Rehearsal(); err != nil {
			return err
		}
	}
	if cmd.Out == "" {
		cmd.Out = ceremony.RunbookStem(f)
	}
	return writeRunbook(c, f, cmd.Out)
}

// writeRunbook writes the runbook of a plan for this program.
func writeRunbook(c *console, f plan.File, stem string) error {
	p, err := ceremony.ThisProgram(shortVersion())
	if err != nil {
		return err
	}
	book, err := p.Runbook(c.ctx, f, lint.Program{}, time.Now())
	if err != nil {
		return err
	}
	html, err := runbook.HTML(book)
	if err == nil {
		err = safefile.Create(stem+".html", html)
	}
	if err != nil {
		return err
	}
	pdf, err := runbook.PDF(book)
	if err == nil {
		err = safefile.Create(stem+".pdf", pdf)
	}
	if err != nil {
		return fmt.Errorf("%w; %s.html is written, and a browser can print it", err, stem)
	}
	_, err = fmt.Fprintf(c.out, "Runbook written to %s.html and %s.pdf\n", stem, stem)
	return err
}
