package ceremony

import (
	"context"
	"crypto/sha256"
	"path/filepath"
	"time"

	"conclave/ca/lint"
	"conclave/ca/register"
	"conclave/ceremony/pgpwords"
	"conclave/ceremony/plan"
	"conclave/ceremony/preflight"
	"conclave/ceremony/runbook"
	"conclave/quorum/paper"
)

// Runbook is the paper of a plan, for this program: with the hashes that are read
// aloud, and what is known of each certificate before it is signed.
func (p Program) Runbook(ctx context.Context, f plan.File, linter lint.Linter, made time.Time) (runbook.Book, error) {
	book := runbook.Book{Plan: f.Plan, Made: made, Tool: p.Version, Materials: []runbook.Material{
		material("Plan", filepath.Base(f.Path), sha256.Sum256(f.Content)), material("Program", "conclave "+p.Version, p.SHA256),
	}}
	if f.Plan.Sequel() == nil && f.Plan.Register != "" { // opening it brings it to the format that the ceremony will read
		r, err := register.Open(filepath.Join(f.Base(), f.Plan.Register))
		if err != nil {
			return book, err
		}
		if err := r.Close(); err != nil {
			return book, err
		}
	}
	for _, path := range f.Plan.Inputs() {
		content, err := readInput(f.Plan, f.Base(), path)
		if err != nil {
			return book, err
		}
		book.Materials = append(book.Materials, material(path, "comes with the plan", sha256.Sum256(content)))
	}
	for _, path := range f.Plan.KeyFiles() {
		content, err := readKeyFile(f.Base(), path)
		if err != nil {
			return book, err
		}
		book.Materials = append(book.Materials, material(path, "the file of a key that is imported", sha256.Sum256(content)))
		content.Wipe()
	}
	if f.Plan.Sequel() == nil {
		book.Expect = preflight.Check{Plan: f.Plan, Base: f.Base(), Linter: linter, Now: f.Plan.Start}.Lines(ctx)
	}
	return book, nil
}

// PINSheets are blank sheets for the PINs of a plan that are written by hand, a page for
// each; nil if there are none.
func PINSheets(p *plan.Plan) ([]byte, error) {
	if p.Custody == nil || p.Custody.Printer != "" || p.LeavesBackup() {
		return nil, nil
	}
	var blank []paper.PINSheet
	for _, sheet := range p.PINSheets() {
		if p.Change != nil && !p.Renews(sheet.Thing) {
			continue
		}
		blank = append(blank, paper.PINSheet{
			Title: "The " + sheet.Part, Device: sheet.Device, Serial: p.FindDevice(sheet.Device).Serial, Person: sheet.Who,
			Ceremony: p.Ceremony, Date: p.Start, Practice: p.Practice, Boxes: sheet.Size,
		})
	}
	if blank == nil {
		return nil, nil
	}
	return paper.PINPDF(blank...)
}

// material is one that is compared aloud.
func material(name, detail string, sum [sha256.Size]byte) runbook.Material {
	return runbook.Material{Name: name, Detail: detail, SHA256: sum, Words: pgpwords.Words(sum[:])}
}

// RunbookStem is where the runbook of a plan is written, if no one says otherwise:
// the path without .html and .pdf.
func RunbookStem(f plan.File) string { return f.Stem() + ".runbook" }
