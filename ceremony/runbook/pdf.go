package runbook

import (
	"fmt"

	"conclave/internal/typeset"
)

// PDF gives the runbook as A4 pages. The fonts are the Go fonts; a character that
// they lack is an error that names the field.
func PDF(b Book) ([]byte, error) {
	c, err := b.content()
	if err != nil {
		return nil, fmt.Errorf("runbook: %w", err)
	}
	if err := b.printable(c); err != nil {
		return nil, fmt.Errorf("runbook: %w", err)
	}
	content, err := draw(c, b).Bytes()
	if err != nil {
		return nil, fmt.Errorf("runbook: %w", err)
	}
	return content, nil
}

func draw(c content, b Book) *page {
	top := float64(headTop + 2*small().Height() + 7)
	if c.Practice {
		top += markHeight
	}
	p := newPage(c.Label.Book+": "+c.Name, top, b.Made)
	p.cover(c)
	p.agenda(c)
	p.parts(c)
	p.materials(c)
	p.ceremonyKey(c)
	p.before(c)
	p.steps(c)
	p.sheets(c)
	p.closing(c)
	for range c.Exceptions {
		p.exceptions(c.Label)
	}
	p.running(c)
	return p
}

// running draws head and foot of all pages, once their number is known.
func (p *page) running(c content) {
	lines := p.Wrap(small(), width, c.Name)
	last := p.PageCount()
	for n := 1; n <= last; n++ {
		p.reopen(n)
		y := float64(headTop)
		if c.Practice {
			mark := typeset.Style{Face: typeset.Bold, Points: 30, Leading: typeset.Tight}
			p.Text(left+(width-p.Measure(mark, c.Label.Practice))/2, y-3, mark, c.Label.Practice)
			y += markHeight
		}
		y += float64(2-len(lines)) * small().Height() // one line is beside the rule
		for i, line := range lines {
			p.Text(left, y+float64(i)*small().Height(), small(), line)
		}
		rule := y + float64(len(lines))*small().Height() + 0.8
		p.line(left, rule, right, rule)
		p.line(left, footTop-0.8, right, footTop-0.8)
		p.Text(left, footTop, small(), c.Label.Digest+" "+c.Digest)
		p.textEndingAt(right, footTop, small(), fmt.Sprintf("page %d of %d", n, last))
	}
}

// newSection begins a page with a heading.
func (p *page) newSection(name, note string) {
	if p.y > p.top {
		p.next()
	}
	p.heading(name, note)
}

// heading is placed with what comes after it. It is an entry in the outline of
// the file too.
func (p *page) heading(name, note string) {
	b := p.paragraph(left, width, section(), name)
	text := b.draw
	b.draw = func(top float64) {
		text(top)
		p.Bookmark(name, 0, top)
	}
	p.pending = append(p.pending, space(7), stick(pad(b, 2)))
	if note != "" {
		p.pending = append(p.pending, stick(pad(p.paragraph(left, width, body(), note), 3)))
	}
}

// subheading is a heading within a section.
func (p *page) subheading(name string) {
	p.pending = append(p.pending, space(6), stick(pad(p.paragraph(left, width, stepTitle(), name), 1.5)))
}

// withMark is a text with something drawn at its left.
func (p *page) withMark(x, room, hang float64, text string, mark func(x, top float64)) block {
	b := p.paragraph(x+hang, room-hang, body(), text)
	lines := b.draw
	b.draw = func(top float64) {
		mark(x, top)
		lines(top)
	}
	return b
}

// tick is a text with a box to tick.
func (p *page) tick(x, room float64, text string) block {
	const side = 3.6
	return pad(p.withMark(x, room, 7, text, func(x, top float64) { p.box(x, top+(body().Height()-side)/2, side, side) }), 1.2)
}

// dash is a text in a list that nothing is ticked in.
func (p *page) dash(x, room float64, text string) block {
	return pad(p.withMark(x, room, 5, text, func(x, top float64) { p.Text(x, top, body(), "–") }), 0.5)
}

// blank is a line to write on, or a box, with its name below it.
type blank struct {
	width float64
	name  string
	boxed bool
}

// blanks is a row of them.
func (p *page) blanks(x float64, all ...blank) block {
	const room, gap = 9.0, 4.0
	return block{height: room + small().Height() + 2, draw: func(top float64) {
		at := x
		for _, b := range all {
			if b.boxed {
				p.box(at, top+1, b.width, room-1)
			} else {
				p.line(at, top+room, at+b.width, top+room)
			}
			p.Text(at, top+room+0.6, small(), b.name)
			at += b.width + gap
		}
	}}
}
