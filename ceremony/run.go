package ceremony

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"conclave/apdu"
	"conclave/ca/lint"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/quorum"
)

// Devices finds the devices of a plan.
type Devices interface {
	// Create makes an embedded device.
	Create(name string) (serial string, err error)
	// Connect connects to a device: an embedded one by its name, any other by its
	// serial number, in whatever reader. The error wraps fs.ErrNotExist where there
	// is none.
	Connect(device plan.Device) (apdu.Conn, error)
}

// Program is what runs the act.
type Program struct {
	Version string
	SHA256  [32]byte // of the executable
	SBOM    []byte   // CycloneDX, JSON
}

// Act is a ceremony under way, or to be begun.
type Act struct {
	Plan    *plan.Plan
	Source  []byte // the plan's file
	Base    string // the folder that paths in the plan begin at
	Dir     string // the folder of the act: see work
	Devices Devices
	Room    Room
	Program Program
	Linter  lint.Linter
	// Drill is what a drill looks after; nil for a ceremony.
	Drill *Drill
	Now   func() time.Time
	// Progress is told of the work on the share file's password, Announce of what
	// begins; nil for no one.
	Progress dkek.Progress
	Announce func(string)
	// Search is told of the search for mistakes where sheets do not open the share
	// file; nil to search for none.
	Search custody.Search
}

// ErrStopped is the error for an act that was stopped on request. It can be
// resumed.
var ErrStopped = errors.New("the ceremony is stopped; the same command goes on with it")

// Run begins the act, or resumes it where it was left. When it returns without
// error the act is closed and its evidence complete.
func (a Act) Run(ctx context.Context) error {
	if err := os.MkdirAll(a.Dir, 0o700); err != nil {
		return err
	}
	unlock, err := safefile.Lock(work(a.Dir).lock())
	if err != nil {
		return err
	}
	defer unlock()
	p, err := a.begin()
	if err != nil {
		return err
	}
	defer p.devices.close()
	steps := a.Plan.Steps()
	for i, s := range steps {
		if p.facts.Done(s.ID) {
			continue
		}
		a.Room.ShowStep(i+1, len(steps), s)
		if err := p.take(ctx, s); err != nil {
			return err
		}
	}
	return p.finish(ctx)
}

// performance is an act under way, and what it must remember: what is on disk,
// as facts, and what a power cut may take.
type performance struct {
	Act
	work    work
	backups string // the folder of share file and wrapped keys
	key     transcript.PublicKey
	writer  *transcript.Writer
	facts   evidence.Facts // of the steps that are done
	step    step.Step      // under way
	devices devices
}

// of gives the facts of a step that is done, in this act or, if it is a drill, in
// the ceremony.
func of[T any](p *performance, id string) T {
	if p.Drill == nil || p.facts.Done(id) {
		return evidence.Of[T](p.facts, id)
	}
	return evidence.Of[T](p.Drill.Origin.Facts, id)
}

// take takes a step, until it is done or the act is stopped.
func (p *performance) take(ctx context.Context, s step.Step) error {
	p.step = s
	if _, err := p.ask(ctx, Question{Kind: Ready, Who: p.Plan.Lead(s.By), Text: "Press <enter> to begin"}); err != nil {
		return err
	}
	if err := p.note(transcript.Begun, p.Plan.Lead(s.By), s.Title, nil); err != nil {
		return err
	}
	for {
		done, err := p.do(ctx, s)
		var e transcript.Entry
		if err == nil {
			e, err = p.doneEntry(s, done)
		}
		if err == nil {
			p.Room.Tell("Done: " + done.text)
			if err := p.append(e); err != nil {
				return err
			}
			return p.facts.Add(s.Action, s.ID, e.Facts)
		}
		if err := p.failed(ctx, err); err != nil {
			return err
		}
	}
}

// failed tells what went wrong. When it returns without error the step is to
// be taken again.
func (p *performance) failed(ctx context.Context, failure error) error {
	p.devices.close()
	if errors.Is(failure, ErrStopped) || ctx.Err() != nil {
		return failure
	}
	if err := p.note(transcript.Failed, "", failure.Error(), nil); err != nil {
		return errors.Join(failure, err)
	}
	p.Room.Tell("This was not done: " + failure.Error())
	_, err := p.ask(ctx, Question{Kind: Ready, Who: p.Plan.People.Administrator, Problem: failure, Text: "Put it right, and press <enter> to take the step again"})
	return err
}

// done is what a step has shown: its facts are those of its action.
type done struct {
	text  string
	facts any
}

// doneEntry is the entry of a step that is done. One that lacks a fact is not.
func (p *performance) doneEntry(s step.Step, d done) (transcript.Entry, error) {
	facts, err := step.Write(d.facts, p.facts.Schema)
	if err == nil {
		err = step.Read(facts, p.facts.Schema, s.Action.New())
	}
	if err != nil {
		return transcript.Entry{}, fmt.Errorf("step %s is not complete: %w", s.ID, err)
	}
	return transcript.Entry{Time: p.Now(), Step: s.ID, Kind: transcript.Done, By: p.Plan.Lead(s.By), Text: d.text, Facts: facts}, nil
}

// do does what a step says.
func (p *performance) do(ctx context.Context, s step.Step) (done, error) {
	actions := map[step.Action]func(context.Context, string) (done, error){
		step.Open: p.open, step.RollCall: p.rollCall, step.Prepare: p.prepare,
		step.Share: p.share, step.Import: p.importShare, step.Generate: p.generate, step.Backup: p.backup,
		step.Restore: p.restore, step.Copy: p.copy, step.Certify: p.certify, step.SignCRL: p.list,
		step.Erase: p.erase, step.Seal: p.seal, step.Close: p.close,
		step.LoneSheet: p.loneSheet, step.Inspect: p.inspect, step.OpenBackup: p.openBackup, step.Compare: p.compare,
	}
	action, ok := actions[s.Action]
	if !ok {
		return done{}, fmt.Errorf("step %s: no one knows how to %s", s.ID, s.Action)
	}
	return action(ctx, s.Object)
}

// note writes an entry of the step under way to the transcript. Facts are a
// struct of package step, or nil.
func (p *performance) note(kind transcript.Kind, by, text string, facts any) error {
	if facts == nil {
		facts = step.NoFacts{}
	}
	written, err := step.Write(facts, p.facts.Schema)
	if err != nil {
		return err
	}
	return p.append(transcript.Entry{Time: p.Now(), Step: p.step.ID, Kind: kind, By: by, Text: text, Facts: written})
}

// append writes an entry. Where the clock was put back an exception says so
// before it, but not after the exceptions were counted: there time stands still.
func (p *performance) append(e transcript.Entry) error {
	if entries := p.writer.Entries(); len(entries) > 0 {
		last := entries[len(entries)-1].Time
		counted := e.Kind == transcript.Closed || e.Kind == transcript.Done && e.Step == step.Close.ID()
		switch back := e.Time.Truncate(time.Second).Before(last); {
		case back && counted:
			e.Time = last
		case back:
			if err := p.clockBack(last, e); err != nil {
				return err
			}
		}
	}
	if _, err := p.writer.Append(e); err != nil {
		return fmt.Errorf("writing the transcript: %w", err)
	}
	return nil
}

func (p *performance) clockBack(last time.Time, e transcript.Entry) error {
	facts, err := step.Write(step.ExceptionFacts{Clock: evidence.Clock(last)}, p.facts.Schema)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("the computer's clock was put back, from %s or later to %s", evidence.Clock(last), evidence.Clock(e.Time))
	p.Room.Tell("Exception: " + text)
	_, err = p.writer.Append(transcript.Entry{Time: e.Time, Step: e.Step, Kind: transcript.Exception, Text: text, Facts: facts})
	return err
}

// Words that are no answer but a wish.
const (
	wordException = "exception"
	wordStop      = "stop"
)

// ask asks a question until it is answered.
func (p *performance) ask(ctx context.Context, q Question) (string, error) {
	for {
		text, err := p.Room.Answer(ctx, q)
		if err != nil {
			return "", err
		}
		text = strings.TrimSpace(text)
		answered, err := p.wish(ctx, q.Who, text)
		if err != nil {
			return "", err
		}
		if answered && (q.Kind != Ready || text == "") {
			return text, nil
		}
		if answered {
			p.Room.Tell("That was not understood: <enter> alone goes on; exception and stop are the only other answers here.")
		}
	}
}

// IsWish says whether a text is no answer but a wish.
func IsWish(text string) bool {
	return strings.EqualFold(text, wordException) || strings.EqualFold(text, wordStop)
}

// wish grants a wish; anything else is an answer.
func (p *performance) wish(ctx context.Context, who, text string) (answered bool, err error) {
	switch strings.ToLower(text) {
	case wordException:
		return false, p.exception(ctx, who)
	case wordStop:
		return false, errors.Join(ErrStopped, p.note(transcript.Stopped, who, "stopped on request", nil))
	}
	return true, nil
}

// exception writes down something that was not as planned.
func (p *performance) exception(ctx context.Context, who string) error {
	for {
		text, err := p.Room.Answer(ctx, Question{Kind: Words, Who: who, Text: "What has happened, in your own words"})
		text = strings.TrimSpace(text)
		if err != nil || text == "" {
			return err
		}
		if !looksSecret(text) {
			return p.noteException(who, text, step.ExceptionFacts{})
		}
		p.Room.Tell("That has a code in it, or a number as long as on a sheet, and was not written down: everyone reads the transcript.")
	}
}

// looksSecret says whether a text may have a line of a sheet in it.
func looksSecret(text string) bool {
	_, err := quorum.ParseCode(text)
	var doubt *quorum.Doubt
	long, _ := regexp.MatchString(`(?:[0-9][ -]?){14,}|(?:[0-9A-Fa-f]{2}:){7,}`, text)
	return err == nil || errors.As(err, &doubt) || long
}

// noteException writes an exception to the transcript, and tells its number.
func (p *performance) noteException(who, text string, facts step.ExceptionFacts) error {
	if err := p.note(transcript.Exception, who, text, facts); err != nil {
		return err
	}
	p.Room.Tell(fmt.Sprintf("Exception %d: %s. It is in the transcript; write it on an exception sheet too.", p.count(transcript.Exception), text))
	return nil
}

// agree asks for a yes; a no is an error.
func (p *performance) agree(ctx context.Context, who, question string) error {
	return p.agreed(ctx, Question{Kind: YesNo, Who: who, Text: question})
}

// here asks whether someone is here.
func (p *performance) here(ctx context.Context, name, question string) error {
	who := p.Plan.People.Administrator
	if name == who { // no one vouches for themselves
		who = p.Plan.Who(step.Witness)
	}
	return p.agreed(ctx, Question{Kind: YesNo, Who: who, Text: question, About: name})
}

func (p *performance) agreed(ctx context.Context, q Question) error {
	for {
		text, err := p.ask(ctx, q)
		if err != nil {
			return err
		}
		switch strings.ToLower(text) {
		case "yes", "y":
			return nil
		case "no", "n":
			return &refusal{q}
		}
		p.Room.Tell("A yes or a no was expected.")
	}
}

// words asks for something in people's own words, which may not be empty. Usual
// is what a player answers.
func (p *performance) words(ctx context.Context, who, question, usual string) (string, error) {
	for {
		text, err := p.ask(ctx, Question{Kind: Words, Who: who, Text: question, Usual: usual})
		if err != nil || text != "" {
			return text, err
		}
	}
}

// refusal is the error for an answer of no.
type refusal struct{ question Question }

func (r *refusal) Error() string {
	return fmt.Sprintf("%s has answered no to: %s", r.question.Who, r.question.Text)
}
