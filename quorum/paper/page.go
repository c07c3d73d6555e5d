package paper

import (
	"errors"
	"time"

	"conclave/internal/typeset"
)

const (
	pageWidth, pageHeight = 148, 210 // millimetres: A5, ISO 216
	margin                = 10
	left, right           = margin, pageWidth - margin
	bottom                = pageHeight - margin
	width                 = right - left
)

func style(face string, points float64) typeset.Style {
	return typeset.Style{Face: face, Points: points, Leading: typeset.Tight}
}

// page is a page that is being drawn, from y downwards.
type page struct {
	*typeset.Document
	y float64
}

func newPage(date time.Time) *page {
	p := &page{typeset.New(pageWidth, pageHeight, date, typeset.Regular, typeset.Bold, typeset.Mono, typeset.MonoBold), margin}
	p.SetTitle("Share sheet", false)
	p.AddPage()
	return p
}

// text draws a line below top, and returns where it ends. It fails if there is
// no room for it.
func (p *page) text(x, top, room float64, s typeset.Style, text string) float64 {
	const rounding = 0.01
	w := p.Measure(s, text)
	if w > room+rounding {
		p.SetError(errors.New("a line is wider than the room for it"))
	}
	p.Text(x, top, s, text)
	return x + w
}

// centre draws a line in the middle of the room.
func (p *page) centre(x, top, room float64, s typeset.Style, text string) {
	p.text(x+(room-p.Measure(s, text))/2, top, room, s, text)
}

// paragraph draws lines from p.y downwards, as many as the text takes.
func (p *page) paragraph(x, room float64, s typeset.Style, text string) {
	for _, line := range p.Wrap(s, room, text) {
		p.text(x, p.y, room, s, line)
		p.y += s.Height()
	}
}

// ruleSpace is above and below a rule.
const ruleSpace = 2.6

// rule draws a thin line across the page.
func (p *page) rule() {
	p.y += ruleSpace
	p.line(left, right, p.y)
	p.y += ruleSpace
}

func (p *page) line(from, to, y float64) {
	p.SetLineWidth(0.2)
	p.Line(from, y, to, y)
}
