package tty

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Width is how many columns text takes.
func Width(text string) (columns int) {
	for _, r := range text {
		columns += runeWidth(r)
	}
	return columns
}

func runeWidth(r rune) int {
	if isStyle(r) || unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Wrap breaks text at words into lines of so many columns; 0 leaves it as it is. What
// is longer than a line is left whole.
func Wrap(text string, columns int) string {
	l := layout{columns: columns}
	return l.add(text)
}

// layout is a cursor that breaks lines as text comes.
type layout struct {
	columns int // 0: not known, and nothing is broken
	at      int // the column of the cursor
	hang    int // where the lines begin that a broken one goes on with
}

// add gives what is to be written.
func (l *layout) add(text string) string {
	if l.columns <= 0 {
		return text
	}
	var out strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			out.WriteByte('\n')
			l.at, l.hang = 0, 0
		}
		l.line(&out, line)
	}
	return out.String()
}

// line adds a line, or a part of one.
func (l *layout) line(out *strings.Builder, line string) {
	if l.at == 0 {
		l.hang = hangingIndent(line)
		if l.hang > l.columns/2 {
			l.hang = min(2, l.hang)
		}
	}
	for line != "" {
		word := nextWord(line)
		line = line[len(word):]
		l.word(out, word)
	}
}

// word adds a word with the spaces before it, on the next line if it does not fit.
func (l *layout) word(out *strings.Builder, word string) {
	bare := strings.TrimLeft(word, " ")
	needed := Width(bare)
	fitsBelow := l.at > l.hang || l.at > 0 && needed <= l.columns
	if bare != "" && fitsBelow && l.at+Width(word) > l.columns {
		if l.hang+needed > l.columns {
			l.hang = max(0, min(2, l.hang, l.columns-needed))
		}
		out.WriteString("\n" + strings.Repeat(" ", l.hang))
		l.at, word = l.hang, bare
	}
	out.WriteString(word)
	if l.at += Width(word); l.at > l.columns { // the terminal breaks it
		l.at = (l.at-1)%l.columns + 1
	}
}

// nextWord is the first word of a line with the spaces before it. What is to be typed
// is one word.
func nextWord(line string) string {
	begun, together := false, false
	for i, r := range line {
		switch {
		case style(r) == toType:
			begun, together = true, true
		case style(r) == normal:
			together = false
		case r != ' ':
			begun = true
		case begun && !together:
			return line[:i]
		}
	}
	return line
}

// beginnings are the sign, the name or the first column that a line begins with.
var beginnings = regexp.MustCompile(`^ *(?:(?:[*=-]|\[ \]|\d+[.)]) +|\S[^:]{0,18} +: |\S(?:\S| \S){0,18} {2,})?`)

// hangingIndent is where a line goes on when it is broken: below its text.
func hangingIndent(line string) int { return Width(beginnings.FindString(line)) }
