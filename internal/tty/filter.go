package tty

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Printable writes a question mark for what a terminal would obey, or not show:
// control characters, the ends of lines, overrides of the direction, characters
// without width. Spaces of other widths become spaces.
func Printable(text string) string { return strings.Map(printable, text) }

func printable(r rune) rune {
	switch {
	case unicode.Is(unicode.Zs, r):
		return ' '
	case !unicode.IsPrint(r), unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return '?'
	}
	return r
}

// printableLines is Printable for text whose lines are ours.
func printableLines(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return printable(r)
	}, text)
}

// Lines is text whose lines are ours: as an argument of Printf it keeps them.
type Lines string

// shown are the arguments of Printf as they may be shown. The format is ours; an
// argument may be anyone's, and cannot even begin a line. What is wrong in several
// ways has a line for each.
func shown(args []any) []any {
	safe := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case int, uint, uint64, byte, float64, bool:
			safe[i] = v
		case Lines:
			safe[i] = printableLines(string(v))
		case Styled:
			safe[i] = v.marked()
		case error:
			safe[i] = filtered{v, "; "}
		default:
			safe[i] = filtered{v, "?"}
		}
	}
	return safe
}

// filtered is a value of which nothing reaches the terminal that it would obey.
type filtered struct {
	value   any
	newline string // what the end of a line in it becomes
}

// Format implements fmt.Formatter.
func (a filtered) Format(f fmt.State, verb rune) {
	text := fmt.Sprintf(fmt.FormatString(f, verb), a.value)
	io.WriteString(f, Printable(strings.ReplaceAll(text, "\n", a.newline)))
}
