package runbook

import (
	"fmt"
	"strings"
)

// cover says which ceremony it is, who comes, and which devices.
func (p *page) cover(c content) {
	l := c.Label
	blocks := []block{
		stick(pad(p.paragraph(left, width, small(), l.Book), 1)),
		pad(p.paragraph(left, width, title(), c.Name), 6),
	}
	if c.Practice {
		blocks = append(blocks, pad(p.paragraph(left, width, lead(), l.PracticeNote), 5))
	}
	for _, fact := range [][2]string{{l.Place, c.Place}, {l.Start, c.Start}, {l.Quorum, c.Quorum}, {l.Digest, c.Digest}, {l.Made, c.Made}} {
		if fact[1] != "" {
			blocks = append(blocks, p.fact(fact[0], fact[1]))
		}
	}
	p.flow(block{}, blocks...)
	p.heading(l.People, l.PeopleNote)
	p.signatures(c)
	p.heading(l.Devices, "")
	var rows [][]string
	for _, d := range c.Devices {
		rows = append(rows, []string{d.Name, d.Serial, d.Part})
	}
	p.table([]column{{40, l.Device, body()}, {45, l.Serial, body()}, {80, l.Part, body()}}, 8.5, rows)
}

// fact is a line of the cover, with a thin rule above it.
func (p *page) fact(name, text string) block {
	const names = 35.0
	b := beside(p.paragraph(left, names, small(), name), p.paragraph(left+names, width-names, body(), text))
	inner := b.draw
	return block{height: b.height + 2.6, draw: func(top float64) {
		p.line(left, top, right, top)
		inner(top + 1.3)
	}}
}

// signatures is the table that everyone signs in.
func (p *page) signatures(c content) {
	var rows [][]string
	for _, one := range c.People {
		rows = append(rows, []string{one.Name, one.Role, "", ""})
	}
	p.table([]column{{54, c.Label.Name, body()}, {39, c.Label.Role, small()}, {50, c.Label.Signature, body()}, {22, c.Label.Initial, body()}}, 10.5, rows)
}

func (p *page) materials(c content) {
	p.newSection(c.Label.Materials, c.Label.MaterialsNote)
	for _, m := range c.Materials {
		blocks := []block{space(5), stick(pad(p.paragraph(left, width, stepTitle(), m.Name), 0.6))}
		if m.Detail != "" {
			blocks = append(blocks, stick(pad(p.paragraph(left, width, body(), m.Detail), 1)))
		}
		if m.Hash != nil {
			half := len(m.Hash) / 2
			blocks = append(blocks, stick(p.paragraph(left, width, small(), c.Label.SHA256)),
				stick(p.paragraph(left, width, hash(), strings.Join(m.Hash[:half], " "))),
				pad(p.paragraph(left, width, hash(), strings.Join(m.Hash[half:], " ")), 2))
		}
		if m.Words != nil {
			blocks = append(blocks, stick(pad(p.paragraph(left, width, small(), c.Label.Aloud), 0.6)),
				pad(p.wordGrid(m.Words, body().Height()+0.6), 2))
		}
		blocks[len(blocks)-1].sticky = false
		p.whole(block{}, blocks...)
	}
}

// wordGrid is a grid of words beside their numbers, four a row, so that people can
// say which they mean. An empty word is a line to write on.
func (p *page) wordGrid(words []string, pitch float64) block {
	const columns, hang = 4, 8.0
	rows := (len(words) + columns - 1) / columns
	return block{height: float64(rows) * pitch, draw: func(top float64) {
		for i, word := range words {
			x := left + float64(i%columns)*width/columns
			end := top + float64(i/columns+1)*pitch
			p.textEndingAt(x+hang-2, end-small().Height(), small(), fmt.Sprint(i+1))
			p.Text(x+hang, end-body().Height()+0.3, body(), word)
			if word == "" {
				p.line(x+hang, end, x+float64(width)/columns-4, end)
			}
		}
	}}
}

// ceremonyKey is where its words are written down.
func (p *page) ceremonyKey(c content) {
	p.heading(c.Label.CeremonyKey, c.Label.CeremonyKeyNote)
	p.whole(block{}, p.wordGrid(c.Blanks, 7.5))
}

func (p *page) before(c content) {
	p.heading(c.Label.Before, "")
	p.subheading(c.Label.Bring)
	for _, thing := range c.Bring {
		p.flow(block{}, p.tick(left, width, thing))
	}
	p.subheading(c.Label.Rules)
	for _, rule := range c.Rules {
		p.flow(block{}, p.dash(left, width, rule))
	}
}

func (p *page) sheets(c content) {
	if len(c.Custodians) == 0 {
		return
	}
	l := c.Label
	p.newSection(l.Sheets, l.SheetsNote)
	var rows [][]string
	for _, one := range c.Custodians {
		rows = append(rows, []string{fmt.Sprint(one.Number), one.Name, "", "", ""})
	}
	p.table([]column{{11, l.Number, body()}, {46, l.Custodian, body()}, {32, l.Bag, body()}, {41, l.Kept, body()}, {35, l.Signature, body()}}, 14, rows)
}

// exception is a blank sheet on a page of its own, so that it can be copied.
func (p *page) exception(l labels) {
	p.newSection(l.Exception, l.ExceptionNote)
	p.flow(block{}, p.blanks(left, blank{34, l.ExceptionNo, true}, blank{40, l.Time, false}, blank{83, l.Step, false}))
	p.subheading(l.Happened)
	p.flow(block{}, p.emptyLines(9))
	p.subheading(l.Decision)
	p.flow(block{}, p.emptyLines(5), space(4),
		p.blanks(left, blank{40, l.Time, false}, blank{58, l.AdministratorInitials, false}, blank{59, l.WitnessInitials, false}))
}

// emptyLines are lines to write on.
func (p *page) emptyLines(lines int) block {
	const pitch = 9.0
	return block{height: float64(lines) * pitch, draw: func(top float64) {
		for n := range lines {
			y := top + float64(n+1)*pitch
			p.line(left, y, right, y)
		}
	}}
}

// closing is what is signed last, and what is read years later.
func (p *page) closing(c content) {
	l := c.Label
	p.newSection(l.Closing, l.ClosingNote)
	p.flow(block{}, p.wordGrid(c.Blanks, 7.5))
	p.heading(l.Signatures, l.SignaturesNote)
	p.signatures(c)
	p.subheading(l.Verify)
	blocks := []block{stick(pad(p.paragraph(left, width, hash(), c.Command), 1.5))}
	for _, text := range c.Verify {
		blocks = append(blocks, pad(p.paragraph(left, width, body(), text), 1.6))
	}
	p.whole(block{}, blocks...)
}
