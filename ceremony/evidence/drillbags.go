package evidence

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// bags checks what the drill says of the bags, and shows which were not as they
// had been.
func (v drillCheck) bags() {
	v.strayBags()
	whole, numbered, found := 0, 0, map[string]string{}
	var changed, absent []string
	for _, bag := range v.plan.Sequel().Bags {
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

// strayBags refuses the bag of a thing that a step is not about.
func (v drillCheck) strayBags() {
	about := map[string][]string{}
	for _, bag := range v.plan.Sequel().Bags {
		about[v.bagSteps[bag.Thing]] = append(about[v.bagSteps[bag.Thing]], bag.Thing)
	}
	for _, id := range slices.Sorted(maps.Keys(about)) {
		bags, _ := v.bagFacts(id, "")
		for _, thing := range slices.Sorted(maps.Keys(bags)) {
			if !slices.Contains(about[id], thing) {
				v.problem(TranscriptFile, "step %s, fact %q: the step is about %s", id, "bag: "+thing, strings.Join(about[id], ", "))
			}
		}
	}
}

// found is how the bag of a thing was: its number, BagChanged, or empty where the
// thing was not here and its bag is said to be closed. The drill must say so.
func (v drillCheck) found(bag plan.Bag) string {
	id, fact := v.bagSteps[bag.Thing], "bag: "+bag.Thing
	bags, absent := v.bagFacts(id, bag.Thing)
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

// bagFacts are what a step says of bags, and whether a thing that it is about was not
// here. One that has not shown what it was to show says nothing beside its notes, nor does
// an earlier schema of the bags of PINs.
func (v drillCheck) bagFacts(id, thing string) (bags map[string]string, absent bool) {
	if v.facts.unshown(id) != "" || v.actions[id] == step.PINs && v.facts.Schema < 3 {
		return v.notedBags(id), true
	}
	media := Of[step.InspectFacts](v.facts, id).Media
	for n, number := range numbers(v.plan.Custody.Media) {
		absent = absent || thing == plan.Medium(n+1) && media[number] == step.SheetAbsent
	}
	return v.facts.bags(id), absent || Of[step.LoneSheetFacts](v.facts, id).Sheet == step.SheetAbsent
}

// noted is what notes and exceptions of a step say of the bag of a thing.
func (v drillCheck) noted(id, thing string) string { return v.notedBags(id)[thing] }

// notedBags are what they say of all bags, the last of them of each.
func (v drillCheck) notedBags(id string) map[string]string {
	noted := map[string]string{}
	for _, e := range v.said[id].all {
		if e.Kind != transcript.Done {
			maps.Copy(noted, v.bagsIn(e))
		}
	}
	return noted
}

// sealed wants each bag to have a number that no other has or had, unless it was
// not opened. Found is how each was.
func (v drillCheck) sealed(found map[string]string) {
	id := step.Seal.ID()
	bags, seen := Of[step.SealFacts](v.facts, id).Bags, map[string]string{}
	for _, bag := range v.plan.Sequel().Bags {
		seen[plan.FoldBag(bag.Number)] = bag.Thing
	}
	for _, bag := range v.plan.Sequel().Bags {
		number := bags[bag.Thing]
		closed := v.actions[v.bagSteps[bag.Thing]] == step.PINs && found[bag.Thing] == bag.Number
		if closed {
			v.agrees(TranscriptFile, id, "bag: "+bag.Thing, number, bag.Number)
		}
		if number == plan.NoBag || number == bag.Number && (closed || found[bag.Thing] == "") {
			continue
		}
		if other, twice := seen[plan.FoldBag(number)]; twice {
			v.problem(TranscriptFile, "step %s, fact %q: it is %s, which is or was the number of the bag of %s", id, "bag: "+bag.Thing, number, other)
		}
		seen[plan.FoldBag(number)] = bag.Thing
	}
}
