//go:build linux

package terminal_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"conclave/internal/tty"
)

// screens shows a sheet in a window, whose pages the person turns, and gives them.
func screens(t *testing.T, columns, rows int, withQR bool) (pages []string) {
	person, file := open(t)
	person.Resize(columns, rows)
	screen := screenOf(file, file)
	screen.QR = withQR
	h := handout()
	h.Sheet.Value = "47:d9:5b:1c:4d:d2:b2:43:8b:5c:54:ea:21:1d:e4:7d"
	end := begin(func() error { return screen.Show(t.Context(), h) })
	for {
		shown := person.Expect(`(?s)^(?:\r\n\x1b\[H\x1b\[2J\x1b\[3J)?(.*?Press\s+<enter>\s+(for|when)[^.]*\. )$`)
		pages = append(pages, strings.ReplaceAll(shown[1], "\r", ""))
		person.Enter("")
		if shown[2] == "when" {
			break
		}
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	return pages
}

// TestSheetFits: whatever the window, nothing of a sheet is outside it, no group and no
// byte is cut, and all of it is there. A QR code stands beside it, or on a page of its
// own, or what it needs is said.
func TestSheetFits(t *testing.T) {
	for _, c := range []struct {
		columns, rows int
		qr            bool
		pages         int
		image         bool
	}{
		{20, 40, false, 2, false}, {20, 24, false, 3, false}, {40, 24, false, 1, false}, {80, 24, false, 1, false}, {200, 50, false, 1, false},
		{20, 50, true, 1, false}, {40, 24, true, 2, true}, {40, 50, true, 1, true}, {80, 24, true, 1, true}, {200, 24, true, 1, true}, {80, 20, true, 2, false},
	} {
		name := fmt.Sprintf("%d columns, %d rows, QR code %v", c.columns, c.rows, c.qr)
		pages := screens(t, c.columns, c.rows, c.qr)
		if len(pages) != c.pages {
			t.Errorf("%s: %d pages, %d were expected:\n%s", name, len(pages), c.pages, strings.Join(pages, "\n=====\n"))
		}
		all := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(strings.Join(pages, "\n"), "")
		for _, page := range pages {
			lines := strings.Split(regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(page, ""), "\n")
			if len(lines) > c.rows {
				t.Errorf("%s: a page has %d lines", name, len(lines))
			}
			for _, line := range lines {
				if tty.Width(strings.TrimRight(line, " ")) > c.columns {
					t.Errorf("%s: %q is wider", name, line)
				}
			}
		}
		if image := strings.Contains(all, "▀▀▀"); image != c.image || c.qr && image == strings.Contains(all, "not shown") {
			t.Errorf("%s: the QR code is there: %v\n%s", name, image, all)
		}
		text := strings.Join(strings.Fields(regexp.MustCompile(`[▀▄█]+|\d+-\d+ `).ReplaceAllString(all, " ")), "")
		for _, fact := range []string{
			"Sharefile:share.pbe", "Set:QPZR(2-of-11)", "11ŽofiaMüller", "Restores:thekeyofRootCA", "Iflost:Ada,+41441234567", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0",
		} {
			if !strings.Contains(text, fact) && !c.image {
				t.Errorf("%s: %s is missing:\n%s", name, fact, all)
			}
		}
		for _, group := range strings.Fields("QPZR Y9X8 GF2T VDW0 S3JN 54KH CE6M UA7L 8b:5c:54:ea 21:1d:e4:7d dc:5f:8e:b5") {
			if !strings.Contains(all, group) {
				t.Errorf("%s: %s is missing, or cut:\n%s", name, group, all)
			}
		}
	}
}

// TestSmallWindow: no sheet is shown until all of it fits.
func TestSmallWindow(t *testing.T) {
	person, file := open(t)
	screen := screenOf(file, file)
	person.Resize(80, 5)
	end := begin(func() error { return screen.Show(t.Context(), handout()) })
	person.Expect(`^This window has 5 rows; make it at least 8, and press <enter>\. $`)
	person.Resize(12, 24)
	person.Enter("")
	person.ExpectText(`This window has 12 columns; make it at least 20, and press <enter>\. $`)
	person.Resize(80, 24)
	person.Enter("")
	person.Answer(`the screen is cleared\. $`, "")
	if err := end(); err != nil {
		t.Error(err)
	}
}

// TestTerminalThatCannotBeCleared: a sheet is shown there only to a custodian who
// insists.
func TestTerminalThatCannotBeCleared(t *testing.T) {
	for _, term := range []string{"dumb", ""} {
		person, file := open(t)
		t.Setenv("TERM", term)
		screen := screenOf(file, file)
		if !screen.Attended() || !screen.Exposed() {
			t.Errorf("TERM=%s: attended %v, exposed %v", term, screen.Attended(), screen.Exposed())
		}
		end := begin(func() error { return screen.Show(t.Context(), handout()) })
		for _, answer := range []string{"", "yes", "Show"} {
			person.Answer(`^(?:`+answer+`[a-zS]*\r\n)?This terminal cannot be cleared [^\n]* Type show to see it all the same, or quit to end: $`, answer)
			person.Expect(answer + "\r\n")
		}
		person.Answer(`the screen is cleared\. $`, "")
		if err := end(); err != nil {
			t.Error(err)
		}
		if strings.Contains(string(person.All), "\x1b") {
			t.Errorf("TERM=%s: the terminal gets commands: %q", term, person.All)
		}
	}
}
