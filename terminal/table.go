package terminal

import (
	"strings"

	"conclave/internal/tty"
)

// Table shows rows in columns, the first row being the heads. Where the window is too
// narrow cells are broken at words; where it is much too narrow, or the terminal is not
// one for layouts, each row is a list that names what is in it.
func Table(out *tty.Output, rows [][]string) {
	for _, row := range rows {
		for i, cell := range row {
			row[i] = tty.Printable(cell)
		}
	}
	columns, _ := out.Size()
	widths, fits := fit(rows, columns)
	if !fits || out.Terminal() && !out.Erases() {
		showLists(out, rows)
		return
	}
	for i, row := range rows {
		lines := rowLines(row, widths)
		if i == 0 {
			for k, line := range lines {
				lines[k] = tty.Sprintf("%s", tty.Heading(line))
			}
		}
		out.Unbroken(lines)
	}
}

// Facts shows pairs of a name and what it is of one thing, one in a line.
func Facts(out *tty.Output, facts [][]string) {
	width := 0
	for _, fact := range facts {
		width = max(width, tty.Width(fact[0]))
	}
	for _, fact := range facts {
		out.Printf("%s%s%s\n", fact[0], strings.Repeat(" ", width-tty.Width(fact[0])+gap), fact[1])
	}
}

const (
	gap      = 2  // between columns
	narrowed = 16 // what a column that is broken has at least
)

// fit gives the widths of columns in a window, 0 for one without an end. The widest
// is narrowed first; none is narrower than a word in it.
func fit(rows [][]string, window int) (widths []int, fits bool) {
	var least []int
	total := 0
	for i := range rows[0] {
		width, word := 0, 0
		for _, row := range rows {
			if i < len(row) {
				width, word = max(width, tty.Width(row[i])), max(word, longestWord(row[i]))
			}
		}
		widths, least = append(widths, width), append(least, min(width, max(word, narrowed)))
		total += width + gap
	}
	for total -= gap; window > 0 && total > window; total-- {
		widest := -1
		for i, width := range widths {
			if width > least[i] && (widest < 0 || width > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return nil, false
		}
		widths[widest]--
	}
	return widths, true
}

func longestWord(text string) (columns int) {
	for _, word := range strings.Fields(text) {
		columns = max(columns, tty.Width(word))
	}
	return columns
}

// rowLines are the lines of a row.
func rowLines(row []string, widths []int) []string {
	var cells [][]string
	height := 0
	for i, cell := range row {
		cells = append(cells, strings.Split(tty.Wrap(cell, widths[i]), "\n"))
		height = max(height, len(cells[i]))
	}
	lines := make([]string, height)
	for k := range lines {
		var line strings.Builder
		missing := 0
		for i, cell := range cells {
			part := ""
			if k < len(cell) {
				part = cell[k]
			}
			line.WriteString(strings.Repeat(" ", missing) + part)
			missing = widths[i] + gap - tty.Width(part)
		}
		lines[k] = strings.TrimRight(line.String(), " ")
	}
	return lines
}

// showLists shows each row as lines with the names of its columns.
func showLists(out *tty.Output, rows [][]string) {
	for n, row := range rows[1:] {
		if n > 0 {
			out.Printf("\n")
		}
		for i, cell := range row {
			switch name := rows[0][i]; {
			case cell == "":
			case name == "":
				out.Printf("%s\n", cell)
			default:
				out.Printf("%s: %s\n", tty.Heading(name), cell)
			}
		}
	}
}
