package runbook

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/text/unicode/norm"

	"conclave/quorum/paper"
)

// Lengths are in millimetres, sizes of type in points. The left margin has room
// for the holes of a binder.
const (
	pageWidth, pageHeight = 210, 297 // A4, ISO 216
	left, right           = 25, 190
	width                 = right - left
	headTop, footTop      = 12, 284
	markHeight            = 15 // of the practice mark, above the head
	bottom                = 276

	pointMM = 25.4 / 72
	ascent  = 0.95 // of the Go fonts, and a little more, as parts of the size
)

// The faces, by the names that the page knows them by.
const (
	regular = "regular"
	bold    = "bold"
	mono    = "mono"
)

// style is a face in a size; soft text is grey, and is for what only names or
// accompanies something.
type style struct {
	face            string
	points, leading float64
	soft            bool
}

func body() style      { return style{regular, 10.5, 1.45, false} }
func small() style     { return style{regular, 8.5, 1.35, true} }
func lead() style      { return style{bold, 9, 1.4, false} }
func hash() style      { return style{mono, 10, 1.5, false} }
func title() style     { return style{bold, 26, 1.25, false} }
func section() style   { return style{bold, 17, 1.3, false} }
func stepTitle() style { return style{bold, 12.5, 1.35, false} }

// height of a line.
func (s style) height() float64 { return s.points * s.leading * pointMM }

// page is the page that is being filled, from y downwards, and those before it.
type page struct {
	pdf     *fpdf.Fpdf
	current style
	top, y  float64
	pending []block // headings, to be placed with what comes next
}

// newPage begins the first page. What goes into the file besides its pages is
// the title and the date, no more.
func newPage(title string, top float64, date time.Time) *page {
	pdf := fpdf.NewCustom(&fpdf.InitType{UnitStr: "mm", Size: fpdf.SizeType{Wd: pageWidth, Ht: pageHeight}})
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetCatalogSort(true) // else objects are in the order of a map
	pdf.SetProducer("", false)
	pdf.SetTitle(title, true)
	pdf.SetLang("en")
	pdf.SetCreationDate(date)
	pdf.SetModificationDate(date)
	for face, font := range map[string][]byte{regular: goregular.TTF, bold: gobold.TTF, mono: gomono.TTF} {
		pdf.AddUTF8FontFromBytes(face, "", bytes.Clone(font)) // the library may write into it
	}
	p := &page{pdf: pdf, top: top}
	p.next()
	return p
}

// next begins another page.
func (p *page) next() {
	p.pdf.AddPage()
	p.y = p.top
}

// reopen goes back to a page that is there. Its font is not the current one
// then; another one in between makes the library set it again.
func (p *page) reopen(number int) {
	p.pdf.SetPage(number)
	p.pdf.SetFont(regular, "", 1)
	p.current = style{}
}

// bytes returns the file.
func (p *page) bytes() ([]byte, error) {
	var out bytes.Buffer
	if err := p.pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("the PDF could not be written: %w", err)
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

// wrap breaks a text into lines, with accents in one character with their
// letters, which is how fonts have them.
func (p *page) wrap(s style, room float64, text string) []string {
	measure := func(part string) float64 { return p.measure(s, part) }
	return paper.Wrap(measure, room, norm.NFC.String(text))
}

// text draws a line below top.
func (p *page) text(x, top float64, s style, text string) {
	p.measure(s, text)
	grey := 0
	if s.soft {
		grey = 70
	}
	p.pdf.SetTextColor(grey, grey, grey)
	extra := (s.leading - 1.2) / 2 // above the line, half of what is between lines
	p.pdf.Text(x, top+(ascent+extra)*s.points*pointMM, text)
}

// aligned draws a line that ends at x.
func (p *page) aligned(x, top float64, s style, text string) {
	p.text(x-p.measure(s, text), top, s, text)
}

// line draws a rule to write on, or between things.
func (p *page) line(x1, y1, x2, y2 float64) {
	p.pdf.SetDrawColor(90, 90, 90)
	p.pdf.SetLineWidth(0.2)
	p.pdf.Line(x1, y1, x2, y2)
}

// box draws a box to tick, or to write into.
func (p *page) box(x, y, w, h float64) {
	p.pdf.SetDrawColor(0, 0, 0)
	p.pdf.SetLineWidth(0.3)
	p.pdf.Rect(x, y, w, h, "D")
}
