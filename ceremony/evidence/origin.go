package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
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
	Closing string           // SHA-256 of the checkpoint, in lower-case hexadecimal
	Facts   map[string]Facts // of the steps that are done
	Files   map[string][]byte
	plan    *plan.Plan
	done    []string // steps
	closed  bool
}

// ReadOrigin reads and verifies the transcript in a folder of a bundle.
func ReadOrigin(bundle fs.FS, dir string) (*Origin, error) {
	o := &Origin{Facts: map[string]Facts{}, Files: map[string][]byte{}}
	for _, name := range []string{PlanFile, TranscriptFile, KeyFile, HeadFile} {
		content, err := fs.ReadFile(bundle, path.Join(dir, name))
		if err != nil {
			return nil, err
		}
		o.Files[name] = content
	}
	head := o.Files[HeadFile]
	t, err := transcript.Verify(o.Files[TranscriptFile], string(o.Files[KeyFile]))
	if err == nil {
		err = checkLastHead(t, head)
	}
	if err == nil && (len(t.Entries) == 0 || t.Entries[0].Facts[FactPlan] != hashOf(o.Files[PlanFile])) {
		err = errors.New("it is not of that plan")
	}
	var p *plan.Plan
	if err == nil {
		p, err = plan.Parse(o.Files[PlanFile])
	}
	if err == nil {
		err = p.Check()
	}
	if err != nil {
		return nil, fmt.Errorf("the transcript in %s: %w", dir, err)
	}
	o.Closing, o.plan, o.closed = hashOf(head), p, t.Entries[len(t.Entries)-1].Kind == transcript.Closed
	o.done = doneSteps(t.Entries, o.Facts)
	return o, nil
}

// Bags are the bags that were sealed; none where there was no custody.
func (o *Origin) Bags() (bags []plan.Bag) {
	if o.plan.Custody == nil {
		return nil
	}
	for _, thing := range o.plan.Bags() {
		bags = append(bags, plan.Bag{Thing: thing, Number: o.Facts[step.Seal.ID()][FactBag+thing]})
	}
	return bags
}

// complete wants every step of its plan to be done, and the close.
func (o *Origin) complete() error {
	if !o.closed || !slices.Equal(o.done, planned(o.plan)) {
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

// drill checks what a drill has found against the transcript of its ceremony.
func (v *verifier) drill() {
	origin, err := ReadOrigin(v.bundle, OriginDir)
	if err != nil {
		v.problem(path.Join(OriginDir, TranscriptFile), "%v", err)
		return
	}
	if err := origin.complete(); err != nil {
		v.problem(path.Join(OriginDir, TranscriptFile), "%v", err)
	}
	if !origin.leadsTo(v.plan, v.read(PlanFile)) {
		v.problem(PlanFile, "it is not the plan of a drill of the ceremony in %s", OriginDir)
	}
	v.shown("drill: of the ceremony whose closing is %s; compare it with the paper", origin.Closing)
	v.equal(path.Join(OriginDir, HeadFile), "the closing of the ceremony", origin.Closing, v.plan.Drill.Closing)
	share := origin.Facts[step.Share.ID()]
	v.record(share)
	v.equal(TranscriptFile, "the share file that was looked at", v.facts[step.Inspect.ID()][FactShareFile], share[FactShareFile])
	v.equal(TranscriptFile, "the key check value", v.facts[step.OpenBackup.ID()][FactKCV], share[FactKCV])
	for _, k := range v.plan.Keys {
		v.equal(TranscriptFile, "the wrapped key "+k.Name, v.facts[step.Inspect.ID()][FactWrapped+" "+k.Name], origin.Facts[step.Backup.ID(k.Name)][FactWrapped])
		v.equal(TranscriptFile, "the public key of the restored key "+k.Name, v.facts[step.OpenBackup.ID()][FactRestored+k.Name], origin.Facts[step.Generate.ID(k.Name)][FactPublic])
	}
	for _, device := range v.plan.Kept() {
		found := v.facts[step.Compare.ID(device)]
		v.equal(TranscriptFile, "the serial number of the device "+device, found[FactSerial], origin.Facts[step.Prepare.ID(device)][FactSerial])
		if found[FactKCV] == NotShown {
			v.shown("device %s: it does not show its key check value without a PIN, so that its DKEK was not compared", device)
			continue
		}
		v.equal(TranscriptFile, "the key check value of the device "+device, found[FactKCV], share[FactKCV])
	}
	v.bags(origin)
	good := 0
	for i := range v.plan.People.Custodians {
		if v.facts[step.LoneSheet.ID(strconv.Itoa(i+1))][FactSheet] == SheetGood {
			good++
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
func (v *verifier) expectedBags(origin *Origin) []plan.Bag {
	if v.plan.Drill.Last == "" {
		return origin.Bags()
	}
	last, err := ReadOrigin(v.bundle, LastDir)
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
func (v *verifier) bags(origin *Origin) {
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
		case BagChanged:
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
func (v *verifier) found(bag plan.Bag) string {
	fact, facts := FactBag+bag.Thing, v.facts[v.plan.BagSteps()[bag.Thing]]
	found, sealed := facts[fact], v.facts[step.Seal.ID()][fact]
	for _, e := range v.report.Exceptions {
		if e.Facts[fact] == BagChanged {
			found = BagChanged
		}
	}
	absent := facts[FactSheet] == SheetAbsent
	switch {
	case found == "" && absent:
		v.equal(TranscriptFile, "the number of the bag of "+bag.Thing+", which was not opened,", sealed, bag.Number)
	case bag.Number == plan.NoBag:
		return "in no bag"
	case facts[fact] != bag.Number && facts[fact] != BagChanged && !absent || facts[fact] == bag.Number && found == BagChanged:
		v.problem(TranscriptFile, "the step %s does not say how the bag of %s was", v.plan.BagSteps()[bag.Thing], bag.Thing)
	}
	return found
}

// sealed wants each bag to have a number that no other has or had, unless it was
// not opened. Found is how each was.
func (v *verifier) sealed(found map[string]string) {
	seen := map[string]string{}
	for _, bag := range v.plan.Drill.Bags {
		seen[plan.FoldBag(bag.Number)] = bag.Thing
	}
	for _, bag := range v.plan.Drill.Bags {
		number := v.facts[step.Seal.ID()][FactBag+bag.Thing]
		if number == plan.NoBag || number == bag.Number && found[bag.Thing] == "" {
			continue
		}
		if other, twice := seen[plan.FoldBag(number)]; twice {
			v.problem(TranscriptFile, "the bag of %s has the number %s, which is or was that of the bag of %s", bag.Thing, number, other)
		}
		seen[plan.FoldBag(number)] = bag.Thing
	}
}
