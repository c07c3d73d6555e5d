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
	signatures := p.signatures(c)
	p.whole(signatures[0], signatures...)
	p.heading(l.Devices, "")
	var rows [][]string
	for _, d := range c.Devices {
		rows = append(rows, []string{d.Name, d.Serial, d.Part})
	}
	p.table([]column{{40, l.Device, body()}, {45, l.Serial, body()}, {80, l.Part, body()}}, 0, rows)
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

// signatures is the table that everyone signs in, its heads first.
func (p *page) signatures(c content) []block {
	var rows [][]string
	for _, one := range c.People {
		rows = append(rows, []string{one.Name, one.Role, "", ""})
	}
	return p.rows([]column{{54, c.Label.Name, body()}, {39, c.Label.Role, small()}, {50, c.Label.Signature, body()}, {22, c.Label.Initial, body()}}, 9.5, rows)
}

// agenda is a table, with the words below it that come up in it for the first time.
func (p *page) agenda(c content) {
	l, times := c.Label, 17.0
	p.heading(l.Agenda, l.AgendaNote)
	var columns []column
	for _, zone := range c.Agenda.Zones {
		columns = append(columns, column{times, zone, body()})
	}
	room := width - times*float64(len(columns)) - 13 - 12
	columns = append(columns, column{13, l.Steps, body()}, column{room * 3 / 5, l.What, body()}, column{room * 2 / 5, l.Whom, body()}, column{12, l.Minutes, body()})
	var rows [][]string
	for _, row := range c.Agenda.Rows {
		rows = append(rows, append(row.Times, row.Steps, row.What, row.Whom, fmt.Sprint(row.Minutes)))
	}
	rows = append(rows, append(c.Agenda.End, "", l.End+": "+c.Agenda.Total, "", ""))
	p.table(columns, 0, rows)
	p.subheading(l.Words)
	for _, w := range c.Words {
		p.flow(block{}, p.listed(32, w.Word, w.Meaning))
	}
}

// listed is a text, with what it is about at its left.
func (p *page) listed(hang float64, about, text string) block {
	return pad(beside(p.paragraph(left, hang-2, strong(), about), p.paragraph(left+hang, width-hang, body(), text)), 0.8)
}

// parts is one page where there are not too many people.
func (p *page) parts(c content) {
	p.heading(c.Label.Parts, "")
	var blocks []block
	for _, one := range c.Parts {
		blocks = append(blocks, space(4.5), stick(pad(p.paragraph(left, width, stepTitle(), one.Role), 1)))
		for _, who := range one.Who {
			blocks = append(blocks, pad(beside(p.paragraph(left, 88, body(), who.Name),
				p.paragraph(left+90, width-90, body(), who.Steps)), 0.4))
		}
		blocks = append(blocks, space(1))
		for _, line := range one.Lines {
			blocks = append(blocks, p.listed(16, line.About, line.Text))
		}
	}
	p.whole(block{}, blocks...)
}

func (p *page) materials(c content) {
	p.heading(c.Label.Materials, c.Label.MaterialsNote)
	for _, m := range c.Materials {
		const names = 80
		blocks := []block{space(5), pad(beside(p.paragraph(left, names-2, stepTitle(), m.Name), p.paragraph(left+names, width-names, body(), m.Detail)), 1)}
		if m.Hash != nil {
			blocks = append(blocks, pad(p.paragraph(left, width, hash(), strings.Join(m.Hash, " ")), 1))
		}
		if m.Words != nil {
			blocks = append(blocks, p.wordGrid(m.Words, body().Height()+0.3))
		}
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

// blankWord is the height of a line for a word that is written down.
const blankWord = 6.6

// ceremonyKey is where its words are written down.
func (p *page) ceremonyKey(c content) {
	p.heading(c.Label.CeremonyKey, c.Label.CeremonyKeyNote)
	p.whole(block{}, p.wordGrid(c.Blanks, blankWord))
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
	p.heading(l.Sheets, l.SheetsNote)
	var rows [][]string
	for _, one := range c.Custodians {
		rows = append(rows, []string{fmt.Sprint(one.Number), one.Name, "", "", ""})
	}
	p.table([]column{{11, l.Number, body()}, {46, l.Custodian, body()}, {32, l.Bag, body()}, {41, l.Kept, body()}, {35, l.Signature, body()}}, 14, rows)
}

// exceptions are two blank sheets on a page of their own, so that it can be copied.
func (p *page) exceptions(l labels) {
	p.newSection(l.Exception, l.ExceptionNote)
	for range 2 {
		p.whole(block{}, space(4),
			p.blanks(left, blank{34, l.ExceptionNo, true}, blank{40, l.Time, false}, blank{83, l.Step, false}),
			space(2), p.paragraph(left, width, lead(), l.Happened), p.emptyLines(4),
			space(2), p.paragraph(left, width, lead(), l.Decision), p.emptyLines(2), space(2),
			p.blanks(left, blank{40, l.Time, false}, blank{58, l.AdministratorInitials, false}, blank{59, l.WitnessInitials, false}))
	}
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

// closing is what is signed last, and what is read years later: one page can be copied
// and kept, if there are not too many people.
func (p *page) closing(c content) {
	l := c.Label
	p.heading(l.Closing, l.ClosingNote)
	blocks := []block{p.wordGrid(c.Blanks, blankWord), space(6), stick(pad(p.paragraph(left, width, stepTitle(), l.Signatures), 1.5)),
		stick(p.paragraph(left, width, body(), l.SignaturesNote))}
	blocks = append(append(blocks, p.signatures(c)...), space(6), stick(pad(p.paragraph(left, width, stepTitle(), l.Verify), 1.5)),
		stick(pad(p.paragraph(left, width, hash(), c.Command), 1.5)))
	for _, text := range c.Verify {
		blocks = append(blocks, stick(pad(p.paragraph(left, width, body(), text), 1)))
	}
	blocks[len(blocks)-1].sticky = false
	p.whole(block{}, blocks...)
}
