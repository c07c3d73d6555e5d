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

// OriginDir is where a drill keeps the transcript of its ceremony.
const OriginDir = "ceremony"

// Origin is what the transcript of a ceremony, or of a drill, says to the drills
// after it.
type Origin struct {
	Closing string           // SHA-256 of the checkpoint, in lower-case hexadecimal
	Facts   map[string]Facts // of the steps that are done
	Files   map[string][]byte
}

// ReadOrigin reads and verifies the transcript in a folder of a bundle.
func ReadOrigin(bundle fs.FS, dir string) (*Origin, error) {
	o := &Origin{Facts: map[string]Facts{}, Files: map[string][]byte{}}
	for _, name := range []string{PlanFile, TranscriptFile, KeyFile, HeadFile} {
		content, err := fs.ReadFile(bundle, path.Join(dir, name))
		if err != nil {
			return nil, err
		}
		o.Files[path.Join(OriginDir, name)] = content
	}
	head := o.Files[path.Join(OriginDir, HeadFile)]
	t, err := transcript.Verify(o.Files[path.Join(OriginDir, TranscriptFile)], string(o.Files[path.Join(OriginDir, KeyFile)]))
	if err == nil {
		err = checkLastHead(t, head)
	}
	if err == nil && (len(t.Entries) == 0 || t.Entries[0].Facts[FactPlan] != hashOf(o.Files[path.Join(OriginDir, PlanFile)])) {
		err = errors.New("it is not of that plan")
	}
	if err != nil {
		return nil, fmt.Errorf("the transcript of the ceremony: %w", err)
	}
	o.Closing = hashOf(head)
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
	p, err := plan.Parse(origin.Files[path.Join(OriginDir, PlanFile)])
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
		v.equal(TranscriptFile, "the serial number of the device "+device, v.facts["compare-"+device][FactSerial], origin.Facts["prepare-"+device][FactSerial])
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

// bags says how many things were in the bags that they had been put into. The
// numbers are those of the ceremony, or of a drill since, which is not here.
func (v *verifier) bags(origin *Origin) {
	steps := map[string]string{plan.Media: "inspect"}
	for i, name := range v.plan.People.Custodians {
		steps[plan.Sheet(name)] = fmt.Sprintf("sheet-%d", i+1)
	}
	for _, name := range v.plan.Kept() {
		steps[plan.TheDevice(name)] = "compare-" + name
	}
	whole, all := 0, 0
	for _, thing := range v.plan.Bags() {
		number := v.plan.Drill.Bags[thing]
		if v.plan.Drill.Last == "" {
			v.equal(PlanFile, "the bag of "+thing, number, origin.Facts["seal"][FactBag+thing])
		}
		if number == plan.NoBag {
			continue
		}
		all++
		if v.facts[steps[thing]][FactBag+thing] == number {
			whole++
		}
	}
	v.shown("bags: %d of %d were closed, and had their numbers", whole, all)
	if v.plan.Drill.Last != "" {
		v.shown("the bags' numbers are those of the drill whose closing is %s", v.plan.Drill.Last)
	}
}
