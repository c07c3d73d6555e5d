package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"conclave/ceremony/plan"
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
	Drill   *plan.Drill // what its plan says of a drill; nil for a ceremony
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
	if err != nil {
		return nil, fmt.Errorf("the transcript of the ceremony: %w", err)
	}
	o.Closing, o.Drill = hashOf(head), p.Drill
	for _, e := range t.Entries {
		if e.Kind == transcript.Done {
			o.Facts[e.Step] = e.Facts
		}
	}
	return o, nil
}

// Bags are the numbers of the bags that were sealed, by thing.
func (o *Origin) Bags() map[string]string {
	bags := map[string]string{}
	for fact, number := range o.Facts["seal"] {
		if thing, ok := strings.CutPrefix(fact, FactBag); ok {
			bags[thing] = number
		}
	}
	return bags
}

// drillPlan wants the plan that the ceremony's leads to: a drill leaves nothing
// out.
func (v *verifier) drillPlan(origin *Origin) {
	p, err := plan.Parse(origin.Files[PlanFile])
	if err != nil {
		v.problem(path.Join(OriginDir, PlanFile), "%v", err)
		return
	}
	content, err := p.DrillOf(*v.plan.Drill, v.plan.Start).Bytes()
	if err != nil || !bytes.Equal(content, v.read(PlanFile)) {
		v.problem(PlanFile, "it is not the plan of a drill of the ceremony in %s", OriginDir)
	}
}

// drill checks what a drill has found against the transcript of its ceremony.
func (v *verifier) drill() {
	origin, err := ReadOrigin(v.bundle, OriginDir)
	if err != nil {
		v.problem(path.Join(OriginDir, TranscriptFile), "%v", err)
		return
	}
	v.drillPlan(origin)
	v.equal(path.Join(OriginDir, HeadFile), "the closing of the ceremony", origin.Closing, v.plan.Drill.Closing)
	share := origin.Facts["share"]
	v.record(share)
	v.equal(TranscriptFile, "the share file that was looked at", v.facts["inspect"][FactShareFile], share[FactShareFile])
	v.equal(TranscriptFile, "the key check value", v.facts["open-backup"][FactKCV], share[FactKCV])
	for _, k := range v.plan.Keys {
		v.equal(TranscriptFile, "the wrapped key "+k.Name, v.facts["inspect"][FactWrapped+" "+k.Name], origin.Facts["backup-"+k.Name][FactWrapped])
		v.equal(TranscriptFile, "the public key of the restored key "+k.Name, v.facts["open-backup"][FactRestored+k.Name], origin.Facts["key-"+k.Name][FactPublic])
	}
	for _, device := range v.plan.Kept() {
		found := v.facts["compare-"+device]
		v.equal(TranscriptFile, "the serial number of the device "+device, found[FactSerial], origin.Facts["prepare-"+device][FactSerial])
		if found[FactKCV] == NotShown {
			v.shown("device %s: it does not show its key check value without a PIN, so that its DKEK was not compared", device)
			continue
		}
		v.equal(TranscriptFile, "the key check value of the device "+device, found[FactKCV], share[FactKCV])
	}
	v.bags(origin)
	good := 0
	for i := range v.plan.People.Custodians {
		if v.facts[fmt.Sprintf("sheet-%d", i+1)][FactSheet] == SheetGood {
			good++
		}
	}
	v.shown("drill: %d of %d sheets are good, the backup opens, the devices are as they were", good, len(v.plan.People.Custodians))
}

// CheckLast wants an origin to be a drill of the ceremony.
func (o *Origin) CheckLast(ceremony *Origin) error {
	if o.Drill == nil || o.Drill.Closing != ceremony.Closing {
		return errors.New("it is not the evidence of a drill of this ceremony")
	}
	return nil
}

// expectedBags are the numbers that the bags had: those of the ceremony, or of
// the drill before.
func (v *verifier) expectedBags(origin *Origin) map[string]string {
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
	return last.Bags()
}

// bags checks what the drill says of the bags, and shows which were not as they
// had been.
func (v *verifier) bags(origin *Origin) {
	expected := v.expectedBags(origin)
	var changed, without []string
	for _, thing := range v.plan.Bags() {
		number := v.plan.Drill.Bags[thing]
		v.equal(PlanFile, "the number of the bag of "+thing, number, expected[thing])
		switch whole := v.bag(thing, number); {
		case number == plan.NoBag:
			without = append(without, thing)
		case !whole:
			changed = append(changed, thing)
		}
	}
	all := len(v.plan.Bags()) - len(without)
	text := fmt.Sprintf("bags: %d of %d were closed, and had their numbers", all-len(changed), all)
	if len(changed) > 0 {
		text += "; not so, or not here: " + strings.Join(changed, ", ")
	}
	if len(without) > 0 {
		text += "; in no bag: " + strings.Join(without, ", ")
	}
	v.shown("%s", text)
}

// bag says whether the bag of a thing was as it had been. The drill must say how
// it was, unless it was not there, and have closed another one.
func (v *verifier) bag(thing, number string) (whole bool) {
	step, fact := v.plan.BagSteps()[thing], FactBag+thing
	found, sealed := v.facts[step][fact], v.facts["seal"][fact]
	if v.facts[step][FactSheet] == SheetAbsent {
		v.equal(TranscriptFile, "the number of the bag of "+thing+", which was not opened,", sealed, number)
		return false
	}
	if number == plan.NoBag {
		return false
	}
	if sealed == number {
		v.problem(TranscriptFile, "the bag of %s was opened, and has the number %s as before", thing, number)
	}
	if found != number && found != BagChanged {
		v.problem(TranscriptFile, "the step %s does not say how the bag of %s was", step, thing)
	}
	for _, e := range v.report.Exceptions {
		if e.Facts[fact] == BagChanged && found != BagChanged {
			v.problem(TranscriptFile, "the step %s says otherwise of the bag of %s than an exception", step, thing)
		}
	}
	return found == number
}
