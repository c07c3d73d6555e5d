package runbook

import (
	"time"

	"conclave/internal/typeset"
)

// The left margin has room for the holes of a binder.
const (
	pageWidth, pageHeight = 210, 297 // millimetres: A4, ISO 216
	left, right           = 25, 190
	width                 = right - left
	headTop, footTop      = 12, 284
	markHeight            = 12 // of the practice mark, above the head
	bottom                = 276
)

func body() typeset.Style      { return typeset.Style{Face: typeset.Regular, Points: 10, Leading: 1.4} }
func small() typeset.Style     { return typeset.Style{Face: typeset.Regular, Points: 9, Leading: 1.3} }
func lead() typeset.Style      { return typeset.Style{Face: typeset.Bold, Points: 9, Leading: 1.4} }
func strong() typeset.Style    { return typeset.Style{Face: typeset.Bold, Points: 10, Leading: 1.4} }
func hash() typeset.Style      { return typeset.Style{Face: typeset.Mono, Points: 9.5, Leading: 1.5} }
func title() typeset.Style     { return typeset.Style{Face: typeset.Bold, Points: 26, Leading: 1.25} }
func section() typeset.Style   { return typeset.Style{Face: typeset.Bold, Points: 17, Leading: 1.3} }
func stepTitle() typeset.Style { return typeset.Style{Face: typeset.Bold, Points: 12.5, Leading: 1.35} }

// page is the page that is being filled, from y downwards, and those before it.
type page struct {
	*typeset.Document
	top, y  float64
	pending []block // headings, to be placed with what comes next
}

// newPage begins the first page.
func newPage(title string, top float64, date time.Time) *page {
	p := &page{Document: typeset.New(pageWidth, pageHeight, date, typeset.Regular, typeset.Bold, typeset.Mono), top: top}
	p.SetTitle(title, true)
	p.next()
	return p
}

// next begins another page.
func (p *page) next() {
	p.AddPage()
	p.y = p.top
}

// reopen goes back to an earlier page. Its font is not the current one then; another
// one in between makes sure that it is set again.
func (p *page) reopen(number int) {
	p.SetPage(number)
	p.Measure(typeset.Style{Face: typeset.Regular, Points: 1}, "")
}

// textEndingAt writes a line that ends at x.
func (p *page) textEndingAt(x, top float64, s typeset.Style, text string) {
	p.Text(x-p.Measure(s, text), top, s, text)
}

// line draws a rule to write on, or between things.
func (p *page) line(x1, y1, x2, y2 float64) {
	p.SetDrawColor(90, 90, 90)
	p.SetLineWidth(0.2)
	p.Line(x1, y1, x2, y2)
}

// box draws a box to tick, or to write into.
func (p *page) box(x, y, w, h float64) {
	p.SetDrawColor(0, 0, 0)
	p.SetLineWidth(0.3)
	p.Rect(x, y, w, h, "D")
}
