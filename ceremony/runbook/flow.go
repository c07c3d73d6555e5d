package runbook

import "conclave/internal/typeset"

// block is something that is never broken: it is drawn below its top.
type block struct {
	height float64
	draw   func(top float64) // nil for space, which a page does not begin with
	sticky bool              // it has to be on the same page as what comes next
}

func space(height float64) block { return block{height: height} }

// stick has a block stay with the next one.
func stick(b block) block {
	b.sticky = true
	return b
}

func height(blocks []block) (sum float64) {
	for _, b := range blocks {
		sum += b.height
	}
	return sum
}

// whole places blocks on one page, if they fit on one; else they flow.
func (p *page) whole(again block, blocks ...block) {
	all := append(p.pending, blocks...)
	if h := height(all); h > bottom-p.y && h <= bottom-p.top {
		p.next()
	}
	p.flow(again, blocks...)
}

// flow places blocks one below the other, on as many pages as they take. Every page
// after the first begins with the block again.
func (p *page) flow(again block, blocks ...block) {
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
func together(blocks []block) int {
	for i, b := range blocks {
		if !b.sticky && b.draw != nil {
			return i + 1
		}
	}
	return len(blocks)
}

func (p *page) put(b block) {
	switch {
	case b.draw != nil:
		b.draw(p.y)
	case p.y == p.top:
		return
	}
	p.y += b.height
}

// paragraph is a text in as many lines as it takes.
func (p *page) paragraph(x, room float64, s typeset.Style, text string) block {
	lines := p.Wrap(s, room, text)
	return block{height: float64(len(lines)) * s.Height(), draw: func(top float64) {
		for i, line := range lines {
			p.Text(x, top+float64(i)*s.Height(), s, line)
		}
	}}
}

// beside is several blocks with one top.
func beside(blocks ...block) block {
	all := block{draw: func(top float64) {
		for _, b := range blocks {
			if b.draw != nil {
				b.draw(top)
			}
		}
	}}
	for _, b := range blocks {
		all.height = max(all.height, b.height)
	}
	return all
}

// pad gives a block space below it.
func pad(b block, below float64) block {
	b.height += below
	return b
}

// column of a table; its cells are written in a style.
type column struct {
	width float64
	title string
	style typeset.Style
}

// columnGap is between columns, and in the rules below them, so that each blank
// cell is a line to write on.
const columnGap = 3

// table is on one page if it fits on one. Else its heads are repeated on every page, and
// neither the first nor the last row is alone with them. Rows have a minimum height, for
// handwriting; 0 where there is none.
func (p *page) table(columns []column, rowHeight float64, rows [][]string) {
	blocks := p.rows(columns, rowHeight, rows)
	p.whole(blocks[0], blocks...)
}

// rows are those of a table, its heads first.
func (p *page) rows(columns []column, rowHeight float64, rows [][]string) []block {
	var titles []string
	heads := make([]column, len(columns))
	for i, c := range columns {
		titles = append(titles, c.title)
		heads[i] = column{width: c.width, style: small()}
	}
	head := stick(p.row(heads, 6, titles))
	blocks := []block{head}
	for i, cells := range rows {
		row := p.row(columns, rowHeight, cells)
		row.sticky = (i == 0 || i == len(rows)-2) && i < len(rows)-1
		blocks = append(blocks, row)
	}
	return blocks
}

// row is a row of a table: the texts of its cells are at its bottom, where one
// writes, or else at its top.
func (p *page) row(columns []column, least float64, cells []string) block {
	var texts []block
	for i, x := 0, float64(left); i < len(columns); i++ {
		texts = append(texts, p.paragraph(x, columns[i].width-columnGap, columns[i].style, cells[i]))
		x += columns[i].width
	}
	h := beside(texts...).height + 2.4
	if least > 0 {
		h = max(least, h+0.6)
	}
	return block{height: h, draw: func(top float64) {
		x := float64(left)
		for i, text := range texts {
			if least > 0 {
				text.draw(top + h - 1 - text.height)
			} else {
				text.draw(top + 1.2)
			}
			end := x + columns[i].width
			if i < len(columns)-1 {
				end -= columnGap
			}
			p.line(x, top+h, end, top+h)
			x += columns[i].width
		}
	}}
}
