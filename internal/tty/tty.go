// Package tty is the conversation with the person at the terminal.
package tty

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/term"

	"conclave/internal/interrupt"
	"conclave/internal/secret"
)

// Terminal asks questions and shows answers. If its input is not a terminal it
// reads lines, so that scripts can answer.
type Terminal struct {
	*Output
	in    *os.File
	lines *bufio.Reader
}

// New is the terminal behind a file and an output.
func New(in *os.File, out *Output) *Terminal { return &Terminal{out, in, bufio.NewReader(in)} }

// ErrAborted is the error for an input that ends before it is complete.
var ErrAborted = errors.New("input aborted")

// Interactive says whether a person can answer.
func (t *Terminal) Interactive() bool { return IsTerminal(t.in) }

// Line asks for a line of text.
func (t *Terminal) Line(prompt string) (string, error) {
	t.prompt(prompt)
	line, err := t.lines.ReadString('\n')
	if t.Interactive() && err == nil {
		t.newline()
	}
	if err != nil && line == "" {
		return "", ErrAborted
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// LineUntil is Line that stops waiting when ctx ends, with its error.
func (t *Terminal) LineUntil(ctx context.Context, prompt string) (string, error) {
	type answer struct {
		line string
		err  error
	}
	answered := make(chan answer, 1)
	t.prompt(prompt) // here: nothing must be shown once this has returned
	go func() {
		line, err := t.Line("")
		answered <- answer{line, err}
	}()
	select {
	case a := <-answered:
		return a.line, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Refuse says what is wrong with what was typed.
func (t *Terminal) Refuse(problem error) { t.Printf("Not accepted: %v\n", problem) }

// Waiting runs fn, which cannot tell how far it is, and shows the time it has
// taken so far, from the first second on, if the output is a terminal.
func (t *Terminal) Waiting(doing string, fn func() error) error {
	if !t.Erases() {
		return fn()
	}
	done := make(chan error, 1)
	go func() { done <- fn() }()
	begin, second := time.Now(), time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case err := <-done:
			t.EndStatus()
			return err
		case <-second.C:
			t.Status("%s: %.0f s", doing, time.Since(begin).Seconds())
		}
	}
}

// Discard forgets what was typed ahead of a prompt, such as what is left of a
// paste. What a script has written stays.
func (t *Terminal) Discard() {
	if !t.Interactive() {
		return
	}
	discardInput(int(t.in.Fd()))
	t.lines.Discard(t.lines.Buffered())
}

// Secret asks for a secret, which is not shown as it is typed.
func (t *Terminal) Secret(prompt string) (secret.Bytes, error) {
	if !t.Interactive() {
		line, err := t.Line(prompt)
		t.Printf("\n")
		return secret.Bytes(line), err
	}
	typed, err := t.readHidden(prompt)
	t.Printf("\n")
	if err != nil {
		return nil, ErrAborted
	}
	return typed, nil
}

// TypedAgain lets ask ask once more for a secret that is about to be set, and says
// whether the same was typed. The second entry is wiped, and so is the first where
// they differ.
func TypedAgain(first secret.Bytes, ask func() (secret.Bytes, error)) (same bool, err error) {
	again, err := ask()
	defer again.Wipe()
	if same = err == nil && first.Equal(again); !same {
		first.Wipe()
	}
	return same, err
}

// readHidden shows the prompt and reads a line. The echo is off before the
// prompt is there, and on again after it, whether by an answer or an interrupt.
func (t *Terminal) readHidden(prompt string) (secret.Bytes, error) {
	fd := int(t.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	defer term.Restore(fd, before)
	defer onSignal(func() { term.Restore(fd, before) })()
	if err := hideInput(fd); err != nil {
		return nil, err
	}
	t.prompt(prompt)
	return term.ReadPassword(fd)
}

// onSignal runs last when a signal ends the program, until stop is called.
func onSignal(last func()) (stop func()) {
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	interrupt.Notify(signals)
	go func() {
		select {
		case s := <-signals:
			last()
			code, _ := interrupt.ExitCode(&interrupt.Error{Signal: s})
			os.Exit(code)
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// ClearOnSignal clears the screen when a signal ends the program, until stop
// is called.
func (t *Terminal) ClearOnSignal() (stop func()) { return onSignal(t.Clear) }

// Clear takes what was shown off the screen and out of the scrollback, and ends a style
// that was cut off.
func (t *Terminal) Clear() {
	if t.styles {
		t.obey(normal.sequence())
	}
	t.obey("\x1b[H\x1b[2J\x1b[3J")
}
