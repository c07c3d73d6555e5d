package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"

	"conclave/internal/safefile"
	"conclave/internal/tty"
	"conclave/terminal"
)

// schemaVersion is that of every JSON object that goes to a script: docs/json.md says
// what may change without a new one.
const schemaVersion = 1

// answers is where a command says what it has found or done: results go to out, all else
// to err.
type answers struct {
	out, err *tty.Output // out is err where standard output is for JSON
	quiet    bool        // results and errors alone are shown
	json     bool
	answered any      // what JSON is made of at the end
	warnings []string // that go with it
}

// note tells the user something beside the result, unless only that is wanted.
func (a *answers) note(format string, args ...any) {
	if !a.quiet {
		a.err.Printf(format+"\n", args...)
	}
}

// warn tells the user of something that is not as it should be. A script has it with
// the answer, or with the error.
func (a *answers) warn(format string, args ...any) {
	if a.json {
		a.warnings = append(a.warnings, fmt.Sprintf(format, args...))
	} else {
		a.note("conclave: warning: "+format, args...)
	}
}

// next says what comes after a step that is done. Programs that read JSON know.
func (a *answers) next(format string, args ...any) {
	if !a.json {
		a.note("Next: "+format, args...)
	}
}

// answer says what a command has found or done: as text, or as the value where a script
// asks. A command answers once; the value may be filled until it ends.
func (a *answers) answer(value any, text func() error) error {
	if a.json {
		a.answered = value
		return nil
	}
	return text()
}

// answerf is answer in a line or two.
func (a *answers) answerf(value any, format string, args ...any) error {
	return a.answer(value, func() error {
		a.out.Printf(format, args...)
		return a.out.Err()
	})
}

// answerFacts is answer about one thing: names, and what they are.
func (a *answers) answerFacts(value any, facts [][]string) error {
	return a.answer(value, func() error {
		terminal.Facts(a.out, facts)
		return a.out.Err()
	})
}

// showTable shows rows in columns, the first row being the heads.
func (a *answers) showTable(rows [][]string) error {
	terminal.Table(a.out, rows)
	return a.out.Err()
}

// say shows a part of the text of an answer while the work goes on.
func (a *answers) say(format string, args ...any) {
	if !a.json {
		a.out.Printf(format, args...)
	}
}

// sendAnswer writes the answer, with all the warnings that have come by then.
func (a *answers) sendAnswer(w io.Writer) error {
	if a.answered == nil {
		return nil
	}
	var indented bytes.Buffer
	err := json.Indent(&indented, a.object(a.answered), "", "  ")
	if err == nil {
		indented.WriteByte('\n')
		_, err = indented.WriteTo(w)
	}
	return err
}

// object is a struct as JSON, with the schema's version before its members and the
// warnings after them. An empty text is null, and so is a time that is none: that is
// how JSON says that something is absent.
func (a *answers) object(value any) []byte {
	members, err := json.Marshal(value)
	if err != nil {
		panic(err) // all of them are types of ours
	}
	warnings, _ := json.Marshal(append([]string{}, a.warnings...))
	a.warnings = nil
	whole := fmt.Appendf(nil, `{"schema":%d,%s,"warnings":%s}`, schemaVersion, members[1:len(members)-1], warnings)
	for _, none := range []string{`""`, `"0001-01-01T00:00:00Z"`} { // within a text its quotes are escaped
		whole = bytes.ReplaceAll(whole, []byte(":"+none), []byte(":null"))
	}
	return escaped(whole)
}

// escaped writes as JSON's own escapes what a terminal would obey, or not show.
func escaped(text []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(text) {
		if tty.Printable(string(r)) == string(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.Bytes()
}

// some is the value, or null for one that is not there: zero.
func some[T comparable](value T) *T {
	var none T
	if value == none {
		return nil
	}
	return &value
}

// standardOutput is its name on the command line.
const standardOutput = "-"

// output is a file that a command makes, in its answer: its name, or its content where
// that is for standard output.
type output struct {
	File    string `json:"file"`
	Content []byte `json:"content"`
	place   *safefile.Place
}

// reserveOutput takes the place of a new file; there is none for standard output. What
// is binary does not go to a terminal, which would obey some of it.
func (c *console) reserveOutput(path string, room int64, binary bool) (output, error) {
	if path != standardOutput {
		place, err := c.reserve(path, room)
		return output{File: path, place: place}, err
	}
	if binary && !c.json && c.out.Terminal() {
		return output{}, &usageError{error: fmt.Errorf("what this writes is binary, and standard output is a terminal: redirect it, or name a file in place of %s", standardOutput)}
	}
	return output{}, nil
}

// release gives up the place of what was not written.
func (o *output) release() { o.place.Release() }

// write writes the file, or to standard output.
func (a *answers) write(o *output, content []byte) (err error) {
	switch {
	case o.place != nil:
		return o.place.Finish(content)
	case a.json:
		o.Content = content
	default:
		_, err = a.out.Exact().Write(content)
	}
	return err
}

// answerWritten is answerf for an output, beside which no sentence goes to standard
// output.
func (a *answers) answerWritten(o output, value any, format string, args ...any) error {
	if o.place == nil && !a.json {
		return nil
	}
	return a.answerf(value, format, args...)
}
