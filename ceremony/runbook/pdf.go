package runbook

import (
	"fmt"

	"conclave/internal/document"
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
	running := document.Running{Head: c.Name, Foot: c.Label.Digest + " " + c.Digest}
	if c.Practice {
		running.Mark = c.Label.Practice
	}
	p := &page{document.New(c.Label.Book+": "+c.Name, running, b.Made)}
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
	return p
}

// page is the page of a runbook.
type page struct{ *document.Page }

// tick is a text with a box to tick.
func (p *page) tick(x, room float64, text string) document.Block {
	const side = 3.6
	return document.Pad(p.WithMark(x, room, 7, text, func(x, top float64) { p.Box(x, top+(document.Body().Height()-side)/2, side, side) }), 1.2)
}

// blank is a line to write on, or a box, with its name below it.
type blank struct {
	width float64
	name  string
	boxed bool
}

// blanks is a row of them.
func (p *page) blanks(x float64, all ...blank) document.Block {
	const room, gap = 9.0, 4.0
	return document.Block{Height: room + document.Small().Height() + 2, Draw: func(top float64) {
		at := x
		for _, b := range all {
			if b.boxed {
				p.Box(at, top+1, b.width, room-1)
			} else {
				p.Rule(at, top+room, at+b.width, top+room)
			}
			p.Text(at, top+room+0.6, document.Small(), b.name)
			at += b.width + gap
		}
	}}
}
