package runbook

import (
	"fmt"

	"conclave/internal/document"
)

// Steps are indented, with their numbers at the left.
const (
	stepHang  = 12.0
	stepLeft  = document.Left + stepHang
	stepWidth = document.Width - stepHang
)

func (p *page) steps(c content) {
	p.Heading(c.Label.Steps, c.Label.StepsNote)
	for _, s := range c.Steps {
		again := p.Paragraph(stepLeft, stepWidth, document.Small(), fmt.Sprintf("Step %d, continued", s.Number))
		p.Whole(document.Pad(again, 2), p.step(s)...)
	}
}

func (p *page) step(s paperStep) []document.Block {
	blocks := []document.Block{document.Space(4), document.Stick(p.stepHead(s)),
		document.Stick(document.Pad(p.Paragraph(stepLeft, stepWidth, document.Small(), s.Label.Begins+": "+s.Begins), 1.4))}
	for _, text := range s.Do {
		blocks = append(blocks, p.tick(stepLeft, stepWidth, text))
	}
	if len(s.Expect) > 0 {
		blocks = append(blocks, document.Space(1), document.Stick(p.beam(p.Paragraph(stepLeft+4, stepWidth-4, document.Lead(), s.Label.See))))
		blocks = append(blocks, p.expected(s.Expect)...)
	}
	if len(s.Write) > 0 {
		blocks = append(blocks, document.Space(2.4), document.Stick(p.Paragraph(stepLeft, stepWidth, document.Lead(), s.Label.Write)))
		for _, text := range s.Write {
			blocks = append(blocks, p.write(text))
		}
	}
	return append(blocks, document.Space(0.5), p.blanks(stepLeft,
		blank{30, s.Label.Time, false}, blank{39, s.Label.AdministratorInitials, false},
		blank{39, s.Label.WitnessInitials, false}, blank{33, s.Label.ExceptionNo, true}))
}

// expected are what must be seen, two beside each other where each takes one line.
func (p *page) expected(texts []string) (blocks []document.Block) {
	const x, room = stepLeft + 4, stepWidth - 4
	short := func(i int) bool { return i < len(texts) && p.Measure(document.Body(), texts[i]) < room/2-8 }
	for i := 0; i < len(texts); i++ {
		b := p.Dash(x, room, texts[i])
		if short(i) && short(i+1) {
			i++
			b = document.Beside(b, p.Dash(x+room/2, room/2, texts[i]))
		}
		blocks = append(blocks, p.beam(b))
	}
	return blocks
}

// stepHead is the number and the title, below a thin rule.
func (p *page) stepHead(s paperStep) document.Block {
	b := p.Paragraph(stepLeft, stepWidth, document.Subtitle(), s.Title)
	lines := b.Draw
	return document.Block{Height: b.Height + 2.5, Draw: func(top float64) {
		p.Rule(document.Left, top, document.Right, top)
		p.Text(document.Left, top+2.5, document.Subtitle(), fmt.Sprint(s.Number))
		lines(top + 2.5)
		p.Bookmark(fmt.Sprintf("%d %s", s.Number, s.Title), 1, top)
	}}
}

// beam draws a line at the left of what must be seen.
func (p *page) beam(b document.Block) document.Block {
	inner := b.Draw
	b.Draw = func(top float64) {
		p.Rule(stepLeft, top, stepLeft, top+b.Height)
		inner(top)
	}
	return b
}

// write is a line to write on, with its name before it.
func (p *page) write(text string) document.Block {
	const names = 62.0
	name := p.Paragraph(stepLeft, names, document.Body(), text)
	h := max(8.5, name.Height+2.5)
	return document.Block{Height: h, Draw: func(top float64) {
		name.Draw(top + h - name.Height)
		p.Rule(stepLeft+names+3, top+h-1, document.Right, top+h-1)
	}}
}
