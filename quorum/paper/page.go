package paper

import (
	"bytes"
	"errors"
	"time"

	"github.com/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/goregular"
)

// Lengths are in millimetres, sizes of type in points.
const (
	pageWidth, pageHeight = 148, 210 // A5, ISO 216
	margin                = 10
	left, right           = margin, pageWidth - margin
	bottom                = pageHeight - margin
	width                 = right - left

	pointMM = 25.4 / 72
	ascent  = 0.95 // of the Go fonts, and a little more, as parts of the size
	leading = 1.2  // more than their ascent and descent, so that lines do not touch
)

// The faces, by the names that the page knows them by.
const (
	regular  = "regular"
	bold     = "bold"
	mono     = "mono"
	monoBold = "monobold"
)

// style is a face in a size.
type style struct {
	face   string
	points float64
}

// height of a line.
func (s style) height() float64 { return s.points * leading * pointMM }

// page is a page that is being drawn, from y downwards. The first error stays,
// and nothing is drawn after it.
type page struct {
	pdf     *fpdf.Fpdf
	current style
	y       float64
	err     error
}

// newPage begins a page. What goes into the file besides the page is its title
// and the date, no more.
func newPage(date time.Time) *page {
	// The library's own A5 is half a millimetre too wide.
	pdf := fpdf.NewCustom(&fpdf.InitType{UnitStr: "mm", Size: fpdf.SizeType{Wd: pageWidth, Ht: pageHeight}})
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetCatalogSort(true) // else objects are in the order of a map
	pdf.SetProducer("", false)
	pdf.SetTitle("Share sheet", false)
	pdf.SetLang("en")
	pdf.SetCreationDate(date)
	pdf.SetModificationDate(date)
	for face, font := range map[string][]byte{
		regular: goregular.TTF, bold: gobold.TTF, mono: gomono.TTF, monoBold: gomonobold.TTF,
	} {
		pdf.AddUTF8FontFromBytes(face, "", bytes.Clone(font)) // the library may write into it
	}
	pdf.AddPage()
	return &page{pdf: pdf, y: margin}
}

// bytes returns the file.
func (p *page) bytes() ([]byte, error) {
	if p.err != nil {
		return nil, p.err
	}
	var out bytes.Buffer
	if err := p.pdf.Output(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// measure returns the width of a text, and makes its style the current one.
func (p *page) measure(s style, text string) float64 {
	if s != p.current {
		p.pdf.SetFont(s.face, "", s.points)
		p.current = s
	}
	return p.pdf.GetStringWidth(text)
}

// text draws a line below top, and returns where it ends. It fails where there
// is not the room.
func (p *page) text(x, top, room float64, s style, text string) float64 {
	const rounding = 0.01
	w := p.measure(s, text)
	if w > room+rounding && p.err == nil {
		p.err = errors.New("a line is wider than the room for it")
	}
	if p.err == nil && text != "" {
		p.pdf.Text(x, top+ascent*s.points*pointMM, text)
	}
	return x + w
}

// centred draws a line in the middle of the room.
func (p *page) centred(x, top, room float64, s style, text string) {
	p.text(x+(room-p.measure(s, text))/2, top, room, s, text)
}

// paragraph draws lines from p.y downwards, as many as the text takes.
func (p *page) paragraph(x, room float64, s style, text string) {
	for _, line := range p.wrap(s, room, text) {
		p.text(x, p.y, room, s, line)
		p.y += s.height()
	}
}

// ruleSpace is above and below a rule.
const ruleSpace = 2.9

// rule draws a thin line across the page.
func (p *page) rule() {
	p.y += ruleSpace
	p.line(left, right, p.y)
	p.y += ruleSpace
}

func (p *page) line(from, to, y float64) {
	p.pdf.SetLineWidth(0.2)
	p.pdf.Line(from, y, to, y)
}
