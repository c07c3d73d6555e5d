package paper

import (
	"errors"

	"conclave/internal/typeset"
)

// fitted is a name in the size and the lines in which there is room for it.
type fitted struct {
	typeset.Style
	lines []string
}

const (
	nameSize   = 11.0 // points
	nameLines  = 2
	nameLonger = 200 // characters, more than there is ever room for
)

// fit finds how a name goes into the room: in one line, in smaller type, in two
// lines, or shortened.
func (p *page) fit(room float64, name string) fitted {
	for points := nameSize; points >= typeset.Least; points -= 0.5 {
		s := style(typeset.Bold, points)
		if p.Measure(s, name) <= room {
			return fitted{s, []string{name}}
		}
	}
	s := style(typeset.Bold, typeset.Least)
	for n := min(len([]rune(name)), nameLonger); n > 1; n-- {
		if lines := p.Wrap(s, room, shorten(name, n)); len(lines) <= nameLines {
			return fitted{s, lines}
		}
	}
	p.SetError(errors.New("there is no room for a name"))
	return fitted{}
}

// shorten leaves n characters. It takes them from the middle: the end of a file
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
