package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/internal/tty"
)

// failure is an error in the words of OpenSC's tool, which scripts may look
// for, and the cause behind it.
type failure struct {
	lines string // without the last line feed
	cause error  // nil if there is no more to say
}

func (f *failure) Error() string {
	if f.cause == nil {
		return f.lines
	}
	return f.lines + ": " + f.cause.Error()
}

func (f *failure) Unwrap() error { return f.cause }

// newFailure gives an error its lines.
func newFailure(cause error, format string, args ...any) error {
	return &failure{fmt.Sprintf(format, args...), cause}
}

// report prints an error: first OpenSC's lines, then the cause in ours.
func report(w *tty.Output, err error) {
	var f *failure
	if errors.As(err, &f) {
		w.Printf("%s\n", tty.Lines(f.lines))
		err = f.cause
	}
	if err != nil {
		note(w, "%v", err)
	}
}

// isFileError says whether an error is about a file, and not about a card.
func isFileError(err error) bool {
	var code syscall.Errno
	return errors.As(err, &code) || errors.Is(err, fs.ErrExist)
}

// fileError is what perror prints of a file error.
func fileError(path string, err error) error {
	var code syscall.Errno
	if !errors.As(err, &code) {
		return err
	}
	text := code.Error()
	return newFailure(nil, "%s: %s%s", path, strings.ToUpper(text[:1]), text[1:])
}

// outputError is the error for a file that was not written. This tool replaces
// no file.
func outputError(path string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return newFailure(errors.New("choose another name or move it away; nothing was written"), "Output file '%s' already exists", path)
	}
	return fileError(path, err)
}

// reason is what OpenSC calls an error (src/libopensc/errors.c, and iso7816.c
// for the status words).
func reason(err error) string {
	var wrong *hsm.PINError
	var sw apdu.Status
	switch {
	case errors.As(err, &wrong) && wrong.Tries == 0, errors.Is(err, apdu.AuthenticationBlocked):
		return "Authentication method blocked"
	case errors.As(err, &wrong):
		return "PIN code or key incorrect"
	case errors.Is(err, hsm.ErrTransportPIN):
		return "Reference data not usable"
	case errors.Is(err, hsm.ErrNotFound):
		return "File not found"
	case errors.Is(err, hsm.ErrDamaged):
		return "Invalid data"
	case errors.As(err, &sw):
		return statusReason(sw)
	}
	return "Internal error"
}

func statusReason(sw apdu.Status) string {
	switch sw {
	case apdu.EndOfFile:
		return "End of file/record reached before reading Le bytes"
	case apdu.MemoryFailure:
		return "Card memory failure"
	case apdu.WrongLength:
		return "Wrong length"
	case apdu.SecurityNotSatisfied:
		return "Security status not satisfied"
	case apdu.ReferenceDataUnusable:
		return "Reference data not usable"
	case apdu.ConditionsNotSatisfied, apdu.CommandNotAllowed:
		return "Not allowed"
	case apdu.WrongData, apdu.WrongP1P2:
		return "Incorrect parameters in APDU"
	case apdu.FunctionNotSupported, apdu.ChainingNotSupported:
		return "Card does not support the requested operation"
	case apdu.FileNotFound:
		return "File not found"
	case apdu.NotEnoughMemory:
		return "Not enough memory on card"
	case apdu.ReferenceNotFound:
		return "Data object not found"
	case apdu.FileExists:
		return "File already exists"
	case apdu.InstructionUnknown:
		return "Unsupported INS byte in APDU"
	case apdu.ClassUnknown:
		return "Unsupported CLA byte in APDU"
	}
	return "Card command failed"
}
