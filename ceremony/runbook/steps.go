package runbook

import "fmt"

// Steps are indented, with their numbers at the left.
const (
	stepHang  = 12.0
	stepLeft  = left + stepHang
	stepWidth = width - stepHang
)

func (p *page) steps(c content) {
	p.heading(c.Label.Steps, c.Label.StepsNote)
	for _, s := range c.Steps {
		again := p.paragraph(stepLeft, stepWidth, small(), fmt.Sprintf("Step %d, continued", s.Number))
		p.whole(pad(again, 2), p.step(s)...)
	}
}

func (p *page) step(s paperStep) []block {
	blocks := []block{space(4), stick(p.stepHead(s)),
		stick(pad(p.paragraph(stepLeft, stepWidth, small(), s.Label.Begins+": "+s.Begins), 1.4))}
	for _, text := range s.Do {
		blocks = append(blocks, p.tick(stepLeft, stepWidth, text))
	}
	if len(s.Expect) > 0 {
		blocks = append(blocks, space(1), stick(p.beam(p.paragraph(stepLeft+4, stepWidth-4, lead(), s.Label.See))))
		blocks = append(blocks, p.expected(s.Expect)...)
	}
	if len(s.Write) > 0 {
		blocks = append(blocks, space(2.4), stick(p.paragraph(stepLeft, stepWidth, lead(), s.Label.Write)))
		for _, text := range s.Write {
			blocks = append(blocks, p.write(text))
		}
	}
	return append(blocks, space(0.5), p.blanks(stepLeft,
		blank{30, s.Label.Time, false}, blank{39, s.Label.AdministratorInitials, false},
		blank{39, s.Label.WitnessInitials, false}, blank{33, s.Label.ExceptionNo, true}))
}

// expected are what must be seen, two beside each other where each takes one line.
func (p *page) expected(texts []string) (blocks []block) {
	const x, room = stepLeft + 4, stepWidth - 4
	short := func(i int) bool { return i < len(texts) && p.Measure(body(), texts[i]) < room/2-8 }
	for i := 0; i < len(texts); i++ {
		b := p.dash(x, room, texts[i])
		if short(i) && short(i+1) {
			i++
			b = beside(b, p.dash(x+room/2, room/2, texts[i]))
		}
		blocks = append(blocks, p.beam(b))
	}
	return blocks
}

// stepHead is the number and the title, below a thin rule.
func (p *page) stepHead(s paperStep) block {
	b := p.paragraph(stepLeft, stepWidth, stepTitle(), s.Title)
	lines := b.draw
	return block{height: b.height + 2.5, draw: func(top float64) {
		p.line(left, top, right, top)
		p.Text(left, top+2.5, stepTitle(), fmt.Sprint(s.Number))
		lines(top + 2.5)
		p.Bookmark(fmt.Sprintf("%d %s", s.Number, s.Title), 1, top)
	}}
}

// beam draws a line at the left of what must be seen.
func (p *page) beam(b block) block {
	inner := b.draw
	b.draw = func(top float64) {
		p.line(stepLeft, top, stepLeft, top+b.height)
		inner(top)
	}
	return b
}

// write is a line to write on, with its name before it.
func (p *page) write(text string) block {
	const names = 62.0
	name := p.paragraph(stepLeft, names, body(), text)
	h := max(8.5, name.height+2.5)
	return block{height: h, draw: func(top float64) {
		name.draw(top + h - name.height)
		p.line(stepLeft+names+3, top+h-1, right, top+h-1)
	}}
}
