package paper_test

import (
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/typeset/typesettest"
	"conclave/quorum/paper"
)

// render makes a picture of the page.
func render(t *testing.T, s paper.Sheet, dpi int, args ...string) string {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "page")
	typesettest.Run(t, pdf(t, s), "pdftoppm", append(args, "-r", fmt.Sprint(dpi), "-png", "-singlefile", "-", prefix)...)
	return prefix + ".png"
}

func TestTheQRCodeIsTheCode(t *testing.T) {
	eachSheet(t, func(t *testing.T, s paper.Sheet) {
		for _, printer := range []struct {
			dpi  int
			args []string
		}{{200, nil}, {150, []string{"-gray"}}, {100, []string{"-mono"}}, {75, []string{"-gray"}}} {
			got := typesettest.Run(t, nil, "zbarimg", "--nodbus", "-Sdisable", "-Sqrcode.enable", "--quiet", "--raw", render(t, s, printer.dpi, printer.args...))
			if want := strings.ReplaceAll(s.Code, " ", ""); strings.TrimSpace(got) != want {
				t.Errorf("at %d dpi %v: %q read, %q expected", printer.dpi, printer.args, got, want)
			}
		}
	})
}

func decode(t *testing.T, picture string) *image.Gray {
	t.Helper()
	file, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoded, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	gray := image.NewGray(decoded.Bounds())
	draw.Draw(gray, gray.Rect, decoded, image.Point{}, draw.Src)
	return gray
}

// TestTheQRCodeHasRoom measures it: 30 mm or more, of 29 modules, which the
// code fits into in the alphanumeric mode only; and four of them white on every
// side.
func TestTheQRCodeHasRoom(t *testing.T) {
	if testing.Short() {
		t.Skip("pictures of sheets")
	}
	const dpi, quiet = 254, 4 // ten pixels a millimetre
	eachSheet(t, func(t *testing.T, s paper.Sheet) {
		page := decode(t, render(t, s, dpi, "-gray"))
		symbol, module := findQR(t, page)
		zone := symbol.Inset(-int(quiet * module))
		if symbol.Dx() < 300 || !zone.In(page.Bounds()) {
			t.Fatalf("the QR code is at %v; 30 mm or more expected, with room around it", symbol)
		}
		if n := black(page, zone, symbol.Inset(-2)); n > 0 {
			t.Errorf("%d pixels in the quiet zone are not white", n)
		}
		got := typesettest.Run(t, nil, "zbarimg", "--nodbus", "-Sdisable", "-Sqrcode.enable", "--quiet", "--raw", crop(t, page, zone))
		if want := strings.ReplaceAll(s.Code, " ", ""); strings.TrimSpace(got) != want {
			t.Errorf("%q read from %v, %q expected: the QR code does not have 29 modules", got, zone, want)
		}
	})
}

// findQR finds the upper edge of the finder pattern at the right margin, which
// is seven modules wide, and from it where a QR code of 29 modules is.
func findQR(t *testing.T, page *image.Gray) (symbol image.Rectangle, module float64) {
	t.Helper()
	right := page.Bounds().Max.X - 100
	for y := range page.Bounds().Max.Y {
		n := 0
		for black(page, image.Rect(right-n-2, y, right-n-1, y+1), image.Rectangle{}) > 0 {
			n++
		}
		if n > 60 && n < 100 {
			module = float64(n) / 7
			side := int(29 * module)
			return image.Rect(right-side, y, right, y+side), module
		}
	}
	t.Fatal("there is no finder pattern at the right margin")
	return
}

// crop saves a part of a picture.
func crop(t *testing.T, page *image.Gray, part image.Rectangle) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "part.png")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := png.Encode(file, page.SubImage(part)); err != nil {
		t.Fatal(err)
	}
	return path
}

// black counts the pixels that are not white in an area, but for those in
// another.
func black(page *image.Gray, area, except image.Rectangle) (n int) {
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			if !(image.Point{X: x, Y: y}).In(except) && page.GrayAt(x, y).Y < 200 {
				n++
			}
		}
	}
	return n
}

func TestNothingOverlaps(t *testing.T) {
	eachSheet(t, func(t *testing.T, s paper.Sheet) {
		typesettest.CheckWords(t, pdf(t, s), 100, typesettest.Box{Left: 10, Top: 10, Right: 138, Bottom: 200})
	})
}

// TestTheMarginsAreWhite looks at lines and QR code too.
func TestTheMarginsAreWhite(t *testing.T) {
	if testing.Short() {
		t.Skip("pictures of sheets")
	}
	eachSheet(t, func(t *testing.T, s paper.Sheet) {
		page := decode(t, render(t, s, 254, "-gray"))
		if n := black(page, page.Bounds(), page.Bounds().Inset(98)); n > 0 {
			t.Errorf("%d pixels in the margins are not white", n)
		}
	})
}
