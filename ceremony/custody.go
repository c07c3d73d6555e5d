package ceremony

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/quorum"
	"conclave/wire"
)

// share makes the DKEK share file and the sheets, with random numbers of the
// device that will make the keys.
func (p *proceedings) share(ctx context.Context, _ string) (done, error) {
	if p.Plan.Change != nil {
		return changing{p}.reshare(ctx)
	}
	made, err := p.clearShare()
	if err != nil || made != nil {
		return p.shareDone(made), err
	}
	h, err := p.devices.get(p.Plan.Custody.Device)
	if err != nil {
		return done{}, err
	}
	created, err := p.newCreation(h).Run(ctx)
	if err != nil {
		return done{}, err
	}
	return p.shareDone(created.Record), nil
}

// newCreation makes a share file and sheets for the custodians of the plan.
func (p *proceedings) newCreation(rand io.Reader) custody.Creation {
	return custody.Creation{
		Rand: rand, ShareFile: p.backups.shareFile(), Scheme: p.Plan.Scheme(), Ceremony: p.Plan.Ceremony,
		Restores: p.Plan.Restores(), Contact: p.Plan.Custody.Contact,
		Names: p.Plan.People.Custodians, ReadBack: true, Now: p.Now(), Tool: p.Program.Version,
		Custodians: p.people.custodians(false), Progress: p.Progress, Announce: func(phase custody.Phase) { p.announce(string(phase)) },
	}
}

func (c Ceremony) announce(text string) {
	if c.Announce != nil {
		c.Announce(text)
	}
}

// clearShare looks what an interrupted step has left. A share file with a record was
// proved, and is taken; one that lacks only its name is finished first. Where there is
// none, or one without a record, the sheets are void. What lies unfinished the next
// creation clears away.
func (p *proceedings) clearShare() (*quorum.Record, error) {
	found, err := custody.FinishProved(p.backups.shareFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if found != "" {
		p.people.Tell(found)
	}
	file, err := custody.ReadShareFile(p.backups.shareFile())
	if errors.Is(err, fs.ErrNotExist) {
		if p.log.sheetsShown() { // sheets were copied before there was a file
			return nil, p.log.noteVoid()
		}
		return nil, nil
	}
	if err == nil {
		records, err := custody.Records(p.backups.shareFile(), file)
		if err == nil && len(records) > 0 {
			return records[0], nil
		}
	}
	void := p.backups.shareFile() + ".void"
	for i := 2; safefile.Exists(void); i++ {
		void = fmt.Sprintf("%s.void%d", p.backups.shareFile(), i)
	}
	if err := os.Rename(p.backups.shareFile(), void); err != nil {
		return nil, err
	}
	return nil, p.log.noteVoid()
}

// custodians are those of the room, whose commands are obeyed too.
type custodians struct {
	Room
	people *people
	name   string // at the screen
	others bool   // may come than who is expected
}

// custodians are asked one after the other; others says whether anyone may come
// in another one's place.
func (p *people) custodians(others bool) *custodians {
	return &custodians{Room: p.Room, people: p, others: others}
}

// Come implements custody.Custodians.
func (c *custodians) Come(ctx context.Context, turn custody.Turn) error {
	c.name = turn.Name
	if c.others {
		c.name = evidence.AtTheScreen
	}
	return c.stopped(c.Room.Come(ctx, turn))
}

// stopped is the error of who is at the screen: to quit is to stop the ceremony.
func (c *custodians) stopped(err error) error {
	if errors.Is(err, custody.ErrQuit) {
		return errors.Join(ErrStopped, c.people.log.note(transcript.Stopped, c.name, "stopped on request", nil))
	}
	return err
}

// Confirm implements custody.Custodians.
func (c *custodians) Confirm(ctx context.Context, question string) (bool, error) {
	yes, err := c.Room.Confirm(ctx, question)
	return yes, c.stopped(err)
}

// Show implements custody.Custodians. It notes that a sheet is shown before it
// is.
func (c *custodians) Show(ctx context.Context, handout custody.Handout) error {
	if l := c.people.log; !l.sheetsShown() {
		if err := l.note(transcript.Note, "", "the first sheet is shown", step.NoteFacts{Sheets: step.SheetsShown}); err != nil {
			return err
		}
	}
	return c.stopped(c.Room.Show(ctx, handout))
}

// Ask implements custody.Custodians.
func (c *custodians) Ask(ctx context.Context, field custody.Field, problem error) (string, error) {
	for {
		text, err := c.Room.Ask(ctx, field, c.people.replaced(problem))
		if err != nil {
			return "", err
		}
		answered, err := c.people.command(ctx, c.name, text)
		if answered || err != nil {
			return text, err
		}
	}
}

// replaced is the error of a sheet, which says of one of an earlier set since when there
// are others.
func (p *people) replaced(problem error) error {
	var other *quorum.OtherSetError
	if p.chain == nil || !errors.As(problem, &other) {
		return problem
	}
	made, replaced := p.chain.Replaced(other.Set)
	if replaced == "" {
		return problem
	}
	return fmt.Errorf("this sheet is of set %s, made in %q; %q has made others in place of them: destroy it, and bring the sheet of set %s", other.Set, made, replaced, p.chain.State.Sets[len(p.chain.State.Sets)-1])
}

// shareDone says what there is now. There is a record where every subset of the
// sheets was proved.
func (p *proceedings) shareDone(r *quorum.Record) done {
	if r == nil {
		return done{}
	}
	return done{
		fmt.Sprintf("set %s, any %d of %d custodians; key check value %s", r.Set, r.Threshold, r.Total, r.KCV),
		step.ShareFacts{Set: r.Set, KCV: r.KCV, ShareFile: step.Sum(r.ShareFile.SHA256), Proof: p.Plan.Scheme().Proof().String()},
	}
}

// importShare gives a device the DKEK.
func (p *proceedings) importShare(ctx context.Context, name string) (done, error) {
	h, err := p.devices.get(name)
	if err != nil {
		return done{}, err
	}
	status, err := h.DKEK()
	if err != nil {
		return done{}, err
	}
	if status != nil && status.Outstanding == 0 { // done before a power cut
		who := p.log.custodiansNoted()
		if who == evidence.LostCustodians && p.log.facts.Schema >= 2 {
			return done{}, fmt.Errorf("the device %s has been given a DKEK outside this ceremony; initialise it again, in a ceremony in another folder", name)
		}
		return p.importDone(name, who), p.checkImport(ctx, name, status)
	}
	opened, who, err := p.openBackups(ctx, name)
	if err != nil {
		return done{}, err
	}
	defer opened.Wipe()
	file, err := custody.ReadShareFile(p.backups.shareFile())
	if err != nil {
		return done{}, err
	}
	identity, err := h.Device()
	if err != nil {
		return done{}, err
	}
	journal, err := p.Dir.journal(identity.Serial)
	if err != nil {
		return done{}, err
	}
	status, err = custody.Import(h, journal, p.backups.shareFile(), file, opened)
	if err != nil {
		return done{}, err
	}
	return p.importDone(name, who), p.checkImport(ctx, name, status)
}

// checkImport compares a device's DKEK with the share file's. A device may tell
// its key check value after a login only.
func (p *proceedings) checkImport(ctx context.Context, name string, status *wire.DKEKStatus) error {
	if status.Hidden() {
		h, err := p.devices.login(ctx, name)
		if err != nil {
			return err
		}
		if status, err = h.DKEK(); err != nil {
			return err
		}
	}
	if status == nil {
		return fmt.Errorf("the device %s has no DKEK", name)
	}
	return p.log.checkKCV(status)
}

func (p *proceedings) importDone(name, custodians string) done {
	return done{fmt.Sprintf("the device %s has the DKEK with key check value %s, by custodians %s", name, p.log.kcv(), custodians),
		step.ImportFacts{KCV: p.log.kcv(), Custodians: custodians}}
}

// openBackups opens the share file of the backup with the custodians of the plan, and
// notes who they are.
func (p *proceedings) openBackups(ctx context.Context, device string) (opened *custody.Opened, who string, err error) {
	file, record, err := p.inForce()
	if err != nil {
		return nil, "", err
	}
	quorum := plan.Quorum{Threshold: p.Plan.Custody.Threshold, Custodians: p.Plan.People.Custodians}
	if opened, err = p.openShareFile(ctx, file, record, quorum, device); err != nil {
		return nil, "", err
	}
	if who, err = p.log.noteCustodians(opened, record); err != nil {
		opened.Wipe()
	}
	return opened, who, err
}

// inForce is the share file of the backup, and the record of the sheets in force. That of
// others, which open it too, may lie beside it.
func (p *proceedings) inForce() (dkek.ShareFile, *quorum.Record, error) {
	file, records, err := p.backups.read()
	if err != nil {
		return file, nil, err
	}
	set := of[step.ShareFacts](p.log, step.Share.ID()).Set
	i := slices.IndexFunc(records, func(r *quorum.Record) bool { return r.Set == set })
	if i < 0 {
		return file, nil, fmt.Errorf("%s has no record of the set %s beside it; take it from another copy of the backup", p.backups.shareFile(), set)
	}
	return file, records[i], nil
}

// openShareFile opens a share file with those who have its sheets. Those are named first
// who have not come before, so that as many sheets as can be are tried.
func (p *proceedings) openShareFile(ctx context.Context, file dkek.ShareFile, record *quorum.Record, of plan.Quorum, device string) (*custody.Opened, error) {
	p.people.Tell("If someone is absent any other custodian may come instead. In place of a code a custodian may answer: undo, to take back the last sheet; leave, to let another one come; help; exception and stop, as everyone may.")
	opened, err := custody.Opening{
		File: file, Progress: p.Progress, Limit: likely, Search: p.Search,
		Collection: &custody.Collection{Entry: &quorum.Entry{Records: []*quorum.Record{record}}, Custodians: p.people.custodians(true), Expected: p.expected(of, device)},
	}.Run(ctx)
	if err != nil {
		return nil, err
	}
	if err := (changing{p}).sheetsTakenOut(ctx, opened, record); err != nil {
		opened.Wipe()
		return nil, err
	}
	return opened, nil
}

// likely is how many readings are tried where sheets do not open the file: one
// mistake, and half a minute.
const likely = 1000

func (p *proceedings) expected(of plan.Quorum, device string) []custody.Turn {
	names := of.Custodians
	order := make([]int, len(names))
	for i := range order {
		order[i] = i + 1
	}
	if device == p.Plan.Custody.Standby {
		slices.Reverse(order)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.log.absence(a), p.log.absence(b)) })
	var turns []custody.Turn
	for i := range of.Threshold {
		turns = append(turns, custody.Turn{Number: i + 1, Of: of.Threshold, Custodian: order[i], Name: names[order[i]-1]})
	}
	return turns
}
