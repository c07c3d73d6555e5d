package evidence

import (
	"slices"
	"strconv"
	"strings"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// mediaCheck checks which media hold the backup.
type mediaCheck struct{ *verifier }

// copies wants a note of each medium that was written, and an exception where they are
// too few, or where two are one.
func (v mediaCheck) copies(id string) {
	facts := Of[step.CopyFacts](v.facts, id)
	if v.facts.Schema >= 2 {
		v.notedMedia(id, facts)
	}
	if v.facts.Schema >= 3 {
		v.differentMedia(id, facts.Media)
	}
	wanted := v.copiesWanted()
	told := slices.ContainsFunc(v.last(id, transcript.Exception), func(e transcript.Entry) bool {
		return strings.HasPrefix(e.Text, step.TooFewCopies(facts.Copies, wanted))
	})
	few := facts.Copies < wanted
	if few && !told && v.facts.Schema < 2 {
		v.unproved("step %s, fact %q: that there are enough copies of the backup (evidence of an earlier version)", id, "copies")
	} else if few != told {
		v.problem(TranscriptFile, "step %s, fact %q: %d copies; %d at least were planned, and an exception where they are fewer", id, "copies", facts.Copies, wanted)
	}
}

// notedMedia compares the media with the notes that were made as each was written.
func (v mediaCheck) notedMedia(id string, facts step.CopyFacts) {
	first := v.mediaBefore()
	media := first
	for _, e := range v.last(id, transcript.Note) {
		note := read[step.NoteFacts](v.verifier, e)
		if note.Medium == media+1 {
			media++
		} else if note.Medium != 0 {
			v.problem(TranscriptFile, "step %s, fact %q: it is %d, and %d was expected", id, "medium", note.Medium, media+1)
			continue
		}
		if number := strconv.Itoa(note.Medium); v.facts.Schema >= 3 && note.Medium != 0 {
			v.same(id, "medium "+number, facts.Media[number], id, "identity", note.Identity)
		}
	}
	if media-first != facts.Copies {
		v.problem(TranscriptFile, "step %s, fact %q: it is %d, and there are %d notes with the fact %q", id, "copies", facts.Copies, media-first, "medium")
	}
	if v.facts.Schema >= 3 {
		family(v.verifier, id, "medium ", facts.Media, numbers(media)[first:])
	}
}

// mediaBefore is how many media there are already, where some are added to them.
func (v mediaCheck) mediaBefore() int {
	if v.plan.Kind() != plan.AddMedium || v.plan.Custody.Media == 0 {
		return 0
	}
	return Of[step.CopyFacts](v.before.Facts, step.Copy.ID()).Copies
}

// copiesWanted is how many copies are made at least.
func (v mediaCheck) copiesWanted() int {
	if v.plan.Kind() != plan.AddMedium {
		return v.plan.Custody.Copies()
	}
	return max(v.plan.Custody.Media-v.mediaBefore(), 1)
}

// numbers are those from 1 on, as facts have them.
func numbers(n int) (all []string) {
	for i := range n {
		all = append(all, strconv.Itoa(i+1))
	}
	return all
}

// differentMedia wants no two media to be one, unless an exception says so, or it is a
// rehearsal. An exception is of a medium that was written.
func (v mediaCheck) differentMedia(id string, media map[string]string) {
	excepted := map[string]bool{}
	for _, e := range v.last(id, transcript.Exception) {
		facts := read[step.ExceptionFacts](v.verifier, e)
		if facts.Medium == 0 && facts.Identity == "" {
			continue
		}
		number := strconv.Itoa(facts.Medium)
		excepted[number] = true
		v.same(id, "identity", facts.Identity, id, "medium "+number, media[number])
	}
	seen := map[string]string{}
	for _, number := range numbers(v.mediaBefore() + len(media))[v.mediaBefore():] {
		identity := media[number]
		switch other := seen[identity]; {
		case identity == step.UnknownMedium:
			v.shown("backup medium %s: the system did not tell which it is", number)
		case other != "" && !excepted[number] && !v.plan.Practice:
			v.problem(TranscriptFile, "step %s, fact %q: it is %s, as medium %s is, and no exception says so", id, "medium "+number, identity, other)
		default:
			v.shown("backup medium %s: %s", number, orNothing(identity))
		}
		seen[identity] = number
	}
}

// unwritten wants media that were not written to be in no bag.
func (v mediaCheck) unwritten(id string, bags map[string]string) {
	for n := Of[step.CopyFacts](v.inForce, step.Copy.ID()).Copies + 1; n <= v.plan.Custody.Media; n++ {
		if thing := plan.Medium(n); bags[thing] != plan.NoBag {
			v.problem(TranscriptFile, "step %s, fact %q: it is %s, and the backup was not copied to it", id, "bag: "+thing, bags[thing])
		}
	}
}

// mediaFound wants each medium to be the one that the ceremony has written, or an
// exception that says what it is.
func (v mediaCheck) mediaFound(id string, found, written map[string]string) {
	all := numbers(min(v.before.Plan.Custody.Media, Of[step.CopyFacts](v.before.Facts, step.Copy.ID()).Copies))
	family(v.verifier, id, "medium ", found, all)
	for n, number := range all {
		thing := plan.Medium(n + 1)
		said := map[string]bool{} // what exceptions say of it
		for _, e := range v.last(id, transcript.Exception) {
			for _, other := range []string{step.SheetBad, step.SheetAbsent, found[number]} {
				if e.By == "" && (e.Text == step.SheetIs(thing, other) || e.Text == step.OtherMedium(thing, other)) {
					said[other] = true
				}
			}
		}
		planned := found[number] == written[number] || found[number] == step.SheetGood
		if !planned && !said[found[number]] || planned && len(said) > 0 || len(said) > 1 {
			v.problem(TranscriptFile, "step %s, fact %q: it is %s, and exceptions do not say that of %s", id, "medium "+number, orNothing(found[number]), thing)
		}
	}
}
