package evidence

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// changeCheck checks what a change of custody has left.
type changeCheck struct{ *verifier }

// run checks what the steps have not shown: the record of sheets that are as they were,
// and the bags.
func (v changeCheck) run() {
	if !v.facts.Done(step.Share.ID()) {
		custodyCheck(v).record(v.before.Ceremony, v.before.Facts, v.before.Replaced)
	}
	v.bags()
}

// bags wants each thing that was taken out of its bag, or is new, to be in another bag,
// and each bag that no one has opened to be where it was.
func (v changeCheck) bags() {
	id := step.Seal.ID()
	bags, seen := Of[step.SealFacts](v.facts, id).Bags, map[string]string{}
	for _, bag := range v.plan.Change.Bags {
		seen[plan.FoldBag(bag.Number)] = bag.Thing
	}
	opened := v.opened()
	v.takenOut(opened)
	var changed []string
	for _, thing := range v.plan.Bags() {
		was, found := v.plan.Change.Number(thing), opened[thing]
		if found == step.BagChanged {
			changed = append(changed, thing)
		}
		if found == "" && was != "" && !v.plan.Renews(thing) {
			v.agrees(TranscriptFile, id, "bag: "+thing, bags[thing], was)
			continue
		}
		number := plan.FoldBag(bags[thing])
		if other, twice := seen[number]; twice && bags[thing] != plan.NoBag {
			v.problem(TranscriptFile, "step %s, fact %q: it is %s, which is or was the number of the bag of %s", id, "bag: "+thing, bags[thing], other)
		}
		seen[number] = thing
	}
	text := fmt.Sprintf("bags: %d were opened", len(opened))
	if len(changed) > 0 {
		text += "; NOT AS THEY WERE: " + strings.Join(changed, ", ")
	}
	v.shown("%s", text)
}

// takenOut wants each thing that a step takes out of its bag to have been looked at: notes
// say how the bag was, and so do the facts of a step that has such.
func (v changeCheck) takenOut(noted map[string]string) {
	for _, s := range v.planned {
		said := v.facts.bags(s.ID)
		for _, thing := range v.things(s) {
			was, fact := v.plan.Change.Number(thing), "bag: "+thing
			switch {
			case was == "" || was == plan.NoBag:
			case noted[thing] == "" || said != nil && said[thing] == "":
				v.problem(TranscriptFile, "step %s, the fact %q is missing: the bag was opened, and nothing says how it was", s.ID, fact)
			}
		}
	}
}

// things are those that a step takes out of bags.
func (v changeCheck) things(s step.Step) (things []string) {
	switch s.Action {
	case step.Inspect:
		found := Of[step.InspectFacts](v.facts, s.ID).Media
		for n, thing := range v.before.Plan.MediaBags() {
			if found[strconv.Itoa(n+1)] != step.SheetAbsent {
				things = append(things, thing)
			}
		}
	case step.Prepare, step.ChangePIN:
		if !v.plan.Renews(plan.TheDevice(s.Object)) {
			things = v.plan.DeviceBags(s.Object)
		}
	default:
		things = v.sheets(s)
	}
	return things
}

// sheets are those of before that have opened the share file in a step.
func (v changeCheck) sheets(s step.Step) (things []string) {
	numbers, custodians := v.custodiansOf(s)
	for number := range strings.SplitSeq(numbers, ", ") {
		if n, err := strconv.Atoi(number); err == nil && n >= 1 && n <= len(custodians) { // else it is told where custodians are compared
			things = append(things, plan.Sheet(custodians[n-1]))
		}
	}
	return things
}

// custodiansOf are those who have come in a step with sheets of before, by number.
func (v changeCheck) custodiansOf(s step.Step) (numbers string, custodians []string) {
	custodians = v.before.Plan.People.Custodians
	switch {
	case s.Action == step.Share:
		return Of[step.ShareFacts](v.facts, s.ID).Custodians, custodians
	case v.plan.Kind().MakesSheets():
		return "", nil // with new sheets, which were in no bag
	case s.Action == step.Import:
		return Of[step.ImportFacts](v.facts, s.ID).Custodians, custodians
	case s.Action == step.SealPIN:
		return Of[step.SealPINFacts](v.facts, s.ID).Custodians, custodians
	}
	return "", nil
}

// opened says how each bag was that was opened, as notes and exceptions have it. Steps say
// the same of them.
func (v changeCheck) opened() map[string]string {
	opened := map[string]string{}
	for _, e := range v.transcript.Entries {
		for thing, number := range v.bagsIn(e) {
			was := v.plan.Change.Number(thing)
			if number != was && number != step.BagChanged || was == plan.NoBag {
				v.problem(TranscriptFile, "%s, fact %q: it is %s; %s, or %q, was expected", where(e), "bag: "+thing, number, orNothing(was), step.BagChanged)
			}
			if before := opened[thing]; before != "" && before != number {
				v.problem(TranscriptFile, "%s, fact %q: it is %s, and was noted as %s", where(e), "bag: "+thing, number, before)
			}
			if e.Kind != transcript.Done {
				opened[thing] = number
			}
		}
	}
	return opened
}

// bagsIn are the bags that an entry says were opened.
func (v *verifier) bagsIn(e transcript.Entry) map[string]string {
	switch e.Kind {
	case transcript.Note:
		return read[step.NoteFacts](v, e).Bag
	case transcript.Exception:
		return read[step.ExceptionFacts](v, e).Bag
	case transcript.Done:
		return v.facts.bags(e.Step)
	}
	return nil
}

// bags are those that a step has opened.
func (f Facts) bags(id string) map[string]string {
	switch facts := f.steps[id].(type) {
	case *step.LoneSheetFacts:
		return facts.Bag
	case *step.InspectFacts:
		return facts.Bag
	case *step.CompareFacts:
		return facts.Bag
	case *step.ChangePINFacts:
		return facts.Bag
	case *step.PINsFacts:
		return facts.Bag
	}
	return nil
}

// opens says whether a step may have opened the bag of a thing.
func (v *verifier) opens(id, thing string) bool {
	if v.bagSteps != nil {
		return v.bagSteps[thing] == id
	}
	return v.plan.Change != nil && v.plan.Change.Number(thing) != "" && v.actions[id] != step.Seal
}

// notShown wants a step that could not show what it was to show to be one of a drill, or
// of an emergency, and an exception to say so.
func (v *verifier) notShown(s step.Step) {
	why := v.facts.unshown(s.ID)
	if !v.plan.LeavesBackup() {
		v.problem(TranscriptFile, "step %s, fact %q: a plan of the kind %s shows all of it, or is not closed", s.ID, "not shown", v.plan.Kind())
	}
	if !v.excepted(s.ID, step.NotShownBecause(s.Title, why)) {
		v.problem(TranscriptFile, "step %s, fact %q: it was not shown, and no exception says so", s.ID, "not shown")
	}
	v.unproved("%s: %s", s.Title, why)
}

// decided wants a decision to be that of someone who is in the plan, and to say by which
// day the keys must be changed.
func (v *verifier) decided(id string) {
	facts := Of[step.DecideFacts](v.facts, id)
	if !slices.Contains(v.plan.Everyone(), facts.By) {
		v.problem(TranscriptFile, "step %s, fact %q: %q is not in the plan", id, "decided by", facts.By)
	}
	if _, err := time.Parse(time.DateOnly, facts.ChangeBy); err != nil && facts.ChangeBy != step.NoChange {
		v.problem(TranscriptFile, "step %s, fact %q: it is %q; a day or %q was expected", id, "keys changed by", facts.ChangeBy, step.NoChange)
	}
	v.shown("decision: %s, by %s; keys changed by: %s", facts.Left, facts.By, facts.ChangeBy)
}

// chainFiles are the names of the files that a bundle keeps of the evidence before it.
func (b *bundle) chainFiles() map[string]bool {
	files := map[string]bool{}
	for _, dir := range b.linkDirs() {
		for _, name := range originFiles() {
			files[path.Join(dir, name)] = true
		}
	}
	return files
}
