package main

import (
	"errors"
	"io/fs"
	"syscall"

	"conclave/agent"
	"conclave/ca"
	"conclave/ca/register"
	"conclave/ceremony"
	"conclave/custody"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/interrupt"
	"conclave/link/pcsc"
	"conclave/token/cryptoki"
)

// Exit statuses: docs/files.md has the table. A command ends with one from 10 on only
// where a script can do something about it; all else that fails is 1.
const (
	exitFailure    = 1
	exitUsage      = 2
	exitRepaired   = 3  // it opened once a mistake in the sheets was corrected
	exitWrongSheet = 4  // a sheet, or the password, is wrong
	exitNotEnough  = 5  // fewer sheets than the threshold
	exitDamaged    = 6  // the share file, or the file of a wrapped key, is damaged
	exitUnproved   = 7  // the evidence fits together, but the paper does not prove all of it
	exitIncomplete = 8  // something of a device is not backed up
	exitOverdue    = 9  // a day that a ceremony has set is past
	exitPIN        = 10 // the device refused a PIN: to try again may block it
	exitNotFound   = 11 // what was named is not there: a device, a reader, a key, a file
	exitExists     = 12 // what was to be made is there already
)

// failure is what an error means to a script: a status, and a word that says more.
type failure struct {
	kind string
	exit int
}

// failureOf finds the meaning of an error. The first that fits holds: a file that is
// missing is not a damaged one.
func failureOf(err error) failure {
	if code, ok := interrupt.ExitCode(err); ok {
		return failure{"interrupted", code}
	}
	if errors.Is(err, custody.ErrQuit) || errors.Is(err, ceremony.ErrStopped) { // other keys for the same
		return failureOf(&interrupt.Error{Signal: syscall.SIGINT})
	}
	var usage *usageError
	var pin *hsm.PINError
	var present *custody.PresentError
	switch is := func(target error) bool { return errors.Is(err, target) }; {
	case errors.As(err, &usage), is(device.ErrName):
		return failure{"usage", exitUsage}
	case errors.As(err, &pin) && pin.Tries == 0, is(cryptoki.PINLocked):
		return failure{"pin_blocked", exitPIN}
	case errors.As(err, &pin), is(cryptoki.PINIncorrect):
		return failure{"wrong_pin", exitPIN}
	case is(hsm.ErrTransportPIN), is(cryptoki.PINExpired):
		return failure{"transport_pin", exitPIN}
	case is(syscall.ENOSPC), is(syscall.EDQUOT):
		return failure{"no_space", exitFailure}
	case is(fs.ErrNotExist), is(hsm.ErrNotFound), is(register.ErrNoEntry), is(pcsc.ErrNoReader), is(pcsc.ErrNoCard):
		return failure{"not_found", exitNotFound}
	case is(fs.ErrExist), is(hsm.ErrOccupied), is(ca.ErrNumberUsed), is(agent.ErrServed), errors.As(err, &present):
		return failure{"exists", exitExists}
	case is(fs.ErrPermission):
		return failure{"not_permitted", exitFailure}
	}
	switch status := statusOf(err); status {
	case custody.WrongSheet:
		return failure{"wrong_sheet", exitWrongSheet}
	case custody.NotEnough:
		return failure{"not_enough", exitNotEnough}
	case custody.Damaged:
		return failure{"damaged", exitDamaged}
	}
	return failure{"failure", exitFailure}
}

// missing is the error for something that was named and is not there, in words of its
// own.
type missing struct{ error }

// Is lets errors.Is find fs.ErrNotExist.
func (missing) Is(target error) bool { return target == fs.ErrNotExist }

// statusOf is the status that an error gives a share file; empty if it gives
// none.
func statusOf(err error) custody.Status {
	var failed *custody.OpenError
	if errors.As(err, &failed) {
		return failed.Status
	}
	return ""
}

// exitCodes are the exit codes of a share file that has opened all the same.
func exitCodes() map[custody.Status]int {
	return map[custody.Status]int{
		custody.Good: 0, custody.Repaired: exitRepaired, custody.WrongSheet: exitWrongSheet, custody.Damaged: exitDamaged,
	}
}

// errorEntry is an error as --json has it.
type errorEntry struct {
	Text string `json:"text"`
	Exit int    `json:"exit"`
	Kind string `json:"kind"`
}
