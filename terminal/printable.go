package terminal

import (
	"strings"
	"unicode"
)

// Printable writes a question mark for what cannot be printed. What others have
// written reaches the terminal through it, so that the terminal obeys none of it.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
