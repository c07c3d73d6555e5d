package document

import (
	"strings"

	"conclave/internal/typeset"
)

// Block is something that is never broken: it is drawn below its top.
type Block struct {
	Height float64
	Draw   func(top float64) // nil for space, which a page does not begin with
	Sticky bool              // it has to be on the same page as what comes next
}

// Space is nothing but room.
func Space(height float64) Block { return Block{Height: height} }

// Stick has a block stay with the next one.
func Stick(b Block) Block {
	b.Sticky = true
	return b
}

func height(blocks []Block) (sum float64) {
	for _, b := range blocks {
		sum += b.Height
	}
	return sum
}

// Whole places blocks on one page, if they fit on one; else they flow.
func (p *Page) Whole(again Block, blocks ...Block) {
	all := append(p.pending, blocks...)
	if h := height(all); h > bottom-p.y && h <= bottom-p.top {
		p.next()
	}
	p.Flow(again, blocks...)
}

// Flow places blocks one below the other, on as many pages as they take. Every page
// after the first begins with the block again.
func (p *Page) Flow(again Block, blocks ...Block) {
	blocks = append(p.pending, blocks...)
	p.pending = nil
	for begun := false; len(blocks) > 0; begun = true {
		n := together(blocks)
		if height(blocks[:n]) > bottom-p.y && p.y > p.top {
			p.next()
			if begun {
				p.put(again)
			}
		}
		for _, b := range blocks[:n] {
			p.put(b)
		}
		blocks = blocks[n:]
	}
}

// together is how many of the blocks stick to the first one.
func together(blocks []Block) int {
	for i, b := range blocks {
		if !b.Sticky && b.Draw != nil {
			return i + 1
		}
	}
	return len(blocks)
}

func (p *Page) put(b Block) {
	switch {
	case b.Draw != nil:
		b.Draw(p.y)
	case p.y == p.top:
		return
	}
	p.y += b.Height
}

// Paragraph is a text in as many lines as it takes; what is on lines of their own stays
// so.
func (p *Page) Paragraph(x, room float64, s typeset.Style, text string) Block {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, p.Wrap(s, room, line)...)
	}
	return Block{Height: float64(len(lines)) * s.Height(), Draw: func(top float64) {
		for i, line := range lines {
			p.Text(x, top+float64(i)*s.Height(), s, line)
		}
	}}
}

// Beside is several blocks with one top.
func Beside(blocks ...Block) Block {
	all := Block{Draw: func(top float64) {
		for _, b := range blocks {
			if b.Draw != nil {
				b.Draw(top)
			}
		}
	}}
	for _, b := range blocks {
		all.Height = max(all.Height, b.Height)
	}
	return all
}

// Pad gives a block space below it.
func Pad(b Block, below float64) Block {
	b.Height += below
	return b
}

// Column of a table; its cells are written in a style.
type Column struct {
	Width float64
	Title string
	Style typeset.Style
}

// columnGap is between columns, and in the rules below them, so that each blank
// cell is a line to write on.
const columnGap = 3

// Table is on one page if it fits on one. Else its heads are repeated on every page, and
// neither the first nor the last row is alone with them. Rows have a minimum height, for
// handwriting; 0 where there is none.
func (p *Page) Table(columns []Column, rowHeight float64, rows [][]string) {
	blocks := p.Rows(columns, rowHeight, rows)
	p.Whole(blocks[0], blocks...)
}

// Rows are those of a table, its heads first.
func (p *Page) Rows(columns []Column, rowHeight float64, rows [][]string) []Block {
	var titles []string
	heads := make([]Column, len(columns))
	for i, c := range columns {
		titles = append(titles, c.Title)
		heads[i] = Column{Width: c.Width, Style: Small()}
	}
	head := Stick(p.row(heads, 6, titles))
	blocks := []Block{head}
	for i, cells := range rows {
		row := p.row(columns, rowHeight, cells)
		row.Sticky = (i == 0 || i == len(rows)-2) && i < len(rows)-1
		blocks = append(blocks, row)
	}
	return blocks
}

// row is a row of a table: the texts of its cells are at its bottom, where one
// writes, or else at its top.
func (p *Page) row(columns []Column, least float64, cells []string) Block {
	var texts []Block
	for i, x := 0, float64(Left); i < len(columns); i++ {
		texts = append(texts, p.Paragraph(x, columns[i].Width-columnGap, columns[i].Style, cells[i]))
		x += columns[i].Width
	}
	h := Beside(texts...).Height + 2.4
	if least > 0 {
		h = max(least, h+0.6)
	}
	return Block{Height: h, Draw: func(top float64) {
		x := float64(Left)
		for i, text := range texts {
			if least > 0 {
				text.Draw(top + h - 1 - text.Height)
			} else {
				text.Draw(top + 1.2)
			}
			end := x + columns[i].Width
			if i < len(columns)-1 {
				end -= columnGap
			}
			p.Rule(x, top+h, end, top+h)
			x += columns[i].Width
		}
	}}
}
