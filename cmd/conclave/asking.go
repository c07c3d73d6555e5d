package main

import (
	"errors"
	"fmt"

	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/terminal"
)

// secretArgument names a secret on the command line: env:NAME, file:PATH or
// the secret itself.
type secretArgument string

// asking is how a command asks whoever gave it for what the command line has not said.
type asking struct {
	// prompts asks questions on err, so that out holds the result alone.
	prompts *terminal.Prompts
	beside  *answers
}

// ask gives the secret that the argument names, or that the user types.
func (a asking) ask(argument secretArgument, what string) (secret.Bytes, error) {
	if argument != "" {
		return a.fromArgument(argument, what)
	}
	return a.prompts.AskSecret(what)
}

// askNew is ask for a secret that is about to be set: it is typed twice.
func (a asking) askNew(argument secretArgument, what string, check func(secret.Bytes) error) (secret.Bytes, error) {
	if argument == "" {
		return a.prompts.AskNewSecret(what, check)
	}
	given, err := a.fromArgument(argument, what)
	if err == nil {
		err = check(given)
	}
	if err != nil {
		given.Wipe()
		return nil, err
	}
	return given, nil
}

func (a asking) fromArgument(argument secretArgument, what string) (secret.Bytes, error) {
	value, exposed, err := secret.FromArgument(string(argument))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if exposed {
		a.beside.warn("others on this machine can see the %s on the command line; use env:NAME or file:PATH", what)
	}
	return value, nil
}

// untilRight tries a PIN, and lets a person type it again as long as it is wrong and has
// tries left. It gives the one that was right; the others are wiped.
func (a asking) untilRight(argument secretArgument, pin secret.Bytes, ask func() (secret.Bytes, error), try func(secret.Bytes) error) (secret.Bytes, error) {
	for {
		err := try(pin)
		if err == nil {
			return pin, nil
		}
		pin.Wipe()
		var wrong *hsm.PINError
		again := errors.As(err, &wrong) && wrong.Tries > 0 || len(pin) == 0
		if argument != "" || !again {
			return nil, err
		}
		problem := err
		if wrong != nil && wrong.Tries == 1 {
			problem = fmt.Errorf("%w: the next wrong one blocks it; Ctrl-C leaves it as it is", err)
		}
		if !a.prompts.TellMistake(problem) {
			return nil, err
		}
		if pin, err = ask(); err != nil {
			return nil, err
		}
	}
}

// confirm lets the user type a word before something is destroyed. Where no one
// can, it refuses: the yes must then be on the command line.
func (c *console) confirm(yes bool, loss, what, word string) error {
	if yes {
		return nil
	}
	if !c.prompts.Interactive() {
		return &usageError{error: fmt.Errorf("%s; nothing was changed, since no one can confirm it here: add --yes", loss)}
	}
	return c.prompts.Confirm(c.ctx, loss, what, word)
}
