package tty

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// Output is where people, or scripts, read what the program says. Nothing of it is
// obeyed by a terminal, whoever wrote it; and at a terminal it is broken at words, as
// wide as the window is at that moment, and has styles.
type Output struct {
	file     *os.File
	terminal bool
	escapes  bool // what is on it can be erased
	styles   bool
	verbatim bool // lines stay as they are
	lock     sync.Mutex
	layout   layout
	begun    bool  // a line
	err      error // the first of a write
}

// NewOutput is the output to a file.
func NewOutput(file *os.File, color Color) *Output {
	terminal := IsTerminal(file)
	escapes := terminal && obeysEscapes()
	return &Output{file: file, terminal: terminal, escapes: escapes, styles: color.styles(escapes)}
}

// NewVerbatim is an output whose lines stay as they are, as other programs expect them.
func NewVerbatim(file *os.File) *Output {
	o := NewOutput(file, ColorNever)
	o.verbatim = true
	return o
}

// IsTerminal says whether a person is behind a file.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Terminal says whether a person is behind it.
func (o *Output) Terminal() bool { return o.terminal }

// Erases says whether it is a terminal that can be cleared.
func (o *Output) Erases() bool { return o.escapes }

// Size is that of the window now; 0 where there is none, or it is not known.
func (o *Output) Size() (columns, rows int) {
	if !o.terminal {
		return 0, 0
	}
	columns, rows, err := term.GetSize(int(o.file.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}

// readable is how many columns text has at most: longer lines are hard to read.
const readable = 100

// Printf shows text. The format is the program's; an argument may be anyone's, and
// shows nothing but itself: [Lines] and [Styled] are those that are ours.
func (o *Output) Printf(format string, args ...any) { o.text(Sprintf(format, args...)) }

// Sprintf is the text of Printf, for [Wrap] and Unbroken.
func Sprintf(format string, args ...any) string { return fmt.Sprintf(format, shown(args)...) }

// Write shows text whose lines are ours.
func (o *Output) Write(text []byte) (int, error) {
	if err := o.text(printableLines(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// text shows text that is filtered.
func (o *Output) text(text string) error {
	o.lock.Lock()
	defer o.lock.Unlock()
	if !o.verbatim {
		columns, _ := o.Size()
		o.layout.columns = min(columns, readable)
		text = o.layout.add(emphasise(text))
	}
	return o.write(text)
}

// Unbroken shows lines that are no wider than they may be.
func (o *Output) Unbroken(lines []string) {
	o.lock.Lock()
	defer o.lock.Unlock()
	o.layout.at, o.layout.hang = 0, 0
	for _, line := range lines {
		o.write(emphasise(line) + "\n")
	}
}

// Exact is for an answer that programs read: they get each byte. A terminal obeys none
// of it either.
func (o *Output) Exact() io.Writer { return exact{o} }

type exact struct{ *Output }

// Write implements io.Writer.
func (e exact) Write(content []byte) (int, error) {
	e.lock.Lock()
	defer e.lock.Unlock()
	if !e.terminal {
		n, err := e.file.Write(content)
		return n, e.keep(err)
	}
	return len(content), e.write(printableLines(string(content)))
}

func (o *Output) write(text string) error {
	if text != "" {
		o.begun = !strings.HasSuffix(text, "\n")
	}
	_, err := io.WriteString(o.file, rendered(text, o.styles, o.escapes))
	return o.keep(err)
}

func (o *Output) keep(err error) error {
	if o.err == nil {
		o.err = err
	}
	return err
}

// Err is the error of the first write that failed: a full disk, or a pipe that no one
// reads any more.
func (o *Output) Err() error { return o.err }

// newline tells that the person has ended the line.
func (o *Output) newline() {
	o.lock.Lock()
	defer o.lock.Unlock()
	o.layout.at, o.layout.hang, o.begun = 0, 0, false
}

// FreshLine ends a line that was begun, such as a question that no one has answered.
func (o *Output) FreshLine() {
	o.lock.Lock()
	defer o.lock.Unlock()
	if o.begun {
		o.write(o.layout.add("\n"))
	}
}

// obey gives a terminal that can be cleared a command.
func (o *Output) obey(command string) {
	o.lock.Lock()
	defer o.lock.Unlock()
	if o.escapes || o.verbatim && o.terminal {
		o.layout.at, o.layout.hang, o.begun = 0, 0, false
		_, err := io.WriteString(o.file, command)
		o.keep(err)
	}
}

// Status shows in one line how work goes on, in place of what it showed before, where
// that can be erased.
func (o *Output) Status(format string, args ...any) {
	line := Sprintf(format, args...)
	if columns, _ := o.Size(); columns > 0 {
		line = cut(line, columns-1)
	}
	o.obey("\r\x1b[K" + line)
}

// EndStatus takes the line of Status away.
func (o *Output) EndStatus() { o.obey("\r\x1b[K") }

// cut is the beginning of a line that takes no more than so many columns.
func cut(line string, columns int) string {
	for i, r := range line {
		if columns -= runeWidth(r); columns < 0 {
			return line[:i]
		}
	}
	return line
}

// prompt shows a question, which is one line: whatever would break it is replaced, but
// for empty lines before it.
func (o *Output) prompt(text string) {
	question := strings.TrimLeft(text, "\n")
	o.text(text[:len(text)-len(question)] + Printable(question))
}
