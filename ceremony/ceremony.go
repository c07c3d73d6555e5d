package ceremony

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"conclave/apdu"
	"conclave/ca/lint"
	"conclave/ceremony/medium"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/safefile"
)

// Devices finds the devices of a plan.
type Devices interface {
	// Create makes an embedded device.
	Create(name string) (serial string, err error)
	// Connect connects to a device: an embedded one by its name, any other by its
	// serial number, in whatever reader. The error wraps fs.ErrNotExist if it is not
	// there.
	Connect(device plan.Device) (apdu.Conn, error)
}

// Ceremony is a ceremony to be begun or resumed; its rehearsal, drills and changes of
// custody are ceremonies too.
type Ceremony struct {
	Plan    *plan.Plan
	Source  []byte // the plan's file
	Path    string // of the plan's file
	Base    string // the folder that paths in the plan begin at
	Dir     Folder
	Devices Devices
	Room    Room
	Program Program
	Linter  lint.Linter
	// Before is what a drill, or a change of custody, goes on from; nil for a first
	// ceremony.
	Before *Before
	Media  medium.System // where backup media are mounted
	Now    func() time.Time
	// Progress is told of the work on the share file's password, Announce of what
	// begins; nil for no one.
	Progress dkek.Progress
	Announce func(string)
	// Written is told of the transcript, which anyone may read, whenever there is more
	// of it; nil for no one.
	Written func([]transcript.Entry)
	// Search is told of the search for mistakes where sheets do not open the share
	// file; nil to search for none.
	Search custody.Search
}

// ErrStopped is the error for a ceremony that was stopped on request. It can be
// resumed.
var ErrStopped = errors.New("the ceremony is stopped; the same command goes on with it")

// Run begins the ceremony, or resumes it where it was left. When it returns without
// error the ceremony is closed and its evidence complete.
func (c Ceremony) Run(ctx context.Context) error {
	if err := c.Plan.CheckTime(c.Now()); err != nil { // no one could close it
		return fmt.Errorf("the computer's clock: %w; set the clock, or the plan", err)
	}
	if err := safefile.MkdirAll(string(c.Dir)); err != nil {
		return err
	}
	unlock, err := safefile.Lock(c.Dir.lock())
	if err != nil {
		return err
	}
	defer unlock()
	if c.Before != nil {
		if err := errors.Join(checkEnd(c.Before.Chain, c.Dir.Evidence()), c.Before.checkBackup(c.Plan)); err != nil {
			return err
		}
	}
	if err := c.checkRoom(); err != nil {
		return err
	}
	p, err := c.begin()
	if err != nil {
		return err
	}
	defer p.devices.close()
	steps := c.Plan.Steps()
	for i, s := range steps {
		if p.log.facts.Done(s.ID) {
			continue
		}
		c.Room.ShowStep(i+1, len(steps), s)
		if err := p.take(ctx, s); err != nil {
			return err
		}
	}
	return closing{p}.finish(ctx)
}

// room is how many bytes a ceremony writes at most, photographs apart.
const room = 8 << 20

// checkRoom finds a full disk before anyone is asked for anything.
func (c Ceremony) checkRoom() error {
	place, err := safefile.Reserve(c.Dir.in("room"), room)
	if err != nil {
		return fmt.Errorf("the ceremony needs %d MB of room on the disk of its folder: %w; make room, and give the same command again", room>>20, err)
	}
	return place.Release()
}

// beside gives the path of a file that the plan names.
func (c Ceremony) beside(path string) string { return filepath.Join(c.Base, path) }

// proceedings are a ceremony under way.
type proceedings struct {
	Ceremony
	key     transcript.PublicKey
	log     *log
	people  *people
	devices *sessions
	backups backup
	old     backup // that of before, of a change
	keys    keyring
}

// take takes a step, until it is done or the ceremony is stopped.
func (p *proceedings) take(ctx context.Context, s step.Step) error {
	p.log.step = s
	if _, err := p.people.ask(ctx, Question{Wants: Enter, Who: p.Plan.Lead(s.By), Text: "Press <enter> to begin"}); err != nil {
		return err
	}
	if err := p.log.note(transcript.Begun, p.Plan.Lead(s.By), s.Title, nil); err != nil {
		return err
	}
	if err := p.sitting(ctx); err != nil {
		return err
	}
	for {
		done, err := p.do(ctx, s)
		var e transcript.Entry
		if err == nil {
			e, err = p.log.doneEntry(s, done)
		}
		if err == nil {
			p.people.Tell("Done: " + done.text)
			return p.log.finish(s, e)
		}
		closed, err := p.failed(ctx, s, err)
		if closed || err != nil {
			return err
		}
	}
}

// failed tells what went wrong. When it returns without error the step is closed, or to
// be taken again.
func (p *proceedings) failed(ctx context.Context, s step.Step, failure error) (closed bool, err error) {
	p.devices.close()
	if errors.Is(failure, ErrStopped) || ctx.Err() != nil {
		return false, failure
	}
	if err := p.log.note(transcript.Failed, "", failure.Error(), nil); err != nil {
		return false, errors.Join(failure, err)
	}
	p.people.Tell("This was not done: " + failure.Error())
	q := Question{Wants: Enter, Who: p.Plan.People.Administrator, Problem: failure, Text: "Put it right, and press <enter> to take the step again"}
	if (checking{p}).mayBeUnshown(s) {
		return checking{p}.unshown(ctx, s, q, failure)
	}
	_, err = p.people.ask(ctx, q)
	return false, err
}

// done is what a step has shown: its facts are those of its action.
type done struct {
	text  string
	facts any
}

// do does what a step says.
func (p *proceedings) do(ctx context.Context, s step.Step) (done, error) {
	actions := map[step.Action]func(context.Context, string) (done, error){
		step.Open: p.open, step.RollCall: p.rollCall, step.Prepare: preparing{p}.prepare,
		step.Share: p.share, step.Import: p.importShare, step.SealPIN: sealing{p}.sealPIN, step.Generate: p.generate, step.Backup: p.backup,
		step.Restore: p.restore, step.Copy: p.copy, step.Certify: p.certify, step.SignCRL: p.signCRL,
		step.Erase: preparing{p}.erase, step.Seal: p.seal, step.Close: closing{p}.close,
		step.LoneSheet: checking{p}.loneSheet, step.Inspect: checking{p}.inspect, step.OpenBackup: checking{p}.openBackup, step.Compare: checking{p}.compare, step.PINs: p.lookAtPINs,
		step.ChangePIN: changing{p}.changePIN, step.Retire: changing{p}.retire, step.Decide: changing{p}.decide,
	}
	action, ok := actions[s.Action]
	if !ok {
		return done{}, fmt.Errorf("step %s: no one knows how to %s", s.ID, s.Action)
	}
	return action(ctx, s.Object)
}
