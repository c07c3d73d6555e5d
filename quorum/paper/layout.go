package paper

import (
	"fmt"
	"strconv"
	"strings"

	"conclave/internal/typeset"
)

// sheet draws everything, from the top of the page to its bottom.
func (p *page) sheet(s Sheet) {
	p.header(s)
	p.rule()
	p.facts(s)
	p.rule()
	p.code(s.Code)
	p.rule()
	p.oldTool(s)
	p.rule()
	p.instructions(s)
	p.rule()
	p.signature()
}

// The styles that several sections use.
func small() typeset.Style    { return style(typeset.Regular, typeset.Least) }
func body() typeset.Style     { return style(typeset.Regular, typeset.Least) }
func headings() typeset.Style { return style(typeset.Bold, 9.5) }

// header says what the sheet is, with the set identifier where it is seen first.
func (p *page) header(s Sheet) {
	const box, height = 34.0, 17.5
	x := float64(right - box)
	p.SetLineWidth(0.4)
	p.Rect(x, p.y, box, height, "D")
	p.centre(x, p.y+1, box, small(), "Set")
	p.centre(x, p.y+5, box, style(typeset.MonoBold, 26), s.Set)

	room, end := width-box-4.0, p.y+height
	title := style(typeset.Bold, 20)
	p.text(left, p.y, room, title, fmt.Sprintf("Share %d of %d", s.Number, s.Total))
	p.y += title.Height() + 0.8
	p.paragraph(left, room, body(), fmt.Sprintf("Secret. Any %d of the %d sheets, and no fewer, open the share file of the DKEK: the device key encryption key, under which keys are backed up.",
		s.Threshold, s.Total))
	p.y = max(p.y, end)
}

// facts are what tells this sheet from others. None of it is secret.
func (p *page) facts(s Sheet) {
	const first, gap = 60.0, 4.0
	const second, third = 38.0, width - first - 38.0 - 2*gap
	name := s.Custodian
	if name == "" {
		name = "Custodian " + strconv.Itoa(s.Number)
	}
	x2, x3 := left+first+gap, left+first+second+2*gap
	p.nameFact(left, first, "Custodian", name)
	p.nameFact(x2, second+gap+third, "Ceremony", orDash(s.Ceremony))
	p.y += factHeight
	p.nameFact(left, first, "Share file", s.ShareFile)
	p.fact(x2, second, "Key check value", fitted{style(typeset.MonoBold, nameSize), []string{s.KCV}})
	p.fact(x3, third, "Date", fitted{style(typeset.Bold, nameSize), []string{s.Date.Format("2006-01-02")}})
	p.y += factHeight
	restores := s.Restores
	if restores == "" {
		restores = "the keys that are backed up under its DKEK"
	}
	p.nameFact(left, width, "Restores, together with others", restores)
	p.y += factHeight
}

func orDash(text string) string {
	if strings.TrimSpace(text) == "" {
		return "–"
	}
	return text
}

// factHeight is a label and what is under it.
const factHeight = 11.9

func (p *page) nameFact(x, room float64, label, name string) {
	p.fact(x, room, label, p.fit(room, name))
}

func (p *page) fact(x, room float64, label string, f fitted) {
	p.text(x, p.y, room, small(), label)
	top := p.y + small().Height()
	if len(f.lines) == 1 { // on one baseline with its neighbours
		top += style(typeset.Bold, nameSize).Baseline() - f.Baseline()
	}
	for _, line := range f.lines {
		p.text(x, top, room, f.Style, line)
		top += f.Height()
	}
}

// code draws the code in three rows of four groups, each under its number, so
// that people can say which they mean, and the QR code beside it.
func (p *page) code(code string) {
	top := p.y + qrQuiet - ruleSpace // the rules are as far from it as has to stay white
	p.qrCode(right-qrWidth, top, code)
	p.heading(width-qrWidth-qrQuiet, "Code", "secret; conclave asks for it. No B, I, O and 1.")
	const pitch, rowHeight = 23.0, 12.2
	for i, group := range strings.Fields(code) {
		x, y := left+float64(i%4)*pitch, p.y+0.4+float64(i/4)*rowHeight
		p.text(x, y, pitch, small(), strconv.Itoa(i+1))
		p.text(x, y+small().Height(), pitch, style(typeset.MonoBold, 20), group)
	}
	p.y = max(p.y+3*rowHeight, top+qrWidth+qrQuiet-ruleSpace)
}

// oldTool draws the lines that sc-hsm-tool takes.
func (p *page) oldTool(s Sheet) {
	p.heading(width, "For OpenSC's sc-hsm-tool", "instead of the code; the share value is secret")
	p.toolLine("Prime", s.Prime)
	x := p.toolLine("Share ID", s.ID)
	if s.OldToolID != "" {
		p.hint(x+4, p.y-toolStyle().Height(), s.OldToolID)
	}
	p.toolLine("Share value", s.Value)
}

func toolStyle() typeset.Style { return style(typeset.Mono, 9.5) }

// toolLine returns where the line ends.
func (p *page) toolLine(label, text string) float64 {
	const labels = 22.0
	p.text(left, p.y+0.35, labels, body(), label)
	x := p.text(left+labels, p.y, width-labels, toolStyle(), text)
	p.y += toolStyle().Height()
	return x
}

// hint says how the ID is typed.
func (p *page) hint(x, y float64, id string) {
	x = p.text(x, y+0.35, right-x, body(), "type the ID as ")
	x = p.text(x, y, right-x, style(typeset.MonoBold, toolStyle().Points), id)
	p.text(x, y+0.35, right-x, body(), " in OpenSC's sc-hsm-tool")
}

// heading begins a section.
func (p *page) heading(room float64, title, note string) {
	x := p.text(left, p.y, room, headings(), title) + 2.5
	p.text(x, p.y+0.15, left+room-x, body(), note) // on the same baseline
	p.y += headings().Height() + 0.8
}

// instructions say what the custodian does with the sheet, and never does.
func (p *page) instructions(s Sheet) {
	whom := s.Contact
	if whom == "" {
		whom = "the ceremony's administrator"
	}
	p.instruction("Do", fmt.Sprintf("keep it sealed in its bag, apart from the share file and the other sheets. When you are called, bring it sealed as it is: %d custodians have to come.", s.Threshold))
	p.instruction("Never", "show it, photograph it, copy it, or read it to anyone. You type it, alone.")
	p.instruction("If it is lost", "or damaged, was seen, or its bag was opened, call at once:")
	p.paragraph(left+leads, width-leads, style(typeset.Bold, body().Points), whom)
	p.text(left+leads, p.y, width-leads, style(typeset.Mono, body().Points), "conclave dkek check SHAREFILE")
	p.instruction("To check", "")
	p.y += body().Height()
	p.paragraph(left+leads, width-leads, body(), "Any day, alone, on a machine you trust. Then seal the sheet in a new bag.")
}

// leads is the width of what instructions begin with.
const leads = 21.0

func (p *page) instruction(lead, text string) {
	p.text(left, p.y, leads, style(typeset.Bold, body().Points), lead)
	p.paragraph(left+leads, width-leads, body(), text)
	p.y += 0.4
}

// signature leaves lines to write on, at the bottom of the page.
func (p *page) signature() {
	const gap, space = 5.0, 9.0
	labels := bottom - small().Height() // below the lines
	if lacking := p.y + space - labels; lacking > 0 {
		p.SetError(fmt.Errorf("the page is %.1f mm too short", lacking))
	}
	x := float64(left)
	for _, blank := range []struct {
		width float64
		label string
	}{{48, "Signature"}, {26, "Date"}, {44, "Tamper-evident bag number"}} {
		p.line(x, x+blank.width, labels-0.8)
		p.text(x, labels, blank.width, small(), blank.label)
		x += blank.width + gap
	}
}
