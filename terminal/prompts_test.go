//go:build linux

package terminal_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"conclave/custody"
	"conclave/internal/secret"
	"conclave/internal/tty"
	"conclave/terminal"
)

// TestNewSecret: it is typed twice, and a person is asked until it is right.
func TestNewSecret(t *testing.T) {
	person, file := open(t)
	prompts := terminal.NewPrompts(file, tty.NewOutput(file, tty.ColorNever))
	var typed secret.Bytes
	end := begin(func() (err error) {
		typed, err = prompts.AskNewSecret("new user PIN", func(pin secret.Bytes) error {
			if len(pin) < 6 {
				return errors.New("6 to 16 characters were expected")
			}
			return nil
		})
		return err
	})
	person.Answer(`New user PIN: $`, "1")
	person.Expect(`Not accepted: 6 to 16 characters were expected`)
	person.Answer(`New user PIN: $`, "648219")
	person.Answer(`New user PIN, again: $`, "648218")
	person.Expect(`Not accepted: the two entries of the new user PIN differ; nothing was changed`)
	person.Answer(`New user PIN: $`, "648219")
	person.Answer(`New user PIN, again: $`, "648219")
	if err := end(); err != nil || string(typed) != "648219" {
		t.Errorf("typed %q in the end: %v", []byte(typed), err)
	}
	if bytes.Contains(person.All, []byte("64821")) {
		t.Errorf("the terminal showed a PIN:\n%s", person.All)
	}
}

// TestCommandsForSecrets: a word that is understood at every question is no PIN, which
// would cost a try.
func TestCommandsForSecrets(t *testing.T) {
	person, file := open(t)
	prompts := terminal.NewPrompts(file, tty.NewOutput(file, tty.ColorNever))
	end := begin(func() error {
		_, err := prompts.AskSecret("user PIN")
		return err
	})
	for _, word := range []string{"help", "Undo."} {
		person.Answer(`User PIN: $`, word)
		person.Expect(`Type the user PIN, which is not shown; or quit, to stop`)
	}
	person.Answer(`User PIN: $`, "QUIT")
	if err := end(); !errors.Is(err, custody.ErrQuit) || prompts.TellMistake(err) {
		t.Errorf("it ended with %v", err)
	}
}

// TestSecretOfNoOne: where no one can type it, the error says what to do.
func TestSecretOfNoOne(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	prompts := terminal.NewPrompts(null, tty.NewOutput(null, tty.ColorNever))
	if problem := errors.New("wrong"); prompts.TellMistake(problem) {
		t.Error("no one is asked again")
	}
	_, err = prompts.AskSecret("user PIN")
	if !errors.Is(err, tty.ErrAborted) || err.Error() != "user PIN: input aborted; where no one can type it, name it on the command line" {
		t.Errorf("asked of no one: %v", err)
	}
}

// TestConfirmByWord: nothing but the word confirms a loss.
func TestConfirmByWord(t *testing.T) {
	person, file := open(t)
	prompts := terminal.NewPrompts(file, tty.NewOutput(file, tty.ColorNever))
	for word, problem := range map[string]string{" default ": "", "yes": "its name was not typed; nothing was changed", "": "its name was not typed; nothing was changed"} {
		end := begin(func() error { return prompts.Confirm(t.Context(), "Deleting it destroys it", "its name", "default") })
		person.Answer(`Deleting it destroys it\. To go on, type its name \(default\): $`, word)
		if err := end(); problem == "" && err != nil || problem != "" && (err == nil || err.Error() != problem) {
			t.Errorf("typed %q: %v; %q was expected", word, err, problem)
		}
	}
}
