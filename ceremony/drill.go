package ceremony

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/internal/typed"
	"conclave/quorum"
	"conclave/wire"
)

// checking are the steps that look at what there is, of drills, emergencies and changes.
type checking struct{ *proceedings }

// mayBeUnshown says whether a step can be closed that does not show what it was to show.
// Transcripts of earlier releases cannot say so.
func (p checking) mayBeUnshown(s step.Step) bool {
	return p.log.facts.Schema >= 3 && p.Plan.LeavesBackup() && s.Action.MayBeUnshown()
}

// unshown lets the administrator close a step that has failed: what could not be shown is
// an exception, and the drill goes on.
func (p checking) unshown(ctx context.Context, s step.Step, q Question, failure error) (closed bool, err error) {
	const word = "unshown"
	q.Wants, q.Text = EnterOr, q.Text+", or type "+word+" to go on without it, as an exception"
	for {
		text, err := p.people.ask(ctx, q)
		if err != nil || text == "" {
			return false, err
		}
		if typed.Word(text, word, "not shown") != "" {
			break
		}
		p.people.Tell("<enter> alone, or " + word + ", was expected.")
	}
	why := failure.Error()
	if err := p.log.noteException(q.Who, step.NotShownBecause(s.Title, why), step.ExceptionFacts{}); err != nil {
		return false, err
	}
	e, err := p.log.doneEntry(s, done{"it could not be shown", step.UnshownFacts{Why: why}})
	if err == nil {
		err = p.log.finish(s, e)
	}
	return err == nil, err
}

// loneSheet lets one custodian check their sheet. One that is not here, or not
// good, is written down, and the drill goes on.
func (p checking) loneSheet(ctx context.Context, number string) (done, error) {
	n, err := strconv.Atoi(number)
	if err != nil {
		return done{}, err
	}
	name := p.Plan.People.Custodians[n-1]
	err = p.people.here(ctx, name, "Is "+name+" here, with the sheet?")
	var absent *refusal
	if err != nil && !errors.As(err, &absent) {
		return done{}, err
	}
	facts := step.LoneSheetFacts{Sheet: step.SheetAbsent, Bag: map[string]string{}}
	if looked := p.log.bagSeen(plan.Sheet(name)); looked != "" { // before they left
		facts.Bag[plan.Sheet(name)] = looked
	}
	if err == nil {
		if err := p.people.openBag(ctx, plan.Sheet(name), facts.Bag); err != nil {
			return done{}, err
		}
		if facts.Sheet, err = p.checkSheet(ctx, n, name); err != nil {
			return done{}, err
		}
	}
	d := done{step.SheetIs(plan.Sheet(name), facts.Sheet), facts}
	if facts.Sheet != step.SheetGood {
		return d, p.log.noteException("", d.text, step.ExceptionFacts{})
	}
	return d, nil
}

// checkSheet lets the custodian type the sheet until it is good, or they leave.
func (p checking) checkSheet(ctx context.Context, number int, name string) (result string, err error) {
	p.people.Tell("If the sheet is not accepted, the answer leave ends the check.")
	entry := &quorum.Entry{Records: []*quorum.Record{p.Before.Record}, Want: 1}
	defer entry.Wipe()
	err = (&custody.Collection{
		Entry: entry, Custodians: p.people.custodians(false), Only: true, Expected: []custody.Turn{{Number: 1, Of: 1, Custodian: number, Name: name}},
	}).One(ctx)
	switch {
	case err != nil:
		return "", err
	case len(entry.Shares()) == 0:
		return step.SheetBad, nil
	}
	return step.SheetGood, nil
}

// inspect compares the files of the backup with the hashes in the ceremony's
// transcript.
func (p checking) inspect(ctx context.Context, _ string) (done, error) {
	facts := step.InspectFacts{Bag: map[string]string{}}
	var err error
	if p.Before.Chain.State.Plan.Custody.Media > 0 {
		facts.Media, err = p.inspectMedia(ctx, facts.Bag)
	} else {
		err = p.people.openBag(ctx, plan.Media, facts.Bag)
	}
	if err == nil {
		facts.ShareFile, facts.Wrapped, err = p.old.asMade(p.log, p.Plan)
	}
	if err == nil {
		facts.Sealed, err = sealing(p).inspectSealed(p.old)
	}
	if err != nil {
		return done{}, err
	}
	return done{"the backup is what was recorded", facts}, changing(p).takeBackup()
}

// asMade compares the files of a backup with those that were made.
func (b *backup) asMade(l *log, made *plan.Plan) (share step.Sum, wrapped map[string]step.Sum, err error) {
	if err := b.isHere(); err != nil {
		return "", nil, err
	}
	file, err := custody.ReadUnopened(b.shareFile(), false)
	if err != nil {
		return "", nil, err
	}
	share, wrapped = step.Sum(file.ShareFile.SHA256()), map[string]step.Sum{}
	if err := asRecorded(file.Path, share, of[step.ShareFacts](l, step.Share.ID()).ShareFile, file.Changed); err != nil {
		return "", nil, err
	}
	for _, k := range made.Keys {
		path := b.wrapped(k.Name)
		f, err := custody.ReadWrapFile(path)
		if f.Content == nil {
			return "", nil, err
		}
		wrapped[k.Name] = sumOf(sha256.Sum256(f.Content))
		if err := asRecorded(path, wrapped[k.Name], of[step.BackupFacts](l, step.Backup.ID(k.Name)).Wrapped, f.Changed); err != nil {
			return "", nil, err
		}
	}
	return share, wrapped, nil
}

// asRecorded fails for a file of the backup that is not the one of the ceremony. What
// has changed it in transfer is known of some.
func asRecorded(path string, sum, want step.Sum, changed string) error {
	switch {
	case changed != "":
		return fmt.Errorf("%s was changed in transfer: %s. A restore undoes that in memory; but use another copy, and replace this one", path, changed)
	case sum != want:
		return fmt.Errorf("%s has SHA-256 %s, and %s was recorded; use another copy", path, sum, want)
	}
	return nil
}

// throwaway is the device of a drill, which no one knows the PIN of.
const throwaway = "drill"

// openBackup restores every key on a device that is thrown away.
func (p checking) openBackup(ctx context.Context, _ string) (d done, err error) {
	opened, who, err := p.openBackups(ctx, "")
	if err != nil {
		return done{}, err
	}
	defer opened.Wipe()
	if err := sealing(p).openAll(opened.Share); err != nil {
		return done{}, err
	}
	devices := p.Before.Throwaway
	devices.Delete(throwaway) // what an interrupted attempt has left
	if _, err := devices.Create(throwaway); err != nil {
		return done{}, err
	}
	defer func() { err = errors.Join(err, devices.Delete(throwaway)) }()
	conn, err := devices.Open(throwaway)
	if err != nil {
		return done{}, err
	}
	h, err := hsm.Open(conn)
	if err != nil {
		return done{}, errors.Join(err, conn.Close())
	}
	defer h.Close()
	if err := p.load(h, opened.Share); err != nil {
		return done{}, err
	}
	restored, err := p.keys.restoreAll(h)
	return done{"the backup opens: every key is restored, and signs",
		step.OpenBackupFacts{KCV: restored.KCV, Restored: restored.Restored, Wrapped: restored.Wrapped, Custodians: who}}, err
}

// load initialises a device and gives it the DKEK.
func (p checking) load(h *hsm.HSM, share secret.Bytes) error {
	random, err := h.Random(16)
	if err != nil {
		return err
	}
	pin, so := secret.Bytes(fmt.Sprintf("%x", random[:8])), secret.Bytes(random[8:])
	init := wire.UsualInitialization(pin, so, 1)
	if err := h.Initialize(init, ""); err != nil {
		return err
	}
	status, err := h.ImportShare(share)
	if err != nil {
		return err
	}
	if err := p.log.checkKCV(status); err != nil {
		return err
	}
	return h.Login(wire.UserPIN, pin)
}

// compare looks at a device as anyone can, without a PIN.
func (p checking) compare(ctx context.Context, name string) (done, error) {
	bag := map[string]string{}
	if err := p.people.openBag(ctx, plan.TheDevice(name), bag); err != nil {
		return done{}, err
	}
	h, err := p.devices.get(name) // which compares the serial number
	if err != nil {
		return done{}, err
	}
	status, err := h.DKEK()
	if err != nil {
		return done{}, err
	}
	if status == nil {
		return done{}, fmt.Errorf("the device %s has no DKEK", name)
	}
	if !status.Hidden() { // no one logs in to look
		if err := p.log.checkKCV(status); err != nil {
			return done{}, err
		}
	}
	for _, k := range p.Plan.Keys {
		ref, err := p.log.reference(k.Name)
		if err != nil {
			return done{}, err
		}
		if _, err := p.keys.public(h, k.Name, ref); err != nil {
			return done{}, fmt.Errorf("key %s: %w", k.Name, err)
		}
	}
	identity, err := h.Device()
	if err != nil {
		return done{}, err
	}
	facts := step.CompareFacts{Serial: identity.Serial, KCV: dkek.KCV(status.KCV).String(), Bag: bag}
	if status.Hidden() {
		facts.KCV = step.NotShown
	}
	return done{plan.TheDevice(name) + " is as it was", facts}, nil
}
