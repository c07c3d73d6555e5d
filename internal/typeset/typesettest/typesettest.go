// Package typesettest judges PDFs by what Poppler's programs read in them, and pages of
// HTML by what a browser makes of them.
package typesettest

import (
	"bytes"
	"encoding/xml"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"conclave/internal/foreign"
)

// Run runs a program with some input. It may complain about nothing.
func Run(tb testing.TB, input []byte, program string, args ...string) string {
	tb.Helper()
	foreign.Need(tb, program)
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		tb.Fatalf("%s: %v\n%s", program, err, &complaints)
	}
	return string(out)
}

// CheckFonts checks that a file has so many fonts, all of them embedded.
func CheckFonts(tb testing.TB, content []byte, number int) {
	tb.Helper()
	fonts := strings.Split(strings.TrimSpace(Run(tb, content, "pdffonts", "-")), "\n")[2:]
	if len(fonts) != number {
		tb.Errorf("%d fonts, %d expected", len(fonts), number)
	}
	for _, line := range fonts {
		if !strings.Contains(line, "yes yes") && !strings.Contains(line, "yes no") { // embedded
			tb.Errorf("a font is not embedded: %s", line)
		}
	}
}

// CheckType checks that all text is black, or has one of some other colours, and of a
// least size in points. The program is asked for pages three times as large, which is the
// most it does: it rounds sizes.
func CheckType(tb testing.TB, content []byte, least float64, colours ...string) {
	tb.Helper()
	const zoom = 3
	var file struct {
		Fonts []struct {
			Size  float64 `xml:"size,attr"`
			Color string  `xml:"color,attr"`
		} `xml:"page>fontspec"`
	}
	pages := Run(tb, content, "pdftohtml", "-xml", "-i", "-stdout", "-zoom", strconv.Itoa(zoom), "-", "pages")
	d := xml.NewDecoder(strings.NewReader(pages))
	d.Strict = false // it nests the outline wrongly
	if err := d.Decode(&file); err != nil || len(file.Fonts) == 0 {
		tb.Fatalf("%d fonts, %v", len(file.Fonts), err)
	}
	for _, font := range file.Fonts {
		if font.Size < zoom*least || font.Color != "#000000" && !slices.Contains(colours, font.Color) {
			tb.Errorf("type of %g points in %s; black of %g at least was expected", font.Size/zoom, font.Color, least)
		}
	}
}

// Box is where something is on a page.
type Box struct {
	Left   float64 `xml:"xMin,attr"`
	Top    float64 `xml:"yMin,attr"`
	Right  float64 `xml:"xMax,attr"`
	Bottom float64 `xml:"yMax,attr"`
}

const (
	millimetre = 72 / 25.4 // points
	tolerance  = 0.1
)

func (b Box) within(area Box) bool {
	return b.Left > area.Left*millimetre-tolerance && b.Top > area.Top*millimetre-tolerance &&
		b.Right < area.Right*millimetre+tolerance && b.Bottom < area.Bottom*millimetre+tolerance
}

func (b Box) overlaps(other Box) bool {
	return min(b.Right, other.Right)-max(b.Left, other.Left) > tolerance && min(b.Bottom, other.Bottom)-max(b.Top, other.Top) > tolerance
}

// word is one, and where it is.
type word struct {
	Box
	Text string `xml:",chardata"`
}

// words are those of each page.
func words(tb testing.TB, content []byte) (pages [][]word) {
	tb.Helper()
	var file struct {
		Pages []struct {
			Words []word `xml:"word"`
		} `xml:"body>doc>page"`
	}
	if err := xml.Unmarshal([]byte(Run(tb, content, "pdftotext", "-bbox", "-", "-")), &file); err != nil || len(file.Pages) == 0 {
		tb.Fatalf("%d pages, %v", len(file.Pages), err)
	}
	for _, page := range file.Pages {
		pages = append(pages, page.Words)
	}
	return pages
}

// CheckWords checks that there are some words on every page, and that each is
// within an area, in millimetres, and over no other one.
func CheckWords(tb testing.TB, content []byte, least int, area Box) {
	tb.Helper()
	for i, page := range words(tb, content) {
		if len(page) < least {
			tb.Errorf("page %d has %d words, %d expected at least", i+1, len(page), least)
		}
		for j, a := range page {
			if !a.within(area) {
				tb.Errorf("page %d: %+v is in the margin", i+1, a)
			}
			for _, b := range page[:j] {
				if a.overlaps(b.Box) {
					tb.Errorf("page %d: %+v and %+v overlap", i+1, a, b)
				}
			}
		}
	}
}

// Filled says how far down each page has words, in millimetres, those below a foot left
// out.
func Filled(tb testing.TB, content []byte, foot float64) (down []float64) {
	tb.Helper()
	for _, page := range words(tb, content) {
		lowest := 0.0
		for _, w := range page {
			if at := w.Bottom / millimetre; at < foot {
				lowest = max(lowest, at)
			}
		}
		down = append(down, lowest)
	}
	return down
}
