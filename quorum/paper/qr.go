package paper

import (
	"strings"

	"rsc.io/qr"
)

// The QR code holds the code of the sheet without its spaces, in alphanumeric
// mode: 48 characters at level M are version 3, 29 modules wide (ISO/IEC 18004).
const (
	qrWidth = 34.0
	qrQuiet = 4 * qrWidth / 29 // has to stay white around it: four modules
)

// qrCode draws the code as a QR code. The caller keeps the quiet zone free.
func (p *page) qrCode(x, y float64, code string) {
	symbol, err := qr.Encode(strings.ReplaceAll(code, " ", ""), qr.M)
	if err != nil {
		p.SetError(err)
		return
	}
	module := qrWidth / float64(symbol.Size)
	for row := range symbol.Size {
		for column := range symbol.Size {
			if n := run(symbol, column, row); n > 0 {
				p.rectangle(x+float64(column)*module, y+float64(row)*module, float64(n)*module, module)
			}
		}
	}
	// One path: modules that were filled one by one would have hairlines
	// between them where the edges are smoothed.
	p.DrawPath("F")
}

// run returns how many black modules there are from here to the right, if one
// begins here.
func run(symbol *qr.Code, column, row int) (n int) {
	if symbol.Black(column-1, row) {
		return 0
	}
	for symbol.Black(column+n, row) {
		n++
	}
	return n
}

// rectangle adds to the path.
func (p *page) rectangle(x, y, w, h float64) {
	p.MoveTo(x, y)
	p.LineTo(x+w, y)
	p.LineTo(x+w, y+h)
	p.LineTo(x, y+h)
	p.ClosePath()
}
