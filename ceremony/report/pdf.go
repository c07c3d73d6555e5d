package report

import (
	"fmt"
	"strings"

	"conclave/internal/document"
	"conclave/internal/typeset"
)

// PDF gives the report as A4 pages. The fonts are the Go fonts; a character that they
// lack is an error that says where it is.
func PDF(s Source) ([]byte, error) {
	c, err := s.content()
	if err != nil {
		return nil, err
	}
	if err := c.printable(); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	running := document.Running{Head: c.Name, Foot: "Closing " + c.Digest}
	if c.Note != "" {
		running.Mark = "PRACTICE"
	}
	p := &page{document.New(c.Kind+": "+c.Name, running, s.Evidence.End)}
	p.cover(c)
	for _, s := range c.Sections {
		p.section(s)
	}
	content, err := p.Bytes()
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return content, nil
}

// page is the page of a report.
type page struct{ *document.Page }

// cover says which ceremony it is, and how far its evidence can be relied on.
func (p *page) cover(c content) {
	p.Flow(document.Block{},
		document.Stick(document.Pad(p.Paragraph(document.Left, document.Width, document.Small(), c.Kind), 1)),
		document.Pad(p.Paragraph(document.Left, document.Width, document.Title(), c.Name), 6))
	if c.Note != "" {
		p.Flow(document.Block{}, document.Pad(p.Paragraph(document.Left, document.Width, document.Lead(), c.Note), 4))
	}
	p.Flow(document.Block{}, document.Pad(p.verdict(c.Verdict), 5))
	p.facts(c.Facts, nil)
}

// verdict is a text in a box.
func (p *page) verdict(text string) document.Block {
	const inside = 4.0
	b := p.Paragraph(document.Left+inside, document.Width-2*inside, document.Lead(), text)
	lines, height := b.Draw, b.Height+2*inside
	return document.Block{Height: height, Draw: func(top float64) {
		p.Box(document.Left, top, document.Width, height)
		lines(top + inside)
	}}
}

func (p *page) section(s section) {
	if s.OnNewPage {
		p.NewSection(s.Title, s.Note)
	} else {
		p.Heading(s.Title, s.Note)
	}
	p.inside(s)
	for _, part := range s.Parts {
		p.Subheading(part.Title)
		p.inside(part)
	}
}

// inside is what a section has below its heading.
func (p *page) inside(s section) {
	p.facts(s.Facts, s.Words)
	for _, text := range s.List {
		p.Flow(document.Block{}, p.Dash(document.Left, document.Width, text))
	}
	if s.Table != nil {
		p.table(s.Table)
	}
	if len(s.Parts) == 0 { // there may be nothing below the heading
		p.Flow(document.Block{})
	}
}

// facts, and the words of a hash below them, are kept together if they fit on a page.
func (p *page) facts(facts []fact, words []string) {
	var blocks []document.Block
	for _, f := range facts {
		blocks = append(blocks, p.Fact(f.Name, f.Text, f.Sums...))
	}
	if words != nil {
		blocks = append(blocks, document.Space(2), p.WordGrid(words, document.Body().Height()+0.6))
	}
	if blocks != nil {
		p.Whole(document.Block{}, blocks...)
	}
}

// table is read, or filled in by hand.
func (p *page) table(t *table) {
	dense := typeset.Style{Face: typeset.Regular, Points: 9, Leading: 1.4}
	var columns []document.Column
	for i, title := range t.Titles {
		columns = append(columns, document.Column{Width: document.Width * float64(t.Widths[i]) / 100, Title: title, Style: dense})
	}
	height := 0.0
	if t.Blank {
		height = 12
	}
	p.Table(columns, height, t.Rows)
}

// printable finds a character that the PDF cannot print.
func (c content) printable() error {
	all := section{Title: c.Name, Facts: c.Facts, Parts: c.Sections}
	return all.printable()
}

func (s section) printable() error {
	texts := append([]string{s.Title, s.Note}, s.List...)
	for _, f := range s.Facts {
		texts = append(texts, f.Text)
	}
	if s.Table != nil {
		for _, row := range s.Table.Rows {
			texts = append(texts, row...)
		}
	}
	for _, text := range texts {
		for line := range strings.SplitSeq(text, "\n") {
			if err := typeset.Check(line); err != nil {
				return fmt.Errorf("%s: %w, or print the HTML, which can have any character", s.Title, err)
			}
		}
	}
	for _, part := range s.Parts {
		if err := part.printable(); err != nil {
			return err
		}
	}
	return nil
}
