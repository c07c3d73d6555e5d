package paper

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"conclave/internal/typeset"
)

// PINSheet is all that is on the sheet of a PIN, or of half of one. Formatting a whole
// sheet does not show the PIN; its field does.
type PINSheet struct {
	Title          string // which PIN it is
	Device, Serial string // the serial number may not be known yet
	Person         string // who types it
	Ceremony       string
	Date           time.Time
	Practice       bool
	// PIN is secret. Where it is empty there are so many Boxes, into which a person writes it.
	PIN   string
	Boxes int
}

// Format implements fmt.Formatter for every verb.
func (s PINSheet) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "PIN sheet of %s [redacted]", s.Device) }

// PINPDF gives a page for each sheet. What is said of PDF holds for it too.
func PINPDF(sheets ...PINSheet) ([]byte, error) {
	if len(sheets) == 0 {
		return nil, errors.New("PIN sheets: there are none")
	}
	p := newPage(sheets[0].Date)
	p.SetTitle("PIN sheet", false)
	for i, s := range sheets {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("PIN sheet of %s: %w", s.Device, err)
		}
		if i > 0 {
			p.AddPage()
			p.y = margin
		}
		p.pinSheet(s)
	}
	content, err := p.Bytes()
	if err != nil {
		return nil, fmt.Errorf("PIN sheets: %w", err)
	}
	return content, nil
}

// maxPIN is how many characters a PIN of a SmartCard-HSM has at most.
const maxPIN = 16

// check rejects what must not be printed. Errors show no secret.
func (s PINSheet) check() error {
	for _, field := range []struct{ name, text string }{
		{"title", s.Title}, {"device", s.Device}, {"serial number", s.Serial}, {"person", s.Person}, {"ceremony", s.Ceremony},
	} {
		if err := typeset.Check(field.text); err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
	}
	legible := regexp.MustCompile(`^[!-~]+$`)
	if s.PIN != "" && (len(s.PIN) > maxPIN || !legible.MatchString(s.PIN)) || s.PIN == "" && (s.Boxes < 1 || s.Boxes > maxPIN) {
		return fmt.Errorf("PIN: letters, digits and signs of ASCII were expected, %d at most", maxPIN)
	}
	return nil
}

// The styles of a PIN sheet.
func pinLabel() typeset.Style { return style(typeset.Regular, 9) }
func pinFact() typeset.Style  { return style(typeset.Bold, 11) }
func pinBody() typeset.Style  { return style(typeset.Regular, 10) }

// pinSheet draws everything, from the top of the page to its bottom.
func (p *page) pinSheet(s PINSheet) {
	if s.Practice {
		p.paragraph(left, width, style(typeset.Bold, 22), "PRACTICE: destroy this sheet afterwards")
		p.y += ruleSpace
	}
	p.paragraph(left, width, style(typeset.Bold, 22), s.Title)
	p.paragraph(left, width, pinBody(), "Secret. Whoever has it, and the device, can use or erase its keys.")
	p.rule()
	p.pinFacts(s)
	p.rule()
	p.pinValue(s)
	p.rule()
	for _, text := range []string{
		"Keep it sealed in a bag of its own, apart from the device. Its number is in the evidence of the ceremony; the PIN is not.",
		"Show it to no one. Take no photograph, and make no copy.",
		"If it is lost, or was seen by somebody else, tell the ceremony's administrator: the PIN is changed with conclave hsm pin change.",
		"If the bag was opened, put the sheet into a new one, and write down its number.",
	} {
		p.paragraph(left, width, pinBody(), text)
		p.y += 1.2
	}
	p.pinSignature()
}

// pinFacts are what tells this sheet from others. None of it is secret.
func (p *page) pinFacts(s PINSheet) {
	for _, fact := range []struct{ label, text string }{
		{"Device", s.Device}, {"Serial number", s.Serial}, {"Typed by", s.Person}, {"Ceremony", s.Ceremony}, {"Date", s.Date.Format(time.DateOnly)},
	} {
		p.text(left, p.y, width, pinLabel(), fact.label)
		p.y += pinLabel().Height()
		if fact.text == "" {
			p.y += pinFact().Height() + 1.6
			p.line(left, left+60, p.y)
		}
		p.paragraph(left, width, pinFact(), fact.text)
		p.y += 1.6
	}
}

// pinValue is the PIN, or boxes for it.
func (p *page) pinValue(s PINSheet) {
	const box, height = 7.6, 10.0
	if s.PIN != "" {
		value := style(typeset.MonoBold, 30)
		p.text(left, p.y, width, value, s.PIN)
		p.y += value.Height()
		p.paragraph(left, width, pinLabel(), "0 has a stroke or a dot in it, O has none.")
		return
	}
	p.text(left, p.y, width, pinLabel(), "One character in each box, from the left; some may stay empty. Strike the zero through.")
	p.y += pinLabel().Height() + 1.2
	for i := range s.Boxes {
		p.Rect(left+float64(i)*box, p.y, box, height, "D")
	}
	p.y += height
}

// pinSignature leaves lines to write on, at the bottom of the page.
func (p *page) pinSignature() {
	labels := bottom - pinLabel().Height()
	if p.y+9 > labels {
		p.SetError(errors.New("the page is too short"))
	}
	x := float64(left)
	for _, blank := range []struct {
		width float64
		label string
	}{{70, "Signature"}, {53, "Tamper-evident bag number"}} {
		p.line(x, x+blank.width, labels-0.8)
		p.text(x, labels, blank.width, pinLabel(), blank.label)
		x += blank.width + 5
	}
}
