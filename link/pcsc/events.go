package pcsc

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"
)

// EventKind is what has happened to a reader.
type EventKind int

// The kinds of events.
const (
	ReaderAdded EventKind = iota
	ReaderRemoved
	CardInserted
	CardRemoved
)

// String is a phrase of two words.
func (k EventKind) String() string {
	if k < ReaderAdded || k > CardRemoved {
		return fmt.Sprintf("EventKind(%d)", int(k))
	}
	return [...]string{"reader added", "reader removed", "card inserted", "card removed"}[k]
}

// Event is one change, with the name of the reader.
type Event struct {
	Kind   EventKind
	Reader string
}

// String is, for instance, "card inserted: Virtual PCD 00 00".
func (e Event) String() string { return e.Kind.String() + ": " + e.Reader }

// Events yields what happens to readers and cards until ctx ends, beginning
// with those that are there already. An error is the last that it yields; the
// end of ctx is not one.
func Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s, err := openService()
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer s.close()
		for w := (watch{service: s}); ctx.Err() == nil; {
			events, err := w.next(ctx)
			for _, event := range events {
				if !yield(event, nil) {
					return
				}
			}
			if err != nil {
				yield(Event{}, err)
				return
			}
		}
	}
}

// WaitForCard waits for a card in a reader that reader names, as in Open, and
// returns the name of that reader. The error is that of ctx when it ends first.
func WaitForCard(ctx context.Context, reader string) (string, error) {
	var readers []string
	for event, err := range Events(ctx) {
		switch {
		case err != nil:
			return "", err
		case event.Kind == ReaderAdded:
			readers = append(readers, event.Reader)
		case event.Kind == ReaderRemoved:
			readers = slices.DeleteFunc(readers, func(r string) bool { return r == event.Reader })
		case event.Kind == CardInserted && slices.Contains(match(readers, reader), event.Reader):
			return event.Reader, nil
		}
	}
	return "", ctx.Err()
}

// newReaders is the name under which SCardGetStatusChange watches the list of
// readers itself. Its state has the number of readers in the upper 16 bits.
const newReaders = `\\?PnP?\Notification`

// lookAgain bounds one wait, in milliseconds: pcsc-lite before 2.3 misses a
// reader that comes up just before the wait.
const lookAgain = 1000

// watch remembers the readers and their states.
type watch struct {
	*service
	known []readerState
}

// next waits for something to happen; sometimes nothing has.
func (w *watch) next(ctx context.Context) ([]Event, error) {
	readers, err := w.readers()
	if err != nil {
		return nil, err
	}
	events := w.list(readers)
	states, code := w.wait(ctx, append(slices.Clone(w.known), readerState{newReaders, uint32(len(readers)) << 16}))
	switch code {
	case success:
		return append(events, w.update(states[:len(w.known)])...), nil
	case timedOut, cancelled, unknownReader:
		return events, nil
	default:
		return events, fmt.Errorf("pcsc: waiting for cards and readers: %w", code)
	}
}

// wait is a statusChange that ends with ctx.
func (w *watch) wait(ctx context.Context, states []readerState) ([]readerState, Code) {
	done := make(chan struct{})
	defer close(done)
	stop := context.AfterFunc(ctx, func() {
		for { // what comes before the wait has begun cancels nothing
			w.cancel(w.context)
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	defer stop()
	return w.statusChange(lookAgain, states)
}

// list brings the known readers up to date.
func (w *watch) list(readers []string) (events []Event) {
	w.known = slices.DeleteFunc(w.known, func(k readerState) bool {
		if slices.Contains(readers, k.reader) {
			return false
		}
		if k.state&statePresent != 0 {
			events = append(events, Event{CardRemoved, k.reader})
		}
		events = append(events, Event{ReaderRemoved, k.reader})
		return true
	})
	for _, reader := range readers {
		if !slices.ContainsFunc(w.known, func(k readerState) bool { return k.reader == reader }) {
			w.known = append(w.known, readerState{reader, stateUnaware})
			events = append(events, Event{ReaderAdded, reader})
		}
	}
	return events
}

// update takes over new states of the known readers.
func (w *watch) update(states []readerState) (events []Event) {
	for i, now := range states {
		before := w.known[i]
		was, is := before.state&statePresent != 0, now.state&statePresent != 0
		swapped := was && is && before.state>>16 != now.state>>16
		if was && !is || swapped {
			events = append(events, Event{CardRemoved, now.reader})
		}
		if is && !was || swapped {
			events = append(events, Event{CardInserted, now.reader})
		}
		w.known[i].state = now.state &^ stateChanged
	}
	return events
}
