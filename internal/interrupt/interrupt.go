// Package interrupt is about the signals that ask a program to end: Ctrl-C, the
// end of the terminal's connection, a polite kill.
package interrupt

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
)

// Notify is signal.Notify for the signals that end the program unless it does
// something about them. Those that it was started to ignore (nohup, or a job in
// the background of a script) are not among them, and stay ignored.
func Notify(c chan<- os.Signal) {
	all := []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
	wanted := slices.DeleteFunc(all, signal.Ignored)
	if len(wanted) > 0 { // signal.Notify takes none for all of them
		signal.Notify(c, wanted...)
	}
}

// Context gives a context under parent that ends with the first signal, with an *Error.
// The second ends the program.
func Context(parent context.Context) (context.Context, context.CancelFunc) {
	ctx := &signalled{Context: parent, done: make(chan struct{})}
	signals, stopped := make(chan os.Signal, 1), make(chan struct{})
	Notify(signals)
	go func() {
		defer close(ctx.done)
		defer signal.Stop(signals)
		select {
		case s := <-signals:
			ctx.err = &Error{s}
		case <-parent.Done():
			ctx.err = parent.Err()
		case <-stopped:
			ctx.err = context.Canceled
		}
	}()
	return ctx, sync.OnceFunc(func() {
		close(stopped)
		<-ctx.done
	})
}

// signalled is a context of its own kind, so that those under it end with the signal
// too: of a context's cause the package context tells only who asks for it.
type signalled struct {
	context.Context
	done chan struct{}
	err  error // once done is closed
}

// Done implements context.Context.
func (s *signalled) Done() <-chan struct{} { return s.done }

// Err implements context.Context.
func (s *signalled) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Error is the error of what was ended by a signal.
type Error struct{ Signal os.Signal }

// Error does not name the signal: whoever sent it knows.
func (*Error) Error() string { return "interrupted" }

// Is lets errors.Is find context.Canceled, which a context that has ended is expected
// to say.
func (*Error) Is(target error) bool { return target == context.Canceled }

// ExitCode is the exit code that tells a shell of the signal in err: 128 plus
// its number. ok is false if there is none.
func ExitCode(err error) (code int, ok bool) {
	if e, found := errors.AsType[*Error](err); found {
		number, isNumber := e.Signal.(syscall.Signal)
		return 128 + int(number), isNumber
	}
	return 0, false
}

// Holder lets signals wait while something is done that must not be cut off.
type Holder struct{ held chan os.Signal }

// NewHolder is a holder that holds nothing yet.
func NewHolder() *Holder { return &Holder{make(chan os.Signal, 1)} }

// Hold lets signals wait until release is called.
func (h *Holder) Hold() (release func()) {
	Notify(h.held)
	return func() { signal.Stop(h.held) }
}

// Err is an *Error, once, if a signal had to wait.
func (h *Holder) Err() error {
	select {
	case s := <-h.held:
		return &Error{s}
	default:
		return nil
	}
}
