package runbook

import (
	"fmt"
	"strings"

	"conclave/internal/document"
)

// cover says which ceremony it is, who comes, and which devices.
func (p *page) cover(c content) {
	l := c.Label
	blocks := []document.Block{
		document.Stick(document.Pad(p.Paragraph(document.Left, document.Width, document.Small(), l.Book), 1)),
		document.Pad(p.Paragraph(document.Left, document.Width, document.Title(), c.Name), 6),
	}
	if c.Practice {
		blocks = append(blocks, document.Pad(p.Paragraph(document.Left, document.Width, document.Lead(), l.PracticeNote), 5))
	}
	for _, fact := range [][2]string{{l.Place, c.Place}, {l.Start, c.Start}, {l.Quorum, c.Quorum}, {l.Digest, c.Digest}, {l.Made, c.Made}} {
		if fact[1] != "" {
			blocks = append(blocks, p.Fact(fact[0], fact[1]))
		}
	}
	p.Flow(document.Block{}, blocks...)
	p.Heading(l.People, l.PeopleNote)
	signatures := p.signatures(c)
	p.Whole(signatures[0], signatures...)
	p.Heading(l.Devices, "")
	var rows [][]string
	for _, d := range c.Devices {
		rows = append(rows, []string{d.Name, d.Serial, d.Part})
	}
	p.Table([]document.Column{{Width: 40, Title: l.Device, Style: document.Body()}, {Width: 45, Title: l.Serial, Style: document.Body()}, {Width: 80, Title: l.Part, Style: document.Body()}}, 0, rows)
}

// signatures is the table that everyone signs in, its heads first.
func (p *page) signatures(c content) []document.Block {
	var rows [][]string
	for _, one := range c.People {
		rows = append(rows, []string{one.Name, one.Role, "", ""})
	}
	return p.Rows([]document.Column{{Width: 54, Title: c.Label.Name, Style: document.Body()}, {Width: 39, Title: c.Label.Role, Style: document.Small()}, {Width: 50, Title: c.Label.Signature, Style: document.Body()}, {Width: 22, Title: c.Label.Initial, Style: document.Body()}}, 9.5, rows)
}

// agenda is a table, with the words below it that come up in it for the first time.
func (p *page) agenda(c content) {
	l, times := c.Label, 17.0
	p.Heading(l.Agenda, l.AgendaNote)
	var columns []document.Column
	for _, zone := range c.Agenda.Zones {
		columns = append(columns, document.Column{Width: times, Title: zone, Style: document.Body()})
	}
	room := document.Width - times*float64(len(columns)) - 13 - 12
	columns = append(columns, document.Column{Width: 13, Title: l.Steps, Style: document.Body()}, document.Column{Width: room * 3 / 5, Title: l.What, Style: document.Body()},
		document.Column{Width: room * 2 / 5, Title: l.Whom, Style: document.Body()}, document.Column{Width: 12, Title: l.Minutes, Style: document.Body()})
	var rows [][]string
	for _, row := range c.Agenda.Rows {
		rows = append(rows, append(row.Times, row.Steps, row.What, row.Whom, fmt.Sprint(row.Minutes)))
	}
	rows = append(rows, append(c.Agenda.End, "", l.End+": "+c.Agenda.Total, "", ""))
	p.Table(columns, 0, rows)
	p.Subheading(l.Words)
	for _, w := range c.Words {
		p.Flow(document.Block{}, p.listed(32, w.Word, w.Meaning))
	}
}

// listed is a text, with what it is about at its left.
func (p *page) listed(hang float64, about, text string) document.Block {
	return document.Pad(document.Beside(p.Paragraph(document.Left, hang-2, document.Strong(), about), p.Paragraph(document.Left+hang, document.Width-hang, document.Body(), text)), 0.8)
}

// parts is one page where there are not too many people.
func (p *page) parts(c content) {
	p.Heading(c.Label.Parts, "")
	var blocks []document.Block
	for _, one := range c.Parts {
		blocks = append(blocks, document.Space(4.5), document.Stick(document.Pad(p.Paragraph(document.Left, document.Width, document.Subtitle(), one.Role), 1)))
		for _, who := range one.Who {
			blocks = append(blocks, document.Pad(document.Beside(p.Paragraph(document.Left, 88, document.Body(), who.Name),
				p.Paragraph(document.Left+90, document.Width-90, document.Body(), who.Steps)), 0.4))
		}
		blocks = append(blocks, document.Space(1))
		for _, line := range one.Lines {
			blocks = append(blocks, p.listed(16, line.About, line.Text))
		}
	}
	p.Whole(document.Block{}, blocks...)
}

func (p *page) materials(c content) {
	p.Heading(c.Label.Materials, c.Label.MaterialsNote)
	for _, m := range c.Materials {
		const names = 80
		blocks := []document.Block{document.Space(5), document.Pad(document.Beside(p.Paragraph(document.Left, names-2, document.Subtitle(), m.Name), p.Paragraph(document.Left+names, document.Width-names, document.Body(), m.Detail)), 1)}
		if m.Hash != nil {
			blocks = append(blocks, document.Pad(p.Paragraph(document.Left, document.Width, document.Hash(), strings.Join(m.Hash, " ")), 1))
		}
		if m.Words != nil {
			blocks = append(blocks, p.WordGrid(m.Words, document.Body().Height()+0.3))
		}
		p.Whole(document.Block{}, blocks...)
	}
}

// blankWord is the height of a line for a word that is written down.
const blankWord = 6.6

// ceremonyKey is where its words are written down.
func (p *page) ceremonyKey(c content) {
	p.Heading(c.Label.CeremonyKey, c.Label.CeremonyKeyNote)
	p.Whole(document.Block{}, p.WordGrid(c.Blanks, blankWord))
}

func (p *page) before(c content) {
	p.Heading(c.Label.Before, "")
	p.Subheading(c.Label.Bring)
	for _, thing := range c.Bring {
		p.Flow(document.Block{}, p.tick(document.Left, document.Width, thing))
	}
	p.Subheading(c.Label.Rules)
	for _, rule := range c.Rules {
		p.Flow(document.Block{}, p.Dash(document.Left, document.Width, rule))
	}
}

func (p *page) sheets(c content) {
	if len(c.Custodians) == 0 {
		return
	}
	l := c.Label
	p.Heading(l.Sheets, l.SheetsNote)
	var rows [][]string
	for _, one := range c.Custodians {
		rows = append(rows, []string{fmt.Sprint(one.Number), one.Name, "", "", ""})
	}
	p.Table([]document.Column{{Width: 11, Title: l.Number, Style: document.Body()}, {Width: 46, Title: l.Custodian, Style: document.Body()}, {Width: 32, Title: l.Bag, Style: document.Body()}, {Width: 41, Title: l.Kept, Style: document.Body()}, {Width: 35, Title: l.Signature, Style: document.Body()}}, 14, rows)
}

// exceptions are two blank sheets on a page of their own, so that it can be copied.
func (p *page) exceptions(l labels) {
	p.NewSection(l.Exception, l.ExceptionNote)
	for range 2 {
		p.Whole(document.Block{}, document.Space(4),
			p.blanks(document.Left, blank{34, l.ExceptionNo, true}, blank{40, l.Time, false}, blank{83, l.Step, false}),
			document.Space(2), p.Paragraph(document.Left, document.Width, document.Lead(), l.Happened), p.emptyLines(4),
			document.Space(2), p.Paragraph(document.Left, document.Width, document.Lead(), l.Decision), p.emptyLines(2), document.Space(2),
			p.blanks(document.Left, blank{40, l.Time, false}, blank{58, l.AdministratorInitials, false}, blank{59, l.WitnessInitials, false}))
	}
}

// emptyLines are lines to write on.
func (p *page) emptyLines(lines int) document.Block {
	const pitch = 9.0
	return document.Block{Height: float64(lines) * pitch, Draw: func(top float64) {
		for n := range lines {
			y := top + float64(n+1)*pitch
			p.Rule(document.Left, y, document.Right, y)
		}
	}}
}

// closing is what is signed last, and what is read years later: one page can be copied
// and kept, if there are not too many people.
func (p *page) closing(c content) {
	l := c.Label
	p.Heading(l.Closing, l.ClosingNote)
	blocks := []document.Block{p.WordGrid(c.Blanks, blankWord), document.Space(6), document.Stick(document.Pad(p.Paragraph(document.Left, document.Width, document.Subtitle(), l.Signatures), 1.5)),
		document.Stick(p.Paragraph(document.Left, document.Width, document.Body(), l.SignaturesNote))}
	blocks = append(append(blocks, p.signatures(c)...), document.Space(6), document.Stick(document.Pad(p.Paragraph(document.Left, document.Width, document.Subtitle(), l.Verify), 1.5)),
		document.Stick(document.Pad(p.Paragraph(document.Left, document.Width, document.Hash(), c.Command), 1.5)))
	for _, text := range c.Verify {
		blocks = append(blocks, document.Stick(document.Pad(p.Paragraph(document.Left, document.Width, document.Body(), text), 1)))
	}
	blocks[len(blocks)-1].Sticky = false
	p.Whole(document.Block{}, blocks...)
}
