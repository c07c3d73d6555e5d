package terminaltest

import "regexp"

// reading is what a terminal shows as people read it.
type reading struct {
	text []byte
	ends []int // for each byte of the text, where it ends in what was shown
}

// until says how much was shown up to an offset of the text.
func (r reading) until(offset int) int {
	if offset == 0 {
		return 0
	}
	return r.ends[offset-1]
}

// unstyled is what was shown without its styles: changes of colours and of how
// letters look.
func unstyled(shown []byte) (r reading) {
	style := regexp.MustCompile(`^\x1b\[[0-9;]*m`)
	for at := 0; at < len(shown); {
		if shown[at] == '\x1b' {
			if length := len(style.Find(shown[at:])); length > 0 {
				at += length
				continue
			}
		}
		at++
		r.text, r.ends = append(r.text, shown[at-1]), append(r.ends, at)
	}
	return r
}

// unbroken is what was shown without its styles, and with one space for each run of
// white space and ends of lines.
func unbroken(shown []byte) (r reading) {
	whole := unstyled(shown)
	for i, c := range whole.text {
		if c == '\r' || c == '\n' || c == '\t' {
			c = ' '
		}
		if last := len(r.text) - 1; c == ' ' && last >= 0 && r.text[last] == ' ' {
			r.ends[last] = whole.ends[i]
			continue
		}
		r.text, r.ends = append(r.text, c), append(r.ends, whole.ends[i])
	}
	return r
}

// Text is all that was shown, as it is read: without styles, and with one space for
// each run of white space and ends of lines.
func (s *Session) Text() string { return string(unbroken(s.All).text) }
