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
	answering
	tracing
	Plan string          `arg:"" complete:"files:json" help:"The plan."`
	Dir  ceremony.Folder `placeholder:"DIR" help:"Folder of the ceremony. Default: PLAN.ceremony."`
}

// Run checks a plan where it will be carried out.
func (cmd ceremonyCheck) Run(c *console) error {
	f, err := readPlan(cmd.Plan, plan.ParseFile)
	if err != nil {
		return err
	}
	if cmd.Dir == "" {
		cmd.Dir = ceremony.FolderOf(f)
	}
	found := c.preflight(f, cmd.Dir).Run(c.ctx)
	err = c.answer(newCheckReport(found), func() error { return c.showTable(checkTable(found)) })
	if err == nil {
		err = judgeCheck(cmd.Plan, found)
	}
	if err == nil {
		cmd.afterwards(c, f)
	}
	return err
}

// preflight is the check of a plan that is carried out in a folder.
func (c *console) preflight(f plan.File, dir ceremony.Folder) preflight.Check {
	return preflight.Check{
		Plan: f.Plan, Sum: sha256.Sum256(f.Content), Base: f.Base(), Dir: string(dir), Begun: dir.Begun(), Connect: planDevices{c.home, c}.Connect,
		Linter: lint.Program{}, Now: time.Now(), Built: ceremony.Built(),
	}
}

// checkFirst checks a plan before anyone is asked for anything; where the ceremony
// goes on, what can have changed since.
func (c *console) checkFirst(f plan.File, dir ceremony.Folder) error {
	if dir.Closed() {
		return nil // which the ceremony says
	}
	check := c.preflight(f, dir)
	found := check.Again()
	if check.Begun == "" {
		found = check.Run(c.ctx)
	}
	if err := c.showTable(checkTable(found)); err != nil {
		return err
	}
	err := judgeCheck(f.Path, found)
	if err != nil {
		err = fmt.Errorf("%w; no one was asked for anything yet; put it right, and look again: conclave ceremony check %s", err, safefile.Quoted(f.Path))
	}
	return err
}

// checkTable shows what a check has found.
func checkTable(found []preflight.Finding) [][]string {
	rows := [][]string{{"", "WHAT", "FOUND"}}
	for _, f := range found {
		mark := "ok"
		if f.Problem {
			mark = "PROBLEM"
		}
		rows = append(rows, []string{mark, f.What, f.Detail})
	}
	return rows
}

// judgeCheck is an error where a check has found problems.
func judgeCheck(plan string, found []preflight.Finding) error {
	problems := 0
	for _, f := range found {
		if f.Problem {
			problems++
		}
	}
	if problems > 0 {
		return fmt.Errorf("%s: the ceremony cannot be held like this; problems: %d", plan, problems)
	}
	return nil
}

// afterwards says what comes next on the way to a ceremony.
func (cmd ceremonyCheck) afterwards(c *console, f plan.File) {
	if cmd.Dir.Begun() != "" {
		c.next("go on with the ceremony: %s", holdCommand(f))
		return
	}
	c.nextPreparations(f)
}

// nextPreparations says what is done with a plan before people come.
func (c *console) nextPreparations(f plan.File) {
	path := safefile.Quoted(f.Path)
	c.next("rehearse it: conclave ceremony rehearse %s; print its paper: conclave ceremony runbook %s; and when people are there, hold it: %s", path, path, holdCommand(f))
}

// holdCommand is the command that holds what a plan says.
func holdCommand(f plan.File) string {
	command := "conclave ceremony run " + safefile.Quoted(f.Path)
	if f.Plan.NeedsBackup() {
		command += " --backup DIR"
	}
	return command
}

// checkReport is what a check has found.
type checkReport struct {
	OK       bool      `json:"ok"` // there is no problem
	Findings []finding `json:"findings"`
}

type finding struct {
	What    string `json:"what"`
	Found   string `json:"found"`
	Problem bool   `json:"problem"`
}

func newCheckReport(found []preflight.Finding) checkReport {
	report := checkReport{true, []finding{}}
	for _, f := range found {
		report.OK = report.OK && !f.Problem
		report.Findings = append(report.Findings, finding{f.What, f.Detail, f.Problem})
	}
	return report
}

type ceremonyRunbook struct {
	answering
	Plan string `arg:"" complete:"files:json" help:"The plan."`
	Out  string `placeholder:"STEM" help:"Write STEM.html and STEM.pdf. Default: PLAN.runbook."`
	// Practice is for the rehearsal's paper.
	Practice bool `help:"The runbook of the rehearsal, with practice names."`
}

// Run writes the runbook.
func (cmd ceremonyRunbook) Run(c *console) error {
	f, err := readPlan(cmd.Plan, plan.ReadFile)
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
	if err := writeRunbook(c, f, cmd.Out); err != nil || cmd.Practice {
		return err
	}
	c.next("print it, for the administrator and for the witness; and when people are there: %s", holdCommand(f))
	return nil
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
	if err := writeBoth(stem, func() ([]byte, error) { return runbook.HTML(book) }, func() ([]byte, error) { return runbook.PDF(book) }); err != nil {
		return err
	}
	answer := runbookAnswer{HTML: stem + ".html", PDF: stem + ".pdf"}
	sheets, err := ceremony.PINSheets(f.Plan)
	if err == nil && sheets != nil {
		answer.PINSheets = stem + ".pin-sheets.pdf"
		err = safefile.Create(answer.PINSheets, sheets)
	}
	if err != nil {
		return err
	}
	return c.answer(answer, func() error {
		c.out.Printf("Runbook written to %s and %s\n", answer.HTML, answer.PDF)
		if answer.PINSheets != "" {
			c.out.Printf("Blank PIN sheets written to %s; print them on one side\n", answer.PINSheets)
		}
		return c.out.Err()
	})
}

// writeBoth writes a document, as HTML and as a PDF.
func writeBoth(stem string, html, pdf func() ([]byte, error)) error {
	content, err := html()
	if err == nil {
		err = safefile.Create(stem+".html", content)
	}
	if err != nil {
		return err
	}
	if content, err = pdf(); err == nil {
		err = safefile.Create(stem+".pdf", content)
	}
	if err != nil {
		err = fmt.Errorf("%w; %s.html is written, and a browser can print it", err, stem)
	}
	return err
}

// runbookAnswer is the files of a runbook.
type runbookAnswer struct {
	HTML      string `json:"html"`
	PDF       string `json:"pdf"`
	PINSheets string `json:"pin_sheets"` // empty where no PIN is written by hand
}
