package document

import (
	"fmt"
	"strings"

	"conclave/internal/typeset"
)

// NewSection begins a page with a heading.
func (p *Page) NewSection(name, note string) {
	if p.y > p.top {
		p.next()
	}
	p.Heading(name, note)
}

// Heading is placed with what comes after it. It is an entry in the outline of
// the file too.
func (p *Page) Heading(name, note string) {
	b := p.Paragraph(Left, Width, section(), name)
	text := b.Draw
	b.Draw = func(top float64) {
		text(top)
		p.Bookmark(name, 0, top)
	}
	p.pending = append(p.pending, Space(7), Stick(Pad(b, 2)))
	if note != "" {
		p.pending = append(p.pending, Stick(Pad(p.Paragraph(Left, Width, Body(), note), 3)))
	}
}

// Subheading is a heading within a section.
func (p *Page) Subheading(name string) {
	p.pending = append(p.pending, Space(6), Stick(Pad(p.Paragraph(Left, Width, Subtitle(), name), 1.5)))
}

// WithMark is a text with something drawn at its left.
func (p *Page) WithMark(x, room, hang float64, text string, mark func(x, top float64)) Block {
	b := p.Paragraph(x+hang, room-hang, Body(), text)
	lines := b.Draw
	b.Draw = func(top float64) {
		mark(x, top)
		lines(top)
	}
	return b
}

// Dash is a text in a list that nothing is ticked in.
func (p *Page) Dash(x, room float64, text string) Block {
	return Pad(p.WithMark(x, room, 5, text, func(x, top float64) { p.Text(x, top, Body(), "–") }), 0.5)
}

// Fact is a name and a text, with a thin rule above them. The hashes below the text may
// be none.
func (p *Page) Fact(name, text string, hashes ...string) Block {
	const names = 35.0
	texts := p.Paragraph(Left+names, Width-names, Body(), text)
	sums := p.Paragraph(Left+names, Width-names, fingerprint(), strings.Join(hashes, "\n"))
	b := Beside(p.Paragraph(Left, names-columnGap, Small(), name), Pad(texts, sums.Height))
	return Block{Height: b.Height + 2.6, Draw: func(top float64) {
		p.Rule(Left, top, Right, top)
		b.Draw(top + 1.3)
		sums.Draw(top + 1.3 + texts.Height)
	}}
}

// fingerprint has room for a SHA-256 on a line beside the name of a fact.
func fingerprint() typeset.Style {
	return typeset.Style{Face: typeset.Mono, Points: 9, Leading: 1.5}
}

// WordGrid is a grid of words beside their numbers, four a row, so that people can
// say which they mean. An empty word is a line to write on.
func (p *Page) WordGrid(words []string, pitch float64) Block {
	const columns, hang = 4, 8.0
	rows := (len(words) + columns - 1) / columns
	return Block{Height: float64(rows) * pitch, Draw: func(top float64) {
		for i, word := range words {
			x := Left + float64(i%columns)*Width/columns
			end := top + float64(i/columns+1)*pitch
			p.textEndingAt(x+hang-2, end-Small().Height(), Small(), fmt.Sprint(i+1))
			p.Text(x+hang, end-Body().Height()+0.3, Body(), word)
			if word == "" {
				p.Rule(x+hang, end, x+float64(Width)/columns-4, end)
			}
		}
	}}
}
