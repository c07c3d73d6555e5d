package terminal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"conclave/custody"
	"conclave/internal/secret"
	"conclave/internal/tty"
	"conclave/internal/typed"
)

// Prompts asks the person who gives a command for what the command line has not
// said.
type Prompts struct{ *tty.Terminal }

// NewPrompts asks on out, and is answered on in.
func NewPrompts(in *os.File, out *tty.Output) *Prompts { return &Prompts{tty.New(in, out)} }

// Ask asks for a line. A person can ask for help, and stop.
func (p *Prompts) Ask(ctx context.Context, prompt, help string) (string, error) {
	for {
		text, err := p.LineUntil(ctx, prompt)
		command := typed.Word(text, commands()...)
		if err != nil || command == "" || !p.Interactive() {
			return text, err
		}
		if err := p.command(command, help); err != nil {
			return "", err
		}
	}
}

// commands are the words that are understood at every question.
func commands() []string { return []string{"help", "undo", "leave", "quit", "exit"} }

// command obeys one of them where there is nothing to take back.
func (p *Prompts) command(command, help string) error {
	if command == "quit" || command == "exit" {
		return custody.ErrQuit
	}
	p.Printf("%s; or quit, to stop. There is nothing to take back or to leave.\n", help)
	return nil
}

// AskSecret asks for a PIN or a password, which is not shown as it is typed. A person
// can ask for help, and stop.
func (p *Prompts) AskSecret(what string) (secret.Bytes, error) {
	for {
		text, err := p.Secret(Sentence(what) + ": ")
		if err != nil {
			return nil, fmt.Errorf("%s: %w; where no one can type it, name it on the command line", what, err)
		}
		command := typed.SecretWord(text, commands()...)
		if command == "" || !p.Interactive() {
			return text, nil
		}
		if err := p.command(command, "Type the "+what+", which is not shown"); err != nil {
			return nil, err
		}
		p.Printf("A secret that is one of these words goes on the command line.\n")
	}
}

// AskNewSecret asks for a secret that is about to be set: once check accepts it, it
// is typed again. A person is asked until both are right.
func (p *Prompts) AskNewSecret(what string, check func(secret.Bytes) error) (secret.Bytes, error) {
	for {
		first, err := p.AskSecret(what)
		if err != nil {
			return nil, err
		}
		if err = check(first); err != nil {
			first.Wipe()
		} else if err = p.typedAgain(first, what); err == nil {
			return first, nil
		}
		if !p.TellMistake(err) {
			return nil, err
		}
	}
}

// typedAgain lets the secret be typed once more.
func (p *Prompts) typedAgain(first secret.Bytes, what string) error {
	same, err := tty.TypedAgain(first, func() (secret.Bytes, error) { return p.AskSecret(what + ", again") })
	if err == nil && !same {
		err = fmt.Errorf("the two entries of the %s differ; nothing was changed", what)
	}
	return err
}

// TellMistake tells a person what is wrong with what was typed, and says whether they can
// be asked again: where no one is, or the input has ended, they cannot.
func (p *Prompts) TellMistake(problem error) bool {
	if errors.Is(problem, tty.ErrAborted) || errors.Is(problem, custody.ErrQuit) || !p.Interactive() {
		return false
	}
	p.Refuse(problem)
	return true
}

// Confirm lets the person type a word before something is lost: what it is, such
// as its name, and the word itself.
func (p *Prompts) Confirm(ctx context.Context, loss, what, word string) error {
	answer, err := p.Ask(ctx, fmt.Sprintf("%s. To go on, type %s (%s): ", loss, what, word), "Type "+what+" to the letter; anything else changes nothing")
	if err != nil {
		return err
	}
	if typed.Clean(answer) != typed.Clean(word) {
		return fmt.Errorf("%s was not typed; nothing was changed", what)
	}
	return nil
}

// Sentence begins a sentence with s, which is ASCII.
func Sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
