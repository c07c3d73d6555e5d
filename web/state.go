package web

import (
	"fmt"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// state is what the page shows: all of it, and nothing that not everyone may know.
type state struct {
	Ceremony   string
	Practice   bool
	Number, Of int // of the step
	Step       step.Step
	Asked      *question // nil while no one is asked
	Away       *visit    // who is alone at the screen; nil for no one
	Exceptions []exception
	Since      time.Time // when people came together: today's beginning
	Ended      string    // how; empty while it goes on
}

// question is what a person is asked before all.
type question struct {
	Who, Text string
	Problem   string
	Label     string   // of the words
	Words     []string // that are read aloud
}

// visit is when others look away.
type visit struct{ Who, What string }

// exception is one that is in the transcript.
type exception struct {
	Number int
	Time   time.Time
	Text   string
}

// show shows another step.
func (s *state) show(n, of int, next step.Step) {
	s.Number, s.Of, s.Step, s.Asked, s.Away = n, of, next, nil, nil
}

func publicQuestion(q ceremony.Question) *question {
	asked := &question{Who: q.Who, Text: q.Text, Label: q.Label, Words: q.Aloud()}
	if q.Problem != nil {
		asked.Problem = q.Problem.Error()
	}
	return asked
}

// read takes from the transcript since when people are here, and the exceptions.
func (s *state) read(entries []transcript.Entry) {
	s.Exceptions = nil
	for _, e := range entries {
		switch e.Kind {
		case transcript.Opened, transcript.Resumed:
			s.Since = e.Time
		case transcript.Exception:
			s.Exceptions = append(s.Exceptions, exception{len(s.Exceptions) + 1, e.Time.UTC(), e.Text})
		}
	}
}

// end says how the ceremony has ended.
func (s *state) end(ended error) {
	s.Ended = "The ceremony is closed"
	if ended != nil {
		s.Ended = "The ceremony is stopped, and goes on another time"
	}
}

// Elapsed is how many seconds have passed.
func (s state) Elapsed() int {
	if s.Since.IsZero() {
		return 0
	}
	return max(0, int(time.Since(s.Since).Seconds()))
}

// Clock is that, in hours, minutes and seconds.
func (s state) Clock() string {
	e := s.Elapsed()
	return fmt.Sprintf("%d:%02d:%02d", e/3600, e/60%60, e%60)
}

// Said is the page in a sentence, for who hears it.
func (s state) Said() string {
	switch {
	case s.Ended != "":
		return s.Ended + "."
	case s.Away != nil:
		return "Look away. " + s.Away.Who + " is at the screen."
	case s.Asked != nil:
		return s.Asked.Who + ": " + s.Asked.Text
	}
	return s.Step.Title
}

// Last are the last exceptions, the newest first.
func (s state) Last() (last []exception) {
	for i := len(s.Exceptions) - 1; i >= max(0, len(s.Exceptions)-2); i-- {
		last = append(last, s.Exceptions[i])
	}
	return last
}

// board holds the state, which the ceremony changes and any number of browsers read.
// No one waits for a browser.
type board struct {
	mu      sync.Mutex
	state   state
	changed chan struct{} // closed when the state is another
}

func newBoard(p *plan.Plan) *board {
	return &board{state: state{Ceremony: p.Ceremony, Practice: p.Practice}, changed: make(chan struct{})}
}

func (b *board) change(change func(*state)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.state)
	close(b.changed)
	b.changed = make(chan struct{})
}

// read gives the state, of which nothing is changed in place, and what tells that there
// is another.
func (b *board) read() (now state, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state, b.changed
}
