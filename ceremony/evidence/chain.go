package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// A bundle that goes on from earlier evidence keeps the transcripts of all of it: that
// of the first ceremony in OriginDir, those of the drills and changes since then in
// ChainDir, numbered from 2 in their order. Drills of earlier releases kept that of the
// drill before, and no other, in LastDir.
const (
	OriginDir = "ceremony"
	ChainDir  = "chain"
	LastDir   = "last-drill"
)

// Chain is what the transcripts of a first ceremony, and of all drills and changes since
// then, say together.
type Chain struct {
	Links []*Origin // the first ceremony's, and then in their order
	State State     // after the last of them
}

// State is what is in force: who holds what.
type State struct {
	Plan *plan.Plan // people, custody and devices as they are now; keys as they were made
	// Facts are those of the steps that have made what there is now: of Share, of Prepare
	// of each device, of Generate and Backup of each key.
	Facts Facts
	Bags  []plan.Bag // as they were sealed last
	// Ceremony is the one that the sheets were made in. Sets are all sets of sheets that
	// open the share file, and Replaced those that opened the one before.
	Ceremony       string
	Sets, Replaced []string
	// Decided are the decisions of emergencies.
	Decided []step.DecideFacts
}

// LinkDir is where a bundle keeps the transcript of the nth link before it, the first
// ceremony being number 1.
func LinkDir(n int) string {
	if n == 1 {
		return OriginDir
	}
	return path.Join(ChainDir, strconv.Itoa(n))
}

// Last is the evidence that the next drill, or change, goes on from.
func (c *Chain) Last() *Origin { return c.Links[len(c.Links)-1] }

// Sequel is what a plan says that goes on from this chain.
func (c *Chain) Sequel() plan.Sequel {
	s := plan.Sequel{Closing: c.Links[0].Closing, Bags: c.State.Bags}
	if len(c.Links) > 1 {
		s.Last = c.Last().Closing
	}
	return s
}

// ReadChain reads the transcript of a bundle in a folder, and of all evidence before it,
// and follows it from the first ceremony on. The record is that of the sheets in force,
// nil where there was no custody.
func ReadChain(folder string) (*Chain, []byte, error) { return readChain(folder, true) }

// ReadBefore reads what was kept for a drill, or a change, of the evidence before it.
func ReadBefore(folder string) (*Chain, []byte, error) { return readChain(folder, false) }

func readChain(folder string, own bool) (c *Chain, record []byte, err error) {
	return c, record, inFolder(folder, func(fsys fs.FS) error {
		b, err := look(fsys)
		if err == nil {
			c, err = b.before()
		}
		if err == nil && own {
			err = b.follow(c, ".")
		}
		if err == nil && len(c.Links) == 0 {
			err = errors.New("there is no transcript of a first ceremony")
		}
		if err == nil && b.has(RecordFile) {
			record, err = b.read(RecordFile)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		return nil
	})
}

// follow goes on with the chain by the transcript in a folder of the bundle.
func (b *bundle) follow(c *Chain, dir string) error {
	link, err := b.origin(dir)
	if err == nil {
		err = c.add(link)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path.Join(dir, TranscriptFile), err)
	}
	return nil
}

// CheckNext refuses a plan that does not go on from the end of the chain.
func (c *Chain) CheckNext(next *plan.Plan) error { return c.joins(next, false) }

// Replaced says in which ceremony the sheets of a set were made, and which one was the
// first to make others; empty where it is the newest set, or none of the chain.
func (c *Chain) Replaced(set string) (made, replaced string) {
	for _, link := range c.Links {
		switch {
		case set == "" || link.set() == "":
		case link.set() == set:
			made = link.Name()
		case made != "":
			return made, link.Name()
		}
	}
	return "", ""
}

// Files are the files that whoever goes on from the chain keeps, by name.
func (c *Chain) Files() map[string][]byte {
	files := map[string][]byte{}
	for i, link := range c.Links {
		for name, content := range link.Files {
			files[path.Join(LinkDir(i+1), name)] = content
		}
	}
	return files
}

// Serial is the serial number of a device in force.
func (s State) Serial(device string) string {
	return Of[step.PrepareFacts](s.Facts, step.Prepare.ID(device)).Serial
}

// before follows the transcripts of the evidence that a bundle goes on from; of a first
// ceremony there are none.
func (b *bundle) before() (*Chain, error) {
	c := &Chain{}
	for _, dir := range b.linkDirs() {
		if err := b.follow(c, dir); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// linkDirs are the folders of the transcripts before that of a bundle.
func (b *bundle) linkDirs() (dirs []string) {
	for n := 1; b.has(path.Join(LinkDir(n), TranscriptFile)); n++ {
		dirs = append(dirs, LinkDir(n))
	}
	if b.has(path.Join(LastDir, TranscriptFile)) {
		dirs = append(dirs, LastDir)
	}
	return dirs
}

// add goes on with the chain, if the link does so.
func (c *Chain) add(link *Origin) error {
	if err := link.complete(); err != nil {
		return err
	}
	if len(c.Links) == 0 {
		if link.plan.Sequel() != nil {
			return errors.New("it goes on from earlier evidence, which is not here")
		}
		c.Links, c.State = []*Origin{link}, first(link)
		return nil
	}
	if err := c.joins(link.plan, c.lacks(link)); err != nil {
		return err
	}
	if problems := c.State.disagreements(link.plan, link.Facts); len(problems) > 0 {
		return problems[0]
	}
	c.Links = append(c.Links, link)
	c.State = c.State.after(link)
	return nil
}

// joins says whether a plan goes on from the end of the chain; gap says that a drill may
// be missing there.
func (c *Chain) joins(next *plan.Plan, gap bool) error {
	sequel := next.Sequel()
	if sequel == nil {
		return errors.New("it is a first ceremony, and goes on from nothing")
	}
	if sequel.Closing != c.Links[0].Closing {
		return fmt.Errorf("the closing of the first ceremony is %s, and its plan has %s", c.Links[0].Closing, orNothing(sequel.Closing))
	}
	if got, want := sequel.Before(), c.Last().Closing; got != want && !gap {
		return fmt.Errorf("the closing of the evidence before it is %s, and its plan has %s: something is missing between them, or was put there", want, got)
	}
	if err := c.State.Plan.CheckNext(next); err != nil {
		return fmt.Errorf("its plan does not go on from what was in force: %w", err)
	}
	if want := c.State.Bags; !gap && !slices.Equal(sequel.Bags, want) {
		return fmt.Errorf("its plan says that the bags were %v, and %v were sealed before", sequel.Bags, want)
	}
	return nil
}

// lacks says whether a link may be a drill of an earlier release that goes on from one
// that is not here: such a drill kept the last one alone, and not those before that. A
// drill changes nothing but bags.
func (c *Chain) lacks(link *Origin) bool {
	return link.Kind() == plan.Checking && link.Facts.Schema < 3 && len(c.Links) == 1
}

// first is the state after a first ceremony.
func first(link *Origin) State {
	return State{Plan: link.plan, Facts: link.Facts, Bags: link.Bags(), Ceremony: link.plan.Ceremony, Sets: []string{link.set()}}
}

// set is that of the sheets that a link has made.
func (o *Origin) set() string { return Of[step.ShareFacts](o.Facts, step.Share.ID()).Set }

// after is the state once a link was carried out.
func (s State) after(link *Origin) State {
	next := s
	next.Plan, next.Facts, next.Bags = s.Plan.After(link.plan), s.Facts.overlaid(link.plan, link.Facts), link.Bags()
	switch link.plan.Kind() {
	case plan.NewSheets:
		next.Ceremony, next.Sets = link.plan.Ceremony, append(slices.Clone(s.Sets), link.set())
	case plan.NewFile, plan.Rekey:
		next.Ceremony, next.Sets, next.Replaced = link.plan.Ceremony, []string{link.set()}, s.Sets
	case plan.Emergency:
		next.Decided = append(slices.Clone(s.Decided), Of[step.DecideFacts](link.Facts, step.Decide.ID()))
	}
	return next
}

// overlaid are the facts of what there is: those of steps that have made something take
// the place of earlier ones. The facts that were there are left as they are.
func (f Facts) overlaid(p *plan.Plan, made Facts) Facts {
	all := Facts{Schema: made.Schema, steps: maps.Clone(f.steps)}
	for _, s := range p.Steps() {
		switch s.Action {
		case step.Share, step.Prepare, step.Generate, step.Backup, step.SealPIN:
			if made.Done(s.ID) {
				all.steps[s.ID] = made.steps[s.ID]
			}
		}
	}
	all.rewrap(p, made)
	all.copied(p, made)
	return all
}

// copied notes the media that have the backup: all of them are written anew, or there are
// more.
func (f Facts) copied(p *plan.Plan, made Facts) {
	id := step.Copy.ID()
	if !made.Done(id) {
		return
	}
	now := Of[step.CopyFacts](made, id)
	if p.Kind() == plan.AddMedium {
		before := Of[step.CopyFacts](f, id)
		media := map[string]string{}
		maps.Copy(media, now.Media)
		maps.Copy(media, before.Media)
		now = step.CopyFacts{Copies: before.Copies + now.Copies, Media: media}
	}
	f.steps[id] = &now
}

// rewrap notes the files of keys that were wrapped under a new DKEK.
func (f Facts) rewrap(p *plan.Plan, made Facts) {
	share := Of[step.ShareFacts](made, step.Share.ID())
	for key, sum := range share.Wrapped {
		id := step.Backup.ID(key)
		if p.FindKey(key) != nil {
			f.steps[id] = &step.BackupFacts{Wrapped: sum, KCV: share.KCV, Reference: Of[step.BackupFacts](f, id).Reference}
		}
	}
}

// disagreements are where the facts of a plan that goes on from a state do not fit it.
func (s State) disagreements(p *plan.Plan, made Facts) []error {
	ofDevices := s.ofDevices
	if p.Kind() == plan.ReplaceDevice {
		ofDevices = s.ofReplaced
	}
	return append(s.ofShare(p.Kind(), made), ofDevices(p, made)...)
}

// ofShare wants a new set of sheets, and of the rest that to be new which the kind of a
// change makes anew.
func (s State) ofShare(kind plan.Kind, made Facts) (problems []error) {
	id := step.Share.ID()
	if !made.Done(id) {
		return nil
	}
	share, before := Of[step.ShareFacts](made, id), Of[step.ShareFacts](s.Facts, id)
	differ := func(fact, got, want string, shall bool) {
		if (got != want) != shall {
			problems = append(problems, notAsBefore(id, fact, got, want))
		}
	}
	differ("set", share.Set, before.Set, true)
	differ("key check value", share.KCV, before.KCV, kind == plan.Rekey)
	differ("share file sha256", string(share.ShareFile), string(before.ShareFile), kind != plan.NewSheets)
	if (len(share.Wrapped) > 0) != (kind == plan.Rekey) {
		problems = append(problems, fmt.Errorf("step %s, fact %q: keys are wrapped anew where there is a new DKEK, and nowhere else", id, "wrapped key sha256 "))
	}
	return problems
}

// ofReplaced wants another device in the place of the one that the plan names.
func (s State) ofReplaced(p *plan.Plan, made Facts) []error {
	id := step.Prepare.ID(p.Change.Device)
	got, was := Of[step.PrepareFacts](made, id).Serial, Of[step.PrepareFacts](s.Facts, id).Serial
	if got != was && (p.Change.Replaces == "" || p.Change.Replaces == was) {
		return nil
	}
	return []error{fmt.Errorf("step %s, fact %q: it is %s, and the device that is replaced was %s", id, "device serial", orNothing(got), orNothing(was))}
}

// ofDevices wants each device to be the one that it was.
func (s State) ofDevices(p *plan.Plan, made Facts) (problems []error) {
	for _, d := range p.Devices {
		was := Of[step.PrepareFacts](s.Facts, step.Prepare.ID(d.Name)).Serial
		for _, id := range []string{step.Prepare.ID(d.Name), step.ChangePIN.ID(d.Name)} {
			var got string
			switch facts := made.steps[id].(type) {
			case *step.PrepareFacts:
				got = facts.Serial
			case *step.ChangePINFacts:
				got = facts.Serial
			default:
				continue
			}
			if got != was {
				problems = append(problems, notAsBefore(id, "device serial", got, was))
			}
		}
	}
	return problems
}

func notAsBefore(id, fact, got, was string) error {
	return fmt.Errorf("step %s, fact %q: it is %s, and was %s before", id, fact, orNothing(got), orNothing(was))
}

// Kind, Name and Time are those of a link.
func (o *Origin) Kind() plan.Kind { return o.plan.Kind() }

// Name is that of the ceremony, drill or change.
func (o *Origin) Name() string { return o.plan.Ceremony }

// Time is when it was closed.
func (o *Origin) Time() time.Time { return o.end }

// Plan is that of the link.
func (o *Origin) Plan() *plan.Plan { return o.plan }
