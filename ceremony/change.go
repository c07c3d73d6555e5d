package ceremony

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/internal/typed"
	"conclave/quorum"
)

// changing are the steps of a change of custody.
type changing struct{ *proceedings }

// reshare makes new sheets: for the share file that there is, for a new one with the
// same DKEK share, or for one with a new DKEK, under which all keys are wrapped.
func (p changing) reshare(ctx context.Context) (done, error) {
	made, err := p.madeBefore()
	if err != nil || made != nil {
		return p.reshareDone(made, p.log.custodiansNoted()), err
	}
	file, err := custody.ReadShareFile(p.old.shareFile())
	if err != nil {
		return done{}, err
	}
	before := p.Plan.Change.Before
	opened, err := p.openShareFile(ctx, file, p.Before.Record, *before, "")
	if err != nil {
		return done{}, err
	}
	defer opened.Wipe()
	who, err := p.log.noteCustodians(opened, p.Before.Record)
	if err != nil {
		return done{}, err
	}
	c, err := p.creation(opened)
	if err != nil {
		return done{}, err
	}
	defer c.Share.Wipe()
	created, err := c.Run(ctx)
	if err != nil {
		return done{}, err
	}
	return p.reshareDone(created.Record, who), nil
}

// madeBefore is the record of sheets that an interrupted step has made and proved, nil
// for none; then those that were shown are void.
func (p changing) madeBefore() (*quorum.Record, error) {
	if p.Plan.Change.Kind != plan.NewSheets {
		return p.clearShare()
	}
	if _, err := custody.FinishProved(p.backups.shareFile()); err != nil {
		return nil, err
	}
	file, err := custody.ReadShareFile(p.backups.shareFile())
	if err != nil {
		return nil, err
	}
	records, err := custody.Records(p.backups.shareFile(), file)
	switch {
	case err != nil:
		return nil, err
	case len(records) > 0:
		return records[0], nil
	case p.log.sheetsShown():
		return nil, p.log.noteVoid()
	}
	return nil, nil
}

// creation is what makes the new sheets, and the share file if there is to be a new one.
func (p changing) creation(opened *custody.Opened) (c custody.Creation, err error) {
	c = p.newCreation(rand.Reader)
	switch p.Plan.Change.Kind {
	case plan.NewSheets:
		c.Scheme.Strength, c.Password, c.Share = quorum.StrengthOf(opened.Password), opened.Password, opened.Share.Clone()
		if c.Scheme.Strength == 0 || opened.Password[0] == 0 {
			err = fmt.Errorf("%w; make a new share file: the kind new-file", quorum.ErrNotShareable)
		}
	case plan.NewFile:
		c.Share, c.Replaces = opened.Share.Clone(), p.Before.Chain.State.Sets
	case plan.Rekey:
		if c.Share, err = custody.DrawShare(rand.Reader); err == nil {
			c.Replaces, err = p.Before.Chain.State.Sets, p.rewrap(opened.Share, c.Share)
		}
	}
	return c, err
}

// rewrap wraps all keys of the backup under a new DKEK, over what an interrupted attempt
// has left: no one has its sheets.
func (p changing) rewrap(old, share secret.Bytes) error {
	from, err := dkek.New(old)
	if err != nil {
		return err
	}
	defer from.Wipe()
	to, err := dkek.New(share)
	if err != nil {
		return err
	}
	defer to.Wipe()
	for _, k := range p.Plan.Keys {
		f, err := custody.ReadWrapFile(p.old.wrapped(k.Name))
		if err != nil {
			return err
		}
		if f.Blob, err = from.Rewrap(rand.Reader, f.Blob, to); err != nil {
			return fmt.Errorf("key %s: %w", k.Name, err)
		}
		content, err := f.WrapFile.Bytes()
		if err != nil {
			return err
		}
		if err := replaceFile(p.backups.wrapped(k.Name), content); err != nil {
			return err
		}
	}
	return p.resealPINs(from, to)
}

// resealPINs seals the SO-PINs that devices have under a new DKEK, until they get others: who
// knows the DKEK of before can open these.
func (p changing) resealPINs(from, to *dkek.DKEK) error {
	for _, device := range p.Plan.SealedPINs() {
		sealed, _, err := custody.ReadSealedPIN(p.old.sealedPIN(device))
		if err != nil {
			return err
		}
		pin, err := sealed.Open(from)
		if err != nil {
			return fmt.Errorf("the sealed SO-PIN of the device %s: %w", device, err)
		}
		again, err := custody.SealPIN(rand.Reader, to, sealed.Device, pin)
		pin.Wipe()
		if err != nil {
			return err
		}
		content, err := again.Bytes()
		if err == nil {
			present := sealing(p).present()
			err = replaceFile(present.sealedPIN(device), content)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reshareDone says what there is now.
func (p changing) reshareDone(r *quorum.Record, who string) done {
	d := p.shareDone(r)
	facts, ok := d.facts.(step.ShareFacts)
	if !ok {
		return d
	}
	facts.Custodians = who
	if p.Plan.Change.Kind == plan.Rekey {
		facts.Wrapped = map[string]step.Sum{}
		for _, k := range p.Plan.Keys {
			if content, err := safefile.Read(p.backups.wrapped(k.Name), quorum.MaxRecord); err == nil { // a fact that is missing is told
				facts.Wrapped[k.Name] = sumOf(sha256.Sum256(content))
			}
		}
	}
	d.facts = facts
	return d
}

// takeBackup copies what a change leaves as it is from the backup of before into its own.
func (p changing) takeBackup() error {
	if p.Plan.LeavesBackup() {
		return nil
	}
	names, err := p.old.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if p.isReplaced(name) {
			continue
		}
		content, err := safefile.Read(p.old.file(name), quorum.MaxRecord)
		if err == nil {
			err = putFile(p.backups.file(name), content)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isReplaced says whether a file of the backup is made anew by the change.
func (p changing) isReplaced(name string) bool {
	share := filepath.Base(p.old.shareFile())
	record := strings.HasPrefix(name, share+".set-")
	switch p.Plan.Kind() {
	case plan.NewSheets:
		return record
	case plan.NewFile:
		return record || name == share
	case plan.Rekey: // keys that are not of the plan stay under the old DKEK
		return record || name == share || p.isWrapped(name) || p.isResealed(name)
	}
	return p.isResealed(name)
}

func (p changing) isWrapped(name string) bool {
	return slices.ContainsFunc(p.Plan.Keys, func(k plan.Key) bool { return name == filepath.Base(p.old.wrapped(k.Name)) })
}

func (p changing) isResealed(name string) bool {
	return slices.ContainsFunc(p.Plan.ResealedPINs(), func(device string) bool { return name == filepath.Base(p.old.sealedPIN(device)) })
}

// changePIN changes the PINs of a device, which logs in with those it has.
func (p changing) changePIN(ctx context.Context, name string) (done, error) {
	bag := map[string]string{}
	if err := p.takeOut(ctx, name, bag); err != nil {
		return done{}, err
	}
	h, err := p.devices.get(name)
	if err != nil {
		return done{}, err
	}
	identity, err := h.Device()
	if err != nil {
		return done{}, err
	}
	for _, ref := range plan.PINs() {
		pin := p.people.pinOf(name, ref)
		if pin.Kept == plan.ByQuorum { // no one knows it
			continue
		}
		if err := p.replacePIN(ctx, h, pin, identity.Serial); err != nil {
			return done{}, err
		}
	}
	return done{"the device " + name + " has other PINs", step.ChangePINFacts{Serial: identity.Serial, Bag: bag}}, nil
}

// takeOut lets the witness say how the bags were of a device and of its PINs.
func (p changing) takeOut(ctx context.Context, device string, bag map[string]string) error {
	for _, thing := range p.Plan.DeviceBags(device) {
		if err := p.people.openBag(ctx, thing, bag); err != nil {
			return err
		}
	}
	return nil
}

// retire writes down what becomes of a device that was replaced.
func (p changing) retire(ctx context.Context, name string) (done, error) {
	became, err := p.people.words(ctx, p.Plan.People.Administrator, "What has become of the old device "+name+"? (destroyed, lost, ...)", "destroyed")
	if err != nil {
		return done{}, err
	}
	return done{"the old device " + name + ": " + became, step.RetireFacts{Became: became}}, nil
}

// decide writes down what has happened, and who decides what.
func (p changing) decide(ctx context.Context, _ string) (done, error) {
	q := p.people
	admin := p.Plan.People.Administrator
	happened, err := q.words(ctx, admin, "What has happened", "PRACTICE: a sheet is lost")
	if err != nil {
		return done{}, err
	}
	by, err := q.choose(ctx, admin, "Who decides what is done about it", p.Plan.Everyone())
	if err != nil {
		return done{}, err
	}
	decided, err := q.words(ctx, by, "What is decided", "PRACTICE: the custodians get new sheets")
	if err != nil {
		return done{}, err
	}
	day, err := q.day(ctx, by)
	if err != nil {
		return done{}, err
	}
	return done{by + " has decided: " + decided, step.DecideFacts{Happened: happened, By: by, Left: decided, ChangeBy: day}}, nil
}

// choose asks until one of several names is typed.
func (p *people) choose(ctx context.Context, who, question string, names []string) (string, error) {
	for {
		text, err := p.words(ctx, who, question, names[0])
		if err != nil {
			return "", err
		}
		for _, name := range names {
			if plan.FoldName(text) == plan.FoldName(name) {
				return name, nil
			}
		}
		p.Room.Tell("That is no one of this plan; one of these was expected: " + strings.Join(names, ", ") + ".")
	}
}

// day asks until a day is typed, or that there is none.
func (p *people) day(ctx context.Context, who string) (string, error) {
	for {
		text, err := p.words(ctx, who, "By which day must the keys be changed (such as 2027-01-31), or "+step.NoChange, step.NoChange)
		if err != nil {
			return "", err
		}
		if typed.Word(text, "no", step.NoChange) != "" {
			return step.NoChange, nil
		}
		if day, err := time.Parse(time.DateOnly, text); err == nil {
			return day.Format(time.DateOnly), nil
		}
		p.Room.Tell("A day such as 2027-01-31 was expected, or: " + step.NoChange + ".")
	}
}

// sheetsTakenOut lets the witness say how the bags were of those who have come, where a
// change opens the share file with the sheets that were in them.
func (p changing) sheetsTakenOut(ctx context.Context, opened *custody.Opened, record *quorum.Record) error {
	if p.Plan.Change == nil || p.Plan.LeavesBackup() || record.Set != p.Before.Record.Set {
		return nil
	}
	for _, share := range opened.Shares {
		name := record.Custodians[record.NumberOf(share)-1].Name
		if err := p.people.openBag(ctx, plan.Sheet(name), map[string]string{}); err != nil {
			return err
		}
	}
	return nil
}
