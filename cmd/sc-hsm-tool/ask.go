package main

import (
	"strings"

	"conclave/internal/secret"
	"conclave/wire"
)

// ask gives a copy of a secret from the command line, or of what the user
// types if it is nil.
func (t *tool) ask(given secret.Bytes, prompt string) (secret.Bytes, error) {
	if given != nil {
		return given.Clone(), nil
	}
	typed, err := t.Secret(prompt)
	t.Printf("\n")
	if err != nil {
		return nil, newFailure(nil, "Input aborted")
	}
	return typed, nil
}

// pressEnter waits until someone has read what is shown. The end of the input
// counts as that, as in OpenSC's tool.
func (t *tool) pressEnter(format string, args ...any) {
	t.Printf(format, args...)
	_, _ = t.Line("")
}

// login asks for the user PIN and verifies it.
func (t *tool) login() error {
	pin, err := t.ask(t.pin, "Enter User PIN : ")
	if err != nil {
		return err
	}
	defer pin.Wipe()
	if err := t.hsm.Login(wire.UserPIN, pin); err != nil {
		return newFailure(err, "PIN verification failed with %s", reason(err))
	}
	return nil
}

// warnOfExposure says which secrets are on the command line.
func (t *tool) warnOfExposure() {
	if len(t.exposed) > 0 {
		t.note("warning: others on this machine can see what is given to %s on the command line; use env:NAME or file:PATH", strings.Join(t.exposed, ", "))
	}
}

// percent shows on standard error how much of the work is done, if that is a
// terminal. What is printed next begins at the start of the same line.
func (t *tool) percent(done float64) {
	if done == 1 {
		t.err.EndStatus()
		return
	}
	t.err.Status("%3.0f %%", 100*done)
}
