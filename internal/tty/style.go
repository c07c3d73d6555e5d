package tty

import (
	"os"
	"regexp"
	"runtime"
	"strings"
)

// Color says when text has styles. They carry nothing that the words do not say.
type Color string

// The values of the option --color.
const (
	ColorAuto   Color = "auto" // at a terminal that has them, unless NO_COLOR is set
	ColorAlways Color = "always"
	ColorNever  Color = "never"
)

func (c Color) styles(terminal bool) bool {
	return c == ColorAlways || c != ColorNever && terminal && os.Getenv("NO_COLOR") == ""
}

// obeysEscapes says whether the terminal of this program can erase what it shows.
func obeysEscapes() bool {
	name := os.Getenv("TERM")
	return name != "dumb" && (name != "" || runtime.GOOS == "windows")
}

// Styled is text with a style: as an argument of Printf, or alone where no style is
// wanted.
type Styled struct {
	style style
	text  string
}

// String is the text.
func (s Styled) String() string { return s.text }

// Heading is text that names what comes after it.
func Heading(text string) Styled { return Styled{heading, text} }

// ToType is text to be typed or copied. Its words stay together: a command that is
// taken from the terminal must be whole.
func ToType(text string) Styled { return Styled{toType, text} }

// style is a mark in text that is about to be shown: a character that Unicode keeps
// out of all texts, and that the filter lets no one else write.
type style rune

const (
	heading style = 0xFDD0 + iota
	problem
	toType
	inverse // dark on light, whatever the colours of the terminal are
	normal
)

func (s style) sequence() string {
	return map[style]string{heading: "\x1b[1m", problem: "\x1b[1;31m", toType: "\x1b[1;36m", inverse: "\x1b[30;107m", normal: "\x1b[0m"}[s]
}

func isStyle(r rune) bool { return rune(heading) <= r && r <= rune(normal) }

func (s style) mark(text string) string { return string(rune(s)) + text + string(rune(normal)) }

func (s Styled) marked() string { return s.style.mark(Printable(s.text)) }

// DarkOnLight is lines of ours that a camera reads, such as those of a QR code.
func DarkOnLight(lines []string) (marked []string) {
	for _, line := range lines {
		marked = append(marked, inverse.mark(Printable(line)))
	}
	return marked
}

// What our texts have everywhere: what is wrong, at the beginning of a line, and a
// command after a colon or on a line of its own.
var (
	wrongs   = regexp.MustCompile(`(?m)^ *(?:PROBLEM|TROUBLE|NOT [A-Z ]*[A-Z]|Not accepted|conclave:)`)
	commands = regexp.MustCompile(`(: |\n  )(conclave(?: [^\s,;()]*[^\s,;:.()])+)`)
)

// emphasise marks them.
func emphasise(text string) string {
	text = wrongs.ReplaceAllStringFunc(text, problem.mark)
	return commands.ReplaceAllString(text, "${1}"+toType.mark("${2}"))
}

// rendered takes the marks out, or puts the sequences of a terminal in their place.
func rendered(text string, styles, inverted bool) string {
	if !strings.ContainsFunc(text, isStyle) {
		return text
	}
	var all strings.Builder
	begun := normal
	for _, r := range text {
		switch mark := style(r); {
		case !isStyle(r):
			all.WriteRune(r)
			continue
		case mark != normal:
			begun = mark
		}
		if styles || inverted && begun == inverse {
			all.WriteString(style(r).sequence())
		}
	}
	return all.String()
}
