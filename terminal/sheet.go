package terminal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rsc.io/qr"

	"conclave/custody"
	"conclave/internal/tty"
	"conclave/internal/typed"
)

// What is asked below a sheet.
const (
	written  = "Press <enter> when all is written down; the screen is cleared. "
	goOn     = "Press <enter> for the rest of the sheet. "
	atLeast  = 20 // columns that a sheet needs
	toolForm = "The same for OpenSC's sc-hsm-tool:"
)

// Show implements custody.Custodians: the code for us, and the three lines as
// sc-hsm-tool prints them, on as many pages as the window needs.
func (s *Screen) Show(ctx context.Context, h custody.Handout) error {
	defer s.terminal.Clear()
	if err := s.insist(ctx); err != nil {
		return err
	}
	pages, err := s.fitted(ctx, h)
	for i, page := range pages {
		if i > 0 {
			s.terminal.Clear()
		}
		s.terminal.Unbroken(append(page, ""))
		question := goOn
		if i == len(pages)-1 {
			question = written
		}
		if err := s.copied(ctx, question); err != nil {
			return err
		}
	}
	return err
}

// insist asks whether a sheet is to be shown where it cannot be taken away. The
// custodian decides whose sheet it is: it is that one's secret that stays.
func (s *Screen) insist(ctx context.Context) error {
	if s.terminal.Erases() {
		return nil
	}
	for {
		answer, err := s.stay(ctx, "This terminal cannot be cleared (TERM is not set, or dumb): whoever comes after you will see your sheet on it. Type show to see it all the same, or quit to end: ", "Sheets can go on paper instead, and a terminal with its name in TERM can be cleared. The command quit stops the ceremony, and makes all sheets void.")
		if err != nil || typed.Word(answer, "show") != "" {
			return err
		}
	}
}

// fitted are the pages of a sheet, once the window is large enough for each.
func (s *Screen) fitted(ctx context.Context, h custody.Handout) ([][]string, error) {
	for {
		columns, rows := s.terminal.Size()
		pages, needed := s.pages(h, columns, rows)
		var small string
		switch {
		case columns > 0 && columns < atLeast:
			small = fmt.Sprintf("This window has %d columns; make it at least %d, and press <enter>. ", columns, atLeast)
		case rows > 0 && rows < needed:
			small = fmt.Sprintf("This window has %d rows; make it at least %d, and press <enter>. ", rows, needed)
		default:
			return pages, nil
		}
		if err := s.copied(ctx, small); err != nil {
			return nil, err
		}
		s.terminal.Clear()
	}
}

// pages lays a sheet out in a window, whose size is 0 where it is not known, and gives
// the rows that the largest page needs.
func (s *Screen) pages(h custody.Handout, columns, rows int) (pages [][]string, needed int) {
	asked := 1 + len(wrapped(written, columns))
	room := rows - asked
	if rows == 0 {
		room = 1 << 20
	}
	about, code, tool := s.about(h, columns), codePart(h, columns), toolPart(h, columns)
	parts := [][]string{about, code, tool}
	if s.QR {
		image := qrCode(h.Sheet.Code)
		width := tty.Width(image[0])
		if beside := columns - width - 2*gap; beside >= wholeValue {
			text := join(s.about(h, beside), codePart(h, beside), toolPart(h, beside))
			if page := sideBySide(text, image, beside+gap); len(page) <= room {
				return [][]string{page}, len(page) + asked
			}
		}
		if alone := append([]string{"The code as a QR code:"}, image...); columns > 0 && columns < width || room < len(alone) {
			missing := fmt.Sprintf("The QR code needs a window of %d columns and %d rows, and is not shown.", width, len(alone)+asked)
			parts[1] = join(code, wrapped(missing, columns))
		} else if all := join(about, code, image, tool); len(all) <= room {
			return [][]string{all}, len(all) + asked
		} else {
			parts = append(parts, alone)
		}
	}
	for _, part := range parts {
		needed = max(needed, len(part)+asked)
	}
	return pack(parts, room), needed
}

// pack puts parts on as few pages as their order allows.
func pack(parts [][]string, room int) (pages [][]string) {
	for _, part := range parts {
		last := len(pages) - 1
		if last >= 0 && len(pages[last])+1+len(part) <= room {
			pages[last] = join(pages[last], part)
			continue
		}
		pages = append(pages, part)
	}
	return pages
}

// join puts parts below one another.
func join(parts ...[]string) (lines []string) {
	for i, part := range parts {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, part...)
	}
	return lines
}

// sideBySide puts an image to the right of text, whose lines are narrower than at.
func sideBySide(text, image []string, at int) (lines []string) {
	for i := range max(len(text), len(image)) {
		var line, right string
		if i < len(text) {
			line = text[i]
		}
		if i < len(image) {
			right = strings.Repeat(" ", at-tty.Width(line)) + image[i]
		}
		lines = append(lines, line+right)
	}
	return lines
}

// about says what the sheet is of.
func (s *Screen) about(h custody.Handout, columns int) []string {
	again := ""
	if h.Problem != nil {
		again = tty.Sprintf("Not accepted: %v. Put your sheet right.\n", h.Problem)
	}
	text := again + tty.Sprintf("%sShare file  : %s\nKey check   : %s\nSet         : %s (%v)\nCustodian   : %d %s", tty.Lines(s.Heading), h.ShareFile, h.KCV, h.Set, h.Scheme, h.Number, h.Name)
	for _, fact := range []struct{ label, text string }{{"Restores", h.Restores}, {"If lost", h.Contact}} {
		if fact.text != "" {
			text += tty.Sprintf("\n%-12s: %s", fact.label, fact.text)
		}
	}
	return wrapped(text, columns)
}

func wrapped(text string, columns int) []string {
	return strings.Split(tty.Wrap(text, columns), "\n")
}

// codePart is the code in lines of four groups, or fewer, each with the number of its
// first.
func codePart(h custody.Handout, columns int) []string {
	lines := []string{"Write down the code:", ""}
	const label, group = 9, 5
	groups := 4
	for columns > 0 && groups > 1 && label+groups*group-1 > columns {
		groups /= 2
	}
	first := 1
	for some := range slices.Chunk(strings.Fields(h.Sheet.Code), groups) {
		lines = append(lines, tty.Sprintf("%4d-%-2d  %s", first, first+len(some)-1, tty.ToType(strings.Join(some, " "))))
		first += len(some)
	}
	return lines
}

// wholeValue is how many columns a line with eight bytes of a value takes.
const wholeValue = 38

// toolPart is the same as sc-hsm-tool has it.
func toolPart(h custody.Handout, columns int) []string {
	lines := append(wrapped(toolForm, columns), "")
	lines = append(lines, valueLines("Prime       : ", h.Sheet.Prime, columns)...)
	lines = append(lines, tty.Sprintf("Share ID    : %s", h.Sheet.ID))
	lines = append(lines, valueLines("Share value : ", h.Sheet.Value, columns)...)
	if h.Sheet.OldToolID != "" {
		lines = append(lines, wrapped(tty.Sprintf("(It wants the share ID typed as %s.)", h.Sheet.OldToolID), columns)...)
	}
	return lines
}

// valueLines is a value after its name, in lines of as many bytes as fit: all, eight or
// four. No byte is cut.
func valueLines(name, value string, columns int) (lines []string) {
	digits := strings.Split(value, ":")
	bytes := len(digits)
	for _, fewer := range []int{8, 4} {
		if columns > 0 && len(name)+3*bytes-1 > columns && bytes > fewer {
			bytes = fewer
		}
	}
	if columns > 0 && len(name)+3*bytes > columns {
		lines, name = []string{strings.TrimSpace(name)}, "  "
	}
	for some := range slices.Chunk(digits, bytes) {
		lines = append(lines, name+strings.Join(some, ":"))
		name = strings.Repeat(" ", len(name))
	}
	for i := range lines[:len(lines)-1] { // where a value goes on, it says so
		if !strings.HasSuffix(lines[i], ":") {
			lines[i] += ":"
		}
	}
	return lines
}

// qrCode draws a code with two modules a character, dark on light as scanners
// want it, with its quiet zone.
func qrCode(code string) []string {
	c, err := qr.Encode(strings.ReplaceAll(code, " ", ""), qr.M)
	if err != nil {
		return []string{""} // the code is there
	}
	const quiet = 4
	var lines []string
	for y := -quiet; y < c.Size+quiet; y += 2 {
		var line strings.Builder
		for x := -quiet; x < c.Size+quiet; x++ {
			upper, lower := c.Black(x, y), c.Black(x, y+1)
			line.WriteString(map[[2]bool]string{{false, false}: " ", {true, false}: "▀", {false, true}: "▄", {true, true}: "█"}[[2]bool{upper, lower}])
		}
		lines = append(lines, line.String())
	}
	return tty.DarkOnLight(lines)
}
