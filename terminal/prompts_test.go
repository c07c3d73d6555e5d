//go:build linux

package terminal_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"conclave/internal/secret"
	"conclave/internal/tty"
	"conclave/terminal"
)

// TestNewSecret: it is typed twice, or only once if it is refused.
func TestNewSecret(t *testing.T) {
	person, file := open(t)
	prompts := terminal.NewPrompts(file, file)
	refused := errors.New("6 to 16 characters were expected")
	for _, c := range []struct{ first, again, problem string }{
		{"648219", "648219", ""},
		{"648219", "648218", "the two entries of the new user PIN differ; nothing was changed"},
		{"1", "", refused.Error()},
	} {
		var typed secret.Bytes
		end := begin(func() (err error) {
			typed, err = prompts.AskNewSecret("new user PIN", func(pin secret.Bytes) error {
				if len(pin) < 6 {
					return refused
				}
				return nil
			})
			return err
		})
		person.Answer(`New user PIN: $`, c.first)
		if c.again != "" {
			person.Answer(`New user PIN, again: $`, c.again)
		}
		switch err := end(); {
		case c.problem == "" && (err != nil || string(typed) != c.first):
			t.Errorf("typed %q twice: %q, %v", c.first, []byte(typed), err)
		case c.problem != "" && (err == nil || err.Error() != c.problem):
			t.Errorf("typed %q and %q: %v; %q was expected", c.first, c.again, err, c.problem)
		}
	}
	if bytes.Contains(person.All, []byte("64821")) {
		t.Errorf("the terminal showed a PIN:\n%s", person.All)
	}
}

// TestSecretOfNoOne: where no one can type it, the error says what to do.
func TestSecretOfNoOne(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	_, err = terminal.NewPrompts(null, null).AskSecret("user PIN")
	if !errors.Is(err, tty.ErrAborted) || err.Error() != "user PIN: input aborted; where no one can type it, name it on the command line" {
		t.Errorf("asked of no one: %v", err)
	}
}

// TestConfirmByWord: nothing but the word confirms a loss.
func TestConfirmByWord(t *testing.T) {
	person, file := open(t)
	prompts := terminal.NewPrompts(file, file)
	for word, problem := range map[string]string{" default ": "", "yes": "its name was not typed; nothing was changed", "": "its name was not typed; nothing was changed"} {
		end := begin(func() error { return prompts.Confirm("Deleting it destroys it", "its name", "default") })
		person.Answer(`Deleting it destroys it\. To go on, type its name \(default\): $`, word)
		if err := end(); problem == "" && err != nil || problem != "" && (err == nil || err.Error() != problem) {
			t.Errorf("typed %q: %v; %q was expected", word, err, problem)
		}
	}
}
