package terminal

import (
	"fmt"
	"os"
	"strings"

	"conclave/internal/secret"
	"conclave/internal/tty"
)

// Prompts asks the person who gives a command for what the command line has not
// said.
type Prompts struct{ *tty.Terminal }

// NewPrompts asks on out, and is answered on in.
func NewPrompts(in, out *os.File) *Prompts { return &Prompts{tty.New(in, out)} }

// AskSecret asks for a PIN or a password, which is not shown as it is typed.
func (p *Prompts) AskSecret(what string) (secret.Bytes, error) {
	typed, err := p.Secret(Sentence(what) + ": ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w; where no one can type it, name it on the command line", what, err)
	}
	return typed, nil
}

// AskNewSecret asks for a secret that is about to be set: once check accepts it, it
// is typed again.
func (p *Prompts) AskNewSecret(what string, check func(secret.Bytes) error) (secret.Bytes, error) {
	first, err := p.AskSecret(what)
	if err != nil {
		return nil, err
	}
	if err := check(first); err != nil {
		first.Wipe()
		return nil, err
	}
	same, err := tty.TypedAgain(first, func() (secret.Bytes, error) { return p.AskSecret(what + ", again") })
	if err != nil {
		return nil, err
	}
	if !same {
		return nil, fmt.Errorf("the two entries of the %s differ; nothing was changed", what)
	}
	return first, nil
}

// Confirm lets the person type a word before something is lost: what it is, such
// as its name, and the word itself.
func (p *Prompts) Confirm(loss, what, word string) error {
	typed, err := p.Line(fmt.Sprintf("%s. To go on, type %s (%s): ", loss, what, word))
	if err != nil {
		return err
	}
	if strings.TrimSpace(typed) != word {
		return fmt.Errorf("%s was not typed; nothing was changed", what)
	}
	return nil
}

// Sentence begins a sentence with s, which is ASCII.
func Sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
