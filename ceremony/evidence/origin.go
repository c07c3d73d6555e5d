package evidence

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// OriginDir is where a drill keeps the transcript of its ceremony, and LastDir
// where it keeps that of the drill before.
const (
	OriginDir = "ceremony"
	LastDir   = "last-drill"
)

// Origin is what the transcript of a ceremony, or of a drill, says to the drills
// after it.
type Origin struct {
	Closing string // SHA-256 of the checkpoint, in lower-case hexadecimal
	Facts   Facts
	Files   map[string][]byte
	plan    *plan.Plan
	done    []string // steps
	closed  bool
}

// originFiles are the files of a bundle that a drill keeps.
func originFiles() []string { return []string{PlanFile, TranscriptFile, KeyFile, HeadFile} }

// ReadOrigin reads and verifies the transcript of a bundle in a folder.
func ReadOrigin(folder string) (o *Origin, err error) {
	return o, inFolder(folder, func(fsys fs.FS) error {
		b, err := look(fsys)
		if err == nil {
			o, err = b.origin(".")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		return nil
	})
}

// origin reads the transcript in a folder of a bundle.
func (b *bundle) origin(dir string) (*Origin, error) {
	o := &Origin{Files: map[string][]byte{}}
	for _, name := range originFiles() {
		content, err := b.read(path.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(dir, name), err)
		}
		o.Files[name] = content
	}
	if err := o.verify(); err != nil {
		return nil, fmt.Errorf("the transcript in %s: %w", dir, err)
	}
	return o, nil
}

func (o *Origin) verify() (err error) {
	t, err := transcript.Verify(o.Files[TranscriptFile], string(o.Files[KeyFile]))
	if err == nil {
		err = checkLastHead(t, o.Files[HeadFile])
	}
	if err == nil && t.Entries[0].Facts["plan sha256"] != hashOf(o.Files[PlanFile]) {
		err = errors.New("it is not of that plan")
	}
	if err == nil {
		o.plan, err = plan.Parse(o.Files[PlanFile])
	}
	if err == nil {
		err = o.plan.Check()
	}
	if err != nil {
		return err
	}
	o.Closing, o.done = hashOf(o.Files[HeadFile]), doneSteps(t.Entries)
	o.closed = t.Entries[len(t.Entries)-1].Kind == transcript.Closed
	o.Facts, err = ReadFacts(o.plan, t.Entries)
	return err
}

// Bags are the bags that were sealed; none where there was no custody.
func (o *Origin) Bags() (bags []plan.Bag) {
	if o.plan.Custody == nil {
		return nil
	}
	numbers := Of[step.SealFacts](o.Facts, step.Seal.ID()).Bags
	for _, thing := range o.plan.Bags() {
		bags = append(bags, plan.Bag{Thing: thing, Number: numbers[thing]})
	}
	return bags
}

// complete wants every step of its plan to be done, and the close.
func (o *Origin) complete() error {
	if !o.closed || !slices.Equal(o.done, plannedSteps(o.plan)) {
		return errors.New("it was not brought to its end")
	}
	return nil
}

// leadsTo says whether the plan of a drill, which was read from content, is the
// one that this ceremony's leads to: a drill leaves nothing out.
func (o *Origin) leadsTo(drill *plan.Plan, content []byte) bool {
	want, err := o.plan.DrillOf(*drill.Drill, drill.Start).Bytes()
	return err == nil && bytes.Equal(want, content)
}

// drillCheck checks what a drill has found.
type drillCheck struct{ *verifier }

// run checks what a drill has found against the transcript of its ceremony.
func (v drillCheck) run() {
	file := path.Join(OriginDir, TranscriptFile)
	origin, err := v.bundle.origin(OriginDir)
	if err == nil {
		err = origin.complete()
	}
	if err != nil {
		v.problem(file, "%v", err)
		return
	}
	if !origin.leadsTo(v.plan, v.read(PlanFile)) {
		v.problem(PlanFile, "it is not the plan of a drill of the ceremony in %s", OriginDir)
	}
	v.shown("drill: of the ceremony whose closing is %s; compare it with the paper", origin.Closing)
	v.equal(path.Join(OriginDir, HeadFile), "the closing of the ceremony", origin.Closing, v.plan.Drill.Closing)
	v.record(origin.plan.Ceremony, origin.Facts)
	v.inspected(origin)
	opened := Of[step.OpenBackupFacts](v.facts, step.OpenBackup.ID())
	v.restored(step.OpenBackup.ID(), opened.KCV, opened.Restored, opened.Wrapped, origin.Facts)
	if v.facts.Schema >= 2 {
		v.given(step.OpenBackup.ID(), opened.Custodians)
	}
	for _, device := range v.plan.Kept() {
		v.compared(device, origin)
	}
	v.bags(origin)
	v.sheets()
}

// inspected compares the files of the backup with those that were made.
func (v drillCheck) inspected(origin *Origin) {
	id, share := step.Inspect.ID(), step.Share.ID()
	facts := Of[step.InspectFacts](v.facts, id)
	v.same(id, "share file sha256", string(facts.ShareFile), share, "share file sha256", string(Of[step.ShareFacts](origin.Facts, share).ShareFile))
	v.wrapped(id, facts.Wrapped, origin.Facts)
}

// compared compares a device with what it was.
func (v drillCheck) compared(device string, origin *Origin) {
	id, prepare := step.Compare.ID(device), step.Prepare.ID(device)
	found := Of[step.CompareFacts](v.facts, id)
	v.same(id, "device serial", found.Serial, prepare, "device serial", Of[step.PrepareFacts](origin.Facts, prepare).Serial)
	if found.KCV == step.NotShown {
		v.unproved("device %s: that its DKEK is the one of the ceremony; it does not show its key check value without a PIN", device)
		return
	}
	v.kcv(id, found.KCV, origin.Facts)
}

// sheets wants an exception for each sheet that is not good, and for no other.
func (v drillCheck) sheets() {
	good := 0
	for i, name := range v.plan.People.Custodians {
		id := step.LoneSheet.ID(strconv.Itoa(i + 1))
		switch found := Of[step.LoneSheetFacts](v.facts, id).Sheet; found {
		case step.SheetGood:
			good++
			for _, other := range []string{step.SheetBad, step.SheetAbsent} {
				text := step.SheetIs(plan.Sheet(name), other)
				if slices.ContainsFunc(v.last(id, transcript.Exception), func(e transcript.Entry) bool { return e.Text == text && e.By == "" }) { // no one's own words
					v.problem(TranscriptFile, "step %s, fact %q: it is %s, and an exception says that it is %s", id, "sheet", found, other)
				}
			}
		case step.SheetBad, step.SheetAbsent:
			if !v.excepted(id, step.SheetIs(plan.Sheet(name), found)) {
				v.problem(TranscriptFile, "step %s, fact %q: it is %s, and no exception says so", id, "sheet", found)
			}
		default:
			v.problem(TranscriptFile, "step %s, fact %q: it is %s; %s, %s or %s was expected", id, "sheet", orNothing(found), step.SheetGood, step.SheetBad, step.SheetAbsent)
		}
	}
	v.shown("drill: %d of %d sheets are good, the backup opens, the devices are as they were", good, len(v.plan.People.Custodians))
}

// CheckLast wants an origin to be a drill of the ceremony, brought to its end.
func (o *Origin) CheckLast(ceremony *Origin) error {
	if o.plan.Drill == nil || o.plan.Drill.Closing != ceremony.Closing {
		return errors.New("it is not the evidence of a drill of this ceremony")
	}
	if !ceremony.leadsTo(o.plan, o.Files[PlanFile]) {
		return errors.New("its plan is not that of a drill of this ceremony")
	}
	return o.complete()
}

// expectedBags are those that the ceremony sealed, or the drill before.
func (v drillCheck) expectedBags(origin *Origin) []plan.Bag {
	if v.plan.Drill.Last == "" {
		return origin.Bags()
	}
	last, err := v.bundle.origin(LastDir)
	if err == nil {
		err = last.CheckLast(origin)
	}
	if err != nil {
		v.problem(path.Join(LastDir, TranscriptFile), "%v", err)
		return nil
	}
	v.equal(path.Join(LastDir, HeadFile), "the closing of the drill before", last.Closing, v.plan.Drill.Last)
	v.shown("bags: as they were sealed in the drill whose closing is %s; compare it with its paper", last.Closing)
	return last.Bags()
}

// bags checks what the drill says of the bags, and shows which were not as they
// had been.
func (v drillCheck) bags(origin *Origin) {
	if expected := v.expectedBags(origin); !slices.Equal(v.plan.Drill.Bags, expected) {
		v.problem(PlanFile, "the bags are %v, and %v were sealed before", v.plan.Drill.Bags, expected)
	}
	whole, numbered, found := 0, 0, map[string]string{}
	var changed, absent []string
	for _, bag := range v.plan.Drill.Bags {
		found[bag.Thing] = v.found(bag)
		if bag.Number != plan.NoBag {
			numbered++
		}
		switch found[bag.Thing] {
		case "":
			absent = append(absent, bag.Thing)
		case step.BagChanged:
			changed = append(changed, bag.Thing)
		case bag.Number:
			whole++
		}
	}
	v.sealed(found)
	text := fmt.Sprintf("bags: %d of %d were closed, and had their numbers", whole, numbered)
	if len(changed) > 0 {
		text += "; NOT AS THEY WERE: " + strings.Join(changed, ", ")
	}
	if len(absent) > 0 {
		text += "; not seen: " + strings.Join(absent, ", ")
	}
	v.shown("%s", text)
}

// found is how the bag of a thing was: its number, BagChanged, or empty where the
// thing was not here and its bag is said to be closed. The drill must say so.
func (v drillCheck) found(bag plan.Bag) string {
	id, fact := v.bagSteps[bag.Thing], "bag: "+bag.Thing
	bags, absent := v.bagFacts(id)
	for _, thing := range slices.Sorted(maps.Keys(bags)) {
		if thing != bag.Thing {
			v.problem(TranscriptFile, "step %s, fact %q: the step is about %s", id, "bag: "+thing, bag.Thing)
		}
	}
	said, noted := bags[bag.Thing], v.noted(id, bag.Thing)
	switch {
	case said != noted:
		v.problem(TranscriptFile, "step %s, fact %q: it is %s, and was noted as %s", id, fact, orNothing(said), orNothing(noted))
	case bag.Number == plan.NoBag && said == "":
		return "in no bag"
	case bag.Number == plan.NoBag:
		v.problem(TranscriptFile, "step %s, fact %q: it is %s, and it was put into no bag", id, fact, said)
	case said == "" && !absent:
		v.problem(TranscriptFile, "step %s, the fact %q is missing", id, fact)
	case said == "" && v.noted(step.Seal.ID(), bag.Thing) == step.BagChanged:
		return step.BagChanged
	case said == "":
		v.agrees(TranscriptFile, step.Seal.ID(), fact, Of[step.SealFacts](v.facts, step.Seal.ID()).Bags[bag.Thing], bag.Number)
	case said != bag.Number && said != step.BagChanged:
		v.problem(TranscriptFile, "step %s, fact %q: it is %s; %s, or %q, was expected", id, fact, said, bag.Number, step.BagChanged)
	}
	return said
}

// bagFacts are what a step says of bags, and whether the sheet that it is about
// was not here.
func (v drillCheck) bagFacts(id string) (bags map[string]string, absent bool) {
	switch v.actions[id] {
	case step.Inspect:
		return Of[step.InspectFacts](v.facts, id).Bag, false
	case step.Compare:
		return Of[step.CompareFacts](v.facts, id).Bag, false
	}
	facts := Of[step.LoneSheetFacts](v.facts, id)
	return facts.Bag, facts.Sheet == step.SheetAbsent
}

// noted is what notes and exceptions of a step say of the bag of a thing, the
// last of them.
func (v drillCheck) noted(id, thing string) (number string) {
	for _, e := range v.said[id].all {
		var bags map[string]string
		switch e.Kind {
		case transcript.Note:
			bags = read[step.NoteFacts](v.verifier, e).Bag
		case transcript.Exception:
			bags = read[step.ExceptionFacts](v.verifier, e).Bag
		}
		number = cmp.Or(bags[thing], number)
	}
	return number
}

// sealed wants each bag to have a number that no other has or had, unless it was
// not opened. Found is how each was.
func (v drillCheck) sealed(found map[string]string) {
	id := step.Seal.ID()
	bags, seen := Of[step.SealFacts](v.facts, id).Bags, map[string]string{}
	for _, bag := range v.plan.Drill.Bags {
		seen[plan.FoldBag(bag.Number)] = bag.Thing
	}
	for _, bag := range v.plan.Drill.Bags {
		number := bags[bag.Thing]
		if number == plan.NoBag || number == bag.Number && found[bag.Thing] == "" {
			continue
		}
		if other, twice := seen[plan.FoldBag(number)]; twice {
			v.problem(TranscriptFile, "step %s, fact %q: it is %s, which is or was the number of the bag of %s", id, "bag: "+bag.Thing, number, other)
		}
		seen[plan.FoldBag(number)] = bag.Thing
	}
}
