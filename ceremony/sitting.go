package ceremony

import (
	"context"
	"errors"

	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// sitting lets the people of a ceremony that goes on compare the words of the program,
// and say who is here: another day there may be another computer, and others in the
// room. It is so once in each sitting after the first, in the step that is taken first.
func (p *proceedings) sitting(ctx context.Context) error {
	if !p.log.newSitting() {
		return nil
	}
	p.people.Tell("The ceremony goes on in a new sitting: the words of the program are read aloud again, and the roll is called.")
	for {
		note, err := p.hold(ctx)
		if err == nil {
			return p.log.note(transcript.Note, p.Plan.People.Administrator, "a new sitting: the program is the one on the papers, and the roll was called", note)
		}
		if errors.Is(err, ErrStopped) || ctx.Err() != nil {
			return err
		}
		p.people.Tell("This was not done: " + err.Error())
		if _, err := p.people.ask(ctx, Question{Wants: Enter, Who: p.Plan.People.Administrator, Problem: err, Text: "Put it right, and press <enter>"}); err != nil {
			return err
		}
	}
}

// hold asks what a sitting begins with.
func (p *proceedings) hold(ctx context.Context) (step.NoteFacts, error) {
	note := step.NoteFacts{Program: sumOf(p.Program.SHA256)}
	if err := p.people.onPaper(ctx, "Program", p.Program.SHA256[:], p.Path); err != nil {
		return note, err
	}
	var err error
	if !p.Plan.CallsRoll() || p.log.facts.Done(step.RollCall.ID()) {
		note.Present, err = p.callRoll(ctx, p.Plan.CalledAgain(), p.log.present())
	}
	return note, err
}

// newSitting says whether the ceremony goes on after its opening, and no one was called
// yet. Transcripts of earlier releases do not say so.
func (l *log) newSitting() (is bool) {
	if l.facts.Schema < 3 || !l.facts.Done(step.Open.ID()) {
		return false
	}
	for _, e := range l.writer.Entries() {
		if e.Kind == transcript.Resumed {
			is = true
		} else if read[step.NoteFacts](l, e, transcript.Note).Program != "" {
			is = false
		}
	}
	return is
}

// present is who was here when the roll was called last.
func (l *log) present() map[string]string {
	present := of[step.RollCallFacts](l, step.RollCall.ID()).Present
	for _, e := range l.writer.Entries() {
		if note := read[step.NoteFacts](l, e, transcript.Note); len(note.Present) > 0 {
			present = note.Present
		}
	}
	return present
}
