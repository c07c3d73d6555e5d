package paper

import (
	"errors"
	"strings"
)

// fitted is a name in the size and the lines in which there is room for it.
type fitted struct {
	style
	lines []string
}

const (
	nameSize   = 11.0 // points
	nameSmall  = 9.0  // the least in one line
	nameTwo    = 7.5  // in two lines, which take no more height than one of nameSize
	nameLines  = 2
	nameLonger = 200 // characters, more than there is ever room for
)

// fit finds how a name goes into the room: in one line, in smaller type, in two
// lines, or shortened.
func (p *page) fit(room float64, name string) fitted {
	for points := nameSize; points >= nameSmall; points -= 0.5 {
		s := style{bold, points}
		if p.measure(s, name) <= room {
			return fitted{s, []string{name}}
		}
	}
	s := style{bold, nameTwo}
	for n := min(len([]rune(name)), nameLonger); n > 1; n-- {
		if lines := p.wrap(s, room, shorten(name, n)); len(lines) <= nameLines {
			return fitted{s, lines}
		}
	}
	if p.err == nil {
		p.err = errors.New("there is no room for a name")
	}
	return fitted{}
}

// shorten leaves n characters. What goes is in the middle: the end of a file
// name and a family name tell more.
func shorten(name string, n int) string {
	runes := []rune(name)
	if len(runes) <= n {
		return name
	}
	end := (n - 1) / 2
	start := n - 1 - end
	return string(runes[:start]) + "…" + string(runes[len(runes)-end:])
}

// wrap breaks a text into lines of a style.
func (p *page) wrap(s style, room float64, text string) []string {
	return Wrap(func(part string) float64 { return p.measure(s, part) }, room, text)
}

// Wrap breaks a text into lines that measure finds no wider than the room: after
// a space, else after a punctuation mark, as file names have them, else anywhere.
func Wrap(measure func(string) float64, room float64, text string) (lines []string) {
	for text = strings.TrimSpace(text); text != ""; {
		n := prefix(measure, room, text)
		if n < len(text) {
			n = breakBefore(text, n)
		}
		lines = append(lines, strings.TrimSpace(text[:n]))
		text = strings.TrimSpace(text[n:])
	}
	return lines
}

// prefix returns how many bytes of the text there is room for, one character at
// least.
func prefix(measure func(string) float64, room float64, text string) int {
	var w float64
	for i, r := range text {
		w += measure(string(r))
		if w > room && i > 0 {
			return i
		}
	}
	return len(text)
}

// breakBefore returns where the line is broken, if n bytes of it are the most.
func breakBefore(text string, n int) int {
	if text[n] == ' ' {
		return n
	}
	if i := strings.LastIndexByte(text[:n], ' '); i > 0 {
		return i
	}
	if i := strings.LastIndexAny(text[:n], "-_.,;"); i > n/2 {
		return i + 1
	}
	return n
}
