// Package document is how the documents of a ceremony look: pages of a PDF, which
// blocks of text flow over, and the style of a page of HTML. It knows nothing about what
// they say.
//
// Begin with [New]. Headings, paragraphs and tables are placed with [Page.Flow] or
// [Page.Whole], and [Page.Bytes] gives the file. Lengths are in millimetres.
package document

import (
	"fmt"
	"time"

	"conclave/internal/typeset"
)

// The left margin has room for the holes of a binder.
const (
	pageWidth, pageHeight = 210, 297 // millimetres: A4, ISO 216
	Left, Right           = 25, 190
	Width                 = Right - Left
	headTop, footTop      = 12, 284
	markHeight            = 12 // above the head
	bottom                = 280
)

// Body is the style of what is read.
func Body() typeset.Style { return typeset.Style{Face: typeset.Regular, Points: 10, Leading: 1.4} }

// Small is that of what only names or accompanies something.
func Small() typeset.Style {
	return typeset.Style{Face: typeset.Regular, Points: 9, Leading: 1.3}
}

// Lead is that of the line before a few others.
func Lead() typeset.Style { return typeset.Style{Face: typeset.Bold, Points: 9, Leading: 1.4} }

// Strong is that of what a line is about.
func Strong() typeset.Style { return typeset.Style{Face: typeset.Bold, Points: 10, Leading: 1.4} }

// Hash is that of what is compared character by character.
func Hash() typeset.Style { return typeset.Style{Face: typeset.Mono, Points: 9.5, Leading: 1.5} }

// Title is that of the name of the whole.
func Title() typeset.Style { return typeset.Style{Face: typeset.Bold, Points: 26, Leading: 1.25} }

func section() typeset.Style { return typeset.Style{Face: typeset.Bold, Points: 17, Leading: 1.3} }

// Subtitle is that of a heading within a section.
func Subtitle() typeset.Style { return typeset.Style{Face: typeset.Bold, Points: 12.5, Leading: 1.35} }

// Running is what stands on every page.
type Running struct {
	Head string // a name, in two lines at most
	Foot string // left of the number of the page
	Mark string // in large letters above the head; empty for none
}

// Page is the page that is being filled, from the top downwards, and those before it.
type Page struct {
	*typeset.Document
	running Running
	top, y  float64
	pending []Block // headings, to be placed with what comes next
}

// New begins the first page.
func New(title string, running Running, date time.Time) *Page {
	p := &Page{Document: typeset.New(pageWidth, pageHeight, date, typeset.Regular, typeset.Bold, typeset.Mono), running: running}
	p.top = headTop + float64(len(p.Wrap(Small(), Width, running.Head)))*Small().Height() + 6
	if running.Mark != "" {
		p.top += markHeight
	}
	p.SetTitle(title, true)
	p.next()
	return p
}

// next begins another page.
func (p *Page) next() {
	p.AddPage()
	p.y = p.top
}

// reopen goes back to an earlier page. Its font is not the current one then; another
// one in between makes sure that it is set again.
func (p *Page) reopen(number int) {
	p.SetPage(number)
	p.Measure(typeset.Style{Face: typeset.Regular, Points: 1}, "")
}

// Bytes draws head and foot of all pages, whose number is known now, and returns the
// file.
func (p *Page) Bytes() ([]byte, error) {
	lines := p.Wrap(Small(), Width, p.running.Head)
	last := p.PageCount()
	for n := 1; n <= last; n++ {
		p.reopen(n)
		y := float64(headTop)
		if p.running.Mark != "" {
			mark := typeset.Style{Face: typeset.Bold, Points: 30, Leading: typeset.Tight}
			p.Text(Left+(Width-p.Measure(mark, p.running.Mark))/2, y-3, mark, p.running.Mark)
			y += markHeight
		}
		for i, line := range lines {
			p.Text(Left, y+float64(i)*Small().Height(), Small(), line)
		}
		rule := y + float64(len(lines))*Small().Height() + 0.8
		p.Rule(Left, rule, Right, rule)
		p.Rule(Left, footTop-0.8, Right, footTop-0.8)
		p.Text(Left, footTop, Small(), p.running.Foot)
		p.textEndingAt(Right, footTop, Small(), fmt.Sprintf("page %d of %d", n, last))
	}
	return p.Document.Bytes()
}

// textEndingAt writes a line that ends at x.
func (p *Page) textEndingAt(x, top float64, s typeset.Style, text string) {
	p.Text(x-p.Measure(s, text), top, s, text)
}

// Rule draws a thin rule to write on, or between things.
func (p *Page) Rule(x1, y1, x2, y2 float64) {
	p.SetDrawColor(90, 90, 90)
	p.SetLineWidth(0.2)
	p.Line(x1, y1, x2, y2)
}

// Box draws a box to tick, or to write into.
func (p *Page) Box(x, y, w, h float64) {
	p.SetDrawColor(0, 0, 0)
	p.SetLineWidth(0.3)
	p.Rect(x, y, w, h, "D")
}
