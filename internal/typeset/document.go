// Package typeset sets text on the pages of a PDF, which is made in memory:
// nothing here writes to a disk. It knows nothing about what is printed.
//
// The fonts are the Go fonts (Bigelow & Holmes), whose characters are those of
// WGL4: Latin, Greek and Cyrillic letters. They are embedded, so that a printer
// substitutes nothing, and in Go Mono the characters 0 and O, 1 and l are told
// apart. Lengths are in millimetres, sizes of type in points.
package typeset

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/goregular"
)

// The faces, by the names that a document knows them by.
const (
	Regular  = "regular"
	Bold     = "bold"
	Mono     = "mono"
	MonoBold = "monobold"
)

func fonts() map[string][]byte {
	return map[string][]byte{Regular: goregular.TTF, Bold: gobold.TTF, Mono: gomono.TTF, MonoBold: gomonobold.TTF}
}

const (
	// Least is the least size of type: papers are read under a lamp, at arm's length, by
	// people whose glasses are elsewhere.
	Least = 9.0

	// Tight is the least leading: more than ascent and descent of the fonts, so
	// that lines do not touch.
	Tight = 1.2

	pointMM = 25.4 / 72
	ascent  = 0.95 // of the fonts, and a little more, as parts of the size
)

// Style is a face in a size, with the height of its lines as parts of the size. All
// text is black: a printer that runs out of toner makes grey unreadable first.
type Style struct {
	Face            string
	Points, Leading float64
}

// Height of a line.
func (s Style) Height() float64 { return s.Points * s.Leading * pointMM }

// Baseline is how far below the top of a line its letters stand. Half of what is
// between lines is above them.
func (s Style) Baseline() float64 { return (ascent + (s.Leading-Tight)/2) * s.Points * pointMM }

// Document is the pages that are being drawn; lines, boxes and all else that is
// not text are drawn as the library has it. The first error stays, and Bytes
// returns it.
type Document struct {
	*fpdf.Fpdf
	current Style
}

// New begins a document that has no page yet. What goes into the file besides
// its pages is the date and the title that it is given, nothing more.
func New(width, height float64, date time.Time, faces ...string) *Document {
	// The library's own A5 is half a millimetre too wide.
	pdf := fpdf.NewCustom(&fpdf.InitType{UnitStr: "mm", Size: fpdf.SizeType{Wd: width, Ht: height}})
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetCatalogSort(true) // else objects are in the order of a map
	pdf.SetProducer("", false)
	pdf.SetLang("en")
	pdf.SetCreationDate(date)
	pdf.SetModificationDate(date)
	for _, face := range faces {
		pdf.AddUTF8FontFromBytes(face, "", bytes.Clone(fonts()[face])) // the library may write into it
	}
	return &Document{Fpdf: pdf}
}

// Bytes returns the file.
func (d *Document) Bytes() ([]byte, error) {
	var out bytes.Buffer
	if err := d.Output(&out); err != nil {
		return nil, fmt.Errorf("the PDF could not be written: %w", err)
	}
	return out.Bytes(), nil
}

// Measure returns the width of a text, and makes its style the current one.
func (d *Document) Measure(s Style, text string) float64 {
	if s != d.current {
		d.SetFont(s.Face, "", s.Points)
		d.current = s
	}
	return d.GetStringWidth(text)
}

// Text draws a line below top, in type that is not below the least size.
func (d *Document) Text(x, top float64, s Style, text string) {
	if s.Points < Least {
		d.SetError(fmt.Errorf("type of %g points; %g at least were expected", s.Points, Least))
	}
	d.Measure(s, text)
	d.Fpdf.Text(x, top+s.Baseline(), text)
}
