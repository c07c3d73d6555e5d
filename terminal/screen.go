// Package terminal is how people are met at a terminal. Begin with [Screen], which
// custodians come to one at a time, or with [Room], where the people of a whole
// ceremony answer; [Paper] gives sheets to a printer or writes them as files, and
// [Prompts] asks the person who gives a command for what its options have not said.
// [Table] shows rows. Nothing here decides about
// custody or ceremonies, or knows a command or its options.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"os"

	"conclave/custody"
	"conclave/internal/tty"
	"conclave/internal/typed"
)

// Screen is the screen that custodians come to, one at a time. It is cleared of
// what each has seen and typed.
type Screen struct {
	terminal *tty.Terminal
	Heading  string // of each sheet, where there is more to say
	QR       bool   // show the code as a QR code too
}

// NewScreen is the screen behind a file and an output. From now on the program cannot
// be suspended from it.
func NewScreen(in *os.File, out *tty.Output) *Screen {
	tty.KeepForeground()
	return &Screen{terminal: tty.New(in, out)}
}

// Attended says whether there is a person, who sees the screen.
func (s *Screen) Attended() bool { return s.terminal.Interactive() && s.terminal.Terminal() }

// Exposed says whether a person types what cannot be cleared from the screen.
func (s *Screen) Exposed() bool { return s.terminal.Interactive() && !s.terminal.Erases() }

// Welcome tells everyone what is about to happen, before sheets are handed out.
func (s *Screen) Welcome(threshold, total int) {
	s.terminal.Printf(`The DKEK share file gets a password that no one knows. It is shared out to %d custodians, any %d of whom together can open the file; %d cannot.

Each custodian comes to the screen alone, and keeps the sheet where no other custodian can get at it. The code on it is secret, and so is the share value.

`, total, threshold, threshold-1)
}

// line asks for a line. Where none comes, because ctx ends or otherwise, the
// screen keeps nothing.
func (s *Screen) line(ctx context.Context, prompt string) (string, error) {
	line, err := s.terminal.LineUntil(ctx, prompt)
	if err != nil {
		s.terminal.Clear()
	}
	return line, err
}

// Come implements custody.Custodians. What was typed ahead is not for this
// custodian.
func (s *Screen) Come(ctx context.Context, turn custody.Turn) error {
	s.terminal.Discard()
	count := ""
	if turn.Of > 1 {
		count = fmt.Sprintf(" (%d of %d)", turn.Number, turn.Of)
	}
	switch {
	case turn.Custodian == 0:
		s.terminal.Printf("Sheet %d of %d: a custodian comes to the screen alone, and the others look away.\n", turn.Number, turn.Of)
	case turn.Name != "":
		s.terminal.Printf("%s, custodian %d, comes to the screen alone, and the others look away%s.\n", turn.Name, turn.Custodian, count)
	default:
		s.terminal.Printf("Custodian %d comes to the screen alone, and the others look away%s.\n", turn.Custodian, count)
	}
	_, err := s.obey(ctx, "Press <enter> when you are alone. ", "Press <enter>, and nothing else, once no one else sees the screen. Commands are quit, to stop; and where sheets are typed, undo, which takes the last one back, and leave, to let another custodian come.")
	s.terminal.Clear()
	return err
}

// obey asks for a line, and obeys the commands that are understood at every question.
func (s *Screen) obey(ctx context.Context, prompt, help string) (string, error) {
	for {
		text, err := s.line(ctx, prompt)
		if err == nil {
			err = custody.CommandError(text)
		}
		if err != nil || !custody.IsHelp(text) {
			return text, err
		}
		s.terminal.Printf("%s\n", help)
	}
}

// stay asks for a line of who has a sheet before them: there is nothing to take back,
// and no one else who could come.
func (s *Screen) stay(ctx context.Context, prompt, help string) (string, error) {
	for {
		text, err := s.obey(ctx, prompt, help)
		if command := custody.CommandError(text); command == nil || errors.Is(command, custody.ErrQuit) {
			return text, err
		}
		s.terminal.Printf("There is nothing to take back or to leave here. %s\n", help)
	}
}

// copied waits until the custodian has the sheet.
func (s *Screen) copied(ctx context.Context, prompt string) error {
	_, err := s.stay(ctx, prompt, "Press <enter> when you have the sheet. The command quit stops the ceremony, and makes all sheets void.")
	return err
}

// Ask implements custody.Custodians.
func (s *Screen) Ask(ctx context.Context, field custody.Field, problem error) (string, error) {
	if problem != nil {
		s.terminal.Refuse(problem)
	}
	return s.line(ctx, "Type from the sheet. "+prompts(field)+": ")
}

// prompts names what is asked for.
func prompts(field custody.Field) string {
	switch field {
	case custody.Prime, custody.ShareID:
		return "Code, or " + field.String()
	case custody.Rest:
		return "Go on"
	}
	return field.String()
}

// Confirm implements custody.Custodians. Only a word can be a yes, and only a
// person's.
func (s *Screen) Confirm(ctx context.Context, question string) (bool, error) {
	s.terminal.Discard() // what was typed ahead answers no question that was not there
	for s.terminal.Interactive() {
		text, err := s.obey(ctx, question+" (yes/no) ", "Type yes or no. Commands are undo, which takes the last line or sheet back; leave, to let another custodian come; and quit, to stop.")
		if err != nil {
			return false, err
		}
		if yes, answered := typed.Yes(text); answered {
			return yes, nil
		}
		s.terminal.Printf("A yes or a no was expected.\n")
	}
	return false, nil
}

// Leave implements custody.Custodians.
func (s *Screen) Leave() { s.terminal.Clear() }

// Tell implements custody.Custodians.
func (s *Screen) Tell(text string) { s.terminal.Printf("%s\n", text) }
