//go:build linux

package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
)

// errPanicked is the error for a request that showed a mistake in this program. Its
// connection ends, and all other clients go on: Go's memory is whole after a panic, and
// what it is not whole after, such as a fault in a library of C, ends the process anyway.
var errPanicked = errors.New("a request failed that no request may")

// survive gives errPanicked for a panic, which the log tells of.
func survive(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("a mistake in this program has ended a connection; please report it", "panic", describe(p), "stack", callers())
			err = errPanicked
		}
	}()
	return do()
}

// describe tells of a panic what has no value of a request in it: what the runtime says,
// or a type.
func describe(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("of type %T", p)
}

// callers are functions and lines. Go's own stack has arguments, too, and they may be
// secret.
func callers() (stack []string) {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)]) // without this one, and the two that call it
	for {
		f, more := frames.Next()
		stack = append(stack, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return stack
		}
	}
}
