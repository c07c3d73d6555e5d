// Package terminaltest is the person at a terminal, for tests: it waits for what is
// shown, and types.
package terminaltest

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/creack/pty"

	"conclave/internal/testrun"
)

// Session is what a terminal shows, and what is typed at it.
type Session struct {
	Terminal *os.File
	Command  *exec.Cmd // nil where no command was started
	All      []byte    // that was shown so far
	Seen     int       // how much of it Expect has found
	tb       testing.TB
	shown    chan []byte
}

// Start starts a command in a terminal of its own, which has no size and can be
// cleared.
func Start(tb testing.TB, command *exec.Cmd) *Session {
	tb.Helper()
	command.Env = append(command.Environ(), "TERM=xterm")
	terminal, err := pty.Start(command)
	if err != nil {
		tb.Fatal(err)
	}
	s := Attend(tb, terminal)
	s.Command = command
	return s
}

// Attend takes what a terminal shows, until it is closed.
func Attend(tb testing.TB, terminal *os.File) *Session {
	tb.Helper()
	if err := keepOutput(terminal); err != nil {
		tb.Fatal(err)
	}
	s := &Session{Terminal: terminal, tb: tb, shown: make(chan []byte, 1)}
	tb.Cleanup(func() { terminal.Close() })
	parts := make(chan []byte)
	go func() {
		defer close(parts)
		for {
			part := make([]byte, 4096)
			n, err := terminal.Read(part)
			if err != nil {
				return
			}
			parts <- part[:n]
		}
	}()
	go s.keep(parts)
	return s
}

// keep keeps what is shown until a test looks, however much that is: who writes to a
// terminal waits for no one.
func (s *Session) keep(parts <-chan []byte) {
	defer close(s.shown)
	var kept []byte
	for open := true; open || len(kept) > 0; {
		var to chan<- []byte
		if len(kept) > 0 {
			to = s.shown
		}
		var part []byte
		select {
		case part, open = <-parts:
			if kept = append(kept, part...); !open {
				parts = nil
			}
		case to <- kept:
			kept = nil
		}
	}
}

// Expect waits until the pattern is shown, and gives its groups. Styles are not
// looked at.
func (s *Session) Expect(pattern string) []string {
	s.tb.Helper()
	return s.expect(pattern, unstyled)
}

// ExpectText is Expect for what is read, however its lines are broken: white space
// and the ends of lines count as one space.
func (s *Session) ExpectText(pattern string) []string {
	s.tb.Helper()
	return s.expect(pattern, unbroken)
}

func (s *Session) expect(pattern string, view func([]byte) reading) []string {
	s.tb.Helper()
	re := regexp.MustCompile(pattern)
	patience := testrun.Patience(s.tb)
	for {
		seen := view(s.All[s.Seen:])
		if at := re.FindSubmatchIndex(seen.text); at != nil {
			s.Seen += seen.until(at[1])
			var texts []string
			for _, g := range re.FindSubmatch(seen.text) {
				texts = append(texts, string(g))
			}
			return texts
		}
		select {
		case part, open := <-s.shown:
			if !open {
				s.tb.Fatalf("%q never came:\n%s", pattern, s.All[s.Seen:])
			}
			s.All = append(s.All, part...)
		case <-patience.Done():
			s.tb.Fatalf("%q did not come in time:\n%s", pattern, s.All[s.Seen:])
		}
	}
}

// Enter types a line.
func (s *Session) Enter(line string) {
	s.tb.Helper()
	if _, err := s.Terminal.WriteString(line + "\r"); err != nil {
		s.tb.Fatal(err)
	}
}

// Answer waits for a prompt and types a line.
func (s *Session) Answer(prompt, line string) {
	s.tb.Helper()
	s.Expect(prompt)
	s.Enter(line)
}

// End waits for the command's end and checks its exit code.
func (s *Session) End(code int) {
	s.tb.Helper()
	for part := range s.shown {
		s.All = append(s.All, part...)
	}
	s.Command.Wait()
	if got := s.Command.ProcessState.ExitCode(); got != code {
		s.tb.Fatalf("exit code %d, %d was expected:\n%s", got, code, s.All)
	}
}
