package runbook_test

import (
	"bytes"
	"fmt"
	"html/template"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony/runbook"
	"conclave/internal/typeset/typesettest"
)

// keep leaves a file for people to look at, if there is a folder for them.
func keep(t *testing.T, name string, content []byte) {
	t.Helper()
	if folder := os.Getenv("RUNBOOK_PICTURES"); folder != "" {
		write(t, filepath.Join(folder, name), content)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// windows are what a browser shows, side by side.
func windows() []window {
	return []window{{"desktop", usual(), 1000}, {"phone", large(), 390}, {"practice on a phone", practice(), 390}}
}

type window struct {
	name  string
	book  runbook.Book
	width int
}

// windowHeight is of all of them.
const windowHeight = 2400

// sideBySide is a page with frames, since a window of the browser cannot be as
// narrow as a phone. Its script, which no runbook has, reports the widths of the
// frames and of what is in them.
func sideBySide(t *testing.T) (page []byte, width int) {
	t.Helper()
	page = []byte("<!DOCTYPE html><title></title><style>body{margin:0;display:flex}iframe{border:0}</style><body>")
	for _, w := range windows() {
		page = fmt.Appendf(page, `<iframe width="%d" height="%d" srcdoc="%s"></iframe>`, w.width, windowHeight, template.HTMLEscapeString(string(html(t, w.book))))
		width += w.width
	}
	return append(page, `<script>addEventListener("load", () => document.title = [...document.querySelectorAll("iframe")].map(
		f => f.contentWindow.innerWidth + " " + f.contentDocument.documentElement.scrollWidth).join(", "))</script>`...), width
}

func TestABrowserShowsThePage(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser")
	}
	t.Parallel()
	folder := t.TempDir()
	page, width := sideBySide(t)
	write(t, filepath.Join(folder, "page.html"), page)
	picture := filepath.Join(folder, "page.png")
	document := typesettest.Browse(t, folder, "--screenshot="+picture, fmt.Sprintf("--window-size=%d,%d", width, windowHeight))
	// A page is as wide as its window where nothing has to be scrolled.
	if want := "<title>1000 1000, 390 390, 390 390</title>"; !strings.Contains(document, want) {
		t.Errorf("%s expected, not %.60s", want, document[strings.Index(document, "<title>"):])
	}
	shot := read(t, picture)
	keep(t, "windows.png", shot)
	all, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	if size := all.Bounds().Size(); size != (image.Point{X: width, Y: windowHeight}) {
		t.Fatalf("the picture is %v", size)
	}
	x := 0
	for _, w := range windows() {
		part := image.NewGray(image.Rect(0, 0, w.width, windowHeight))
		draw.Draw(part, part.Rect, all, image.Point{X: x}, draw.Src)
		t.Run(w.name, func(t *testing.T) { checkInk(t, part, w.book.Plan.Practice) })
		x += w.width
	}
}

func TestABrowserPrintsThePage(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser")
	}
	for name, test := range map[string]struct {
		book  runbook.Book
		paper string
	}{"Letter": {practice(), "Letter"}, "A4": {large(), "A4"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			// Only a person can choose the paper; the page leaves it to them.
			write(t, filepath.Join(folder, "page.html"), bytes.Replace(html(t, test.book),
				[]byte("</style>"), []byte("@page { size: "+test.paper+" }</style>"), 1))
			typesettest.Browse(t, folder, "--no-pdf-header-footer", "--print-to-pdf="+filepath.Join(folder, "page.pdf"))
			printed := read(t, filepath.Join(folder, "page.pdf"))
			keep(t, name+".pdf", printed)
			checkPrint(t, printed, test.book, test.paper)
		})
	}
}

// checkInk checks that text is everywhere on the picture, but not at its sides, and
// that most of it is white.
func checkInk(t *testing.T, picture *image.Gray, practice bool) {
	t.Helper()
	const bands, side = 8, 15
	size := picture.Rect.Size()
	for band := range bands {
		area := image.Rect(0, band*size.Y/bands, size.X, (band+1)*size.Y/bands)
		if share := float64(dark(picture, area)) / float64(area.Dx()*area.Dy()); share < 0.004 || share > 0.25 {
			t.Errorf("%.2f %% of the pixels in band %d are dark", 100*share, band+1)
		}
		if middle := image.Rect(size.X/4, area.Min.Y, size.X*3/4, area.Max.Y); dark(picture, middle) == 0 {
			t.Errorf("the middle of band %d is blank", band+1)
		}
	}
	top := 0
	if practice {
		top = 60 // the line below the mark goes from side to side
	}
	if n := dark(picture, image.Rect(0, top, side, size.Y)) + dark(picture, image.Rect(size.X-side, top, size.X, size.Y)); n > 0 {
		t.Errorf("%d pixels at the sides are dark", n)
	}
}

func dark(picture *image.Gray, area image.Rectangle) (n int) {
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			if picture.GrayAt(x, y).Y < 0xc0 {
				n++
			}
		}
	}
	return n
}

// checkPrint checks what the browser prints.
func checkPrint(t *testing.T, print []byte, b runbook.Book, paper string) {
	t.Helper()
	info := typesettest.Run(t, print, "pdfinfo", "-")
	if !strings.Contains(strings.ToLower(info), "("+strings.ToLower(paper)+")") {
		t.Errorf("%s was expected:\n%s", paper, info)
	}
	typesettest.CheckType(t, print, 9)
	text := typesettest.Run(t, print, "pdftotext", "-raw", "-", "-")
	all := strings.Split(strings.TrimSuffix(text, "\f"), "\f")
	// The mark stands beside the text, so that one way of reading or the other may
	// take it for the end of a line.
	otherwise := strings.Split(typesettest.Run(t, print, "pdftotext", "-", "-"), "\f")
	for i, page := range all {
		for _, want := range []string{fmt.Sprintf("Plan %x", b.Materials[0].SHA256[:4]), fmt.Sprintf("page %d of %d", i+1, len(all))} {
			if !strings.Contains(squeeze(page), squeeze(want)) {
				t.Errorf("%q is not on page %d", want, i+1)
			}
		}
		if words := "\n" + page + "\n" + otherwise[i]; strings.Contains(words, "\nPRACTICE\n") != b.Plan.Practice {
			t.Errorf("the practice mark on page %d: %.300s", i+1, page)
		}
	}
	wantInOrder(t, strings.ReplaceAll(text, "•", ""), stepTexts(b.Plan))
}
