package evidence

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/quorum"
)

// custodyCheck checks sheets, DKEK and backup: what was made of them, and what is done
// with them.
type custodyCheck struct{ *verifier }

// share compares what is said of the sheets with their record.
func (v custodyCheck) share(id string) {
	facts := Of[step.ShareFacts](v.facts, id)
	v.record(v.plan.Ceremony, v.facts, v.replaced())
	v.openedBefore(id, facts)
	v.rewrapped(id, facts.Wrapped)
	if proof := v.plan.Scheme().Proof().String(); facts.Proof == lostProof && v.facts.Schema < 2 {
		v.unproved("step %s, fact %q: how the sheets were proved (evidence of an earlier version)", id, "proof")
	} else {
		v.agrees(TranscriptFile, id, "proof", facts.Proof, proof)
	}
	shown := ""
	for _, e := range v.said[id].all {
		if note := read[step.NoteFacts]; e.Kind == transcript.Note {
			shown = cmp.Or(note(v.verifier, e).Sheets, shown)
		} else if exception := read[step.ExceptionFacts]; e.Kind == transcript.Exception {
			shown = cmp.Or(exception(v.verifier, e).Sheets, shown)
		}
	}
	if shown != step.SheetsShown {
		v.problem(TranscriptFile, "step %s, fact %q: it is %s when the sheets are done, and %s was expected", id, "sheets", orNothing(shown), step.SheetsShown)
	}
}

// rewrapped wants every key to be wrapped anew where there is a new DKEK, and no other, and
// to be what was opened then.
func (v custodyCheck) rewrapped(id string, wrapped map[string]step.Sum) {
	var keys []string
	if v.plan.Kind() == plan.Rekey {
		open := step.OpenBackup.ID()
		for _, k := range v.plan.Keys {
			keys = append(keys, k.Name)
			fact := "wrapped key sha256 " + k.Name
			v.same(id, fact, string(wrapped[k.Name]), open, fact, string(Of[step.OpenBackupFacts](v.facts, open).Wrapped[k.Name]))
		}
	}
	family(v.verifier, id, "wrapped key sha256 ", wrapped, keys)
}

// openedBefore wants the share file of before to have been opened by those who had its
// sheets, where a change makes new ones.
func (v custodyCheck) openedBefore(id string, facts step.ShareFacts) {
	if v.plan.Change != nil {
		v.given(id, "custodians before", facts.Custodians, *v.plan.Change.Before)
	} else if facts.Custodians != "" {
		v.problem(TranscriptFile, "step %s, fact %q: it is %s, and there were no sheets before", id, "custodians before", facts.Custodians)
	}
}

// What earlier releases said of a proof, and of custodians, where the ceremony was
// interrupted.
const (
	lostProof      = "proved before the ceremony was interrupted"
	LostCustodians = "those before the interruption"
)

// replaced are the sets whose share file a new one takes the place of.
func (v custodyCheck) replaced() []string {
	if kind := v.plan.Kind(); kind == plan.NewFile || kind == plan.Rekey {
		return v.before.Sets
	}
	return nil
}

// record compares the record of the sheets with the plan, and with the facts of
// the ceremony in which they were made.
func (v custodyCheck) record(ceremony string, made Facts, replaced []string) {
	r, err := quorum.ParseRecord(v.read(RecordFile))
	if err != nil {
		v.problem(RecordFile, "%v", err)
		return
	}
	id := step.Share.ID()
	facts := Of[step.ShareFacts](made, id)
	v.equal(RecordFile, "the ceremony", r.Ceremony, ceremony)
	v.equal(RecordFile, "the quorum", fmt.Sprintf("%d-of-%d", r.Threshold, r.Total), v.plan.Scheme().String())
	v.equal(RecordFile, "the strength", strconv.Itoa(int(r.Strength)), strconv.Itoa(int(v.plan.Scheme().Strength)))
	v.agrees(RecordFile, id, "set", facts.Set, r.Set)
	v.agrees(RecordFile, id, "key check value", facts.KCV, r.KCV)
	v.agrees(RecordFile, id, "share file sha256", string(facts.ShareFile), r.ShareFile.SHA256)
	if got, want := strings.Join(r.Replaces, ", "), strings.Join(replaced, ", "); got != want {
		v.problem(RecordFile, "it replaces the sets %s, and %s was expected", orNothing(got), orNothing(want))
	}
	for i, name := range v.plan.People.Custodians {
		if i >= len(r.Custodians) {
			break // a problem says that the quorum is another one
		}
		v.equal(RecordFile, fmt.Sprintf("custodian %d", i+1), r.Custodians[i].Name, name)
		if !r.Custodians[i].ReadBack {
			v.problem(RecordFile, "the sheet of %s was not typed back", name)
		}
	}
	v.shown("custody: set %s, %d of %d custodians, key check value %s; %s", r.Set, r.Threshold, r.Total, r.KCV, facts.Proof)
}

// kcv compares a key check value with that of the share file.
func (v custodyCheck) kcv(id, got string, made Facts) {
	v.same(id, "key check value", got, step.Share.ID(), "key check value", Of[step.ShareFacts](made, step.Share.ID()).KCV)
}

func (v custodyCheck) imported(id string) {
	facts := Of[step.ImportFacts](v.facts, id)
	v.kcv(id, facts.KCV, v.inForce)
	v.given(id, "custodians", facts.Custodians, v.quorum())
}

// quorum are the custodians of the plan.
func (v custodyCheck) quorum() plan.Quorum {
	return plan.Quorum{Threshold: v.plan.Custody.Threshold, Custodians: v.plan.People.Custodians}
}

// given checks which custodians have opened the share file: as many as it takes,
// each once, and those who were noted before the DKEK was used.
func (v custodyCheck) given(id, fact, custodians string, quorum plan.Quorum) {
	if v.facts.Schema < 2 && custodians == LostCustodians {
		v.unproved("step %s, fact %q: which custodians have come (evidence of an earlier version)", id, fact)
		return
	}
	seen := map[int]bool{}
	for number := range strings.SplitSeq(custodians, ", ") {
		n, err := strconv.Atoi(number)
		switch {
		case err != nil || n < 1 || n > len(quorum.Custodians) || strconv.Itoa(n) != number:
			v.problem(TranscriptFile, "step %s, fact %q: %q is not the number of a custodian", id, fact, number)
		case seen[n]:
			v.problem(TranscriptFile, "step %s, fact %q: custodian %d has come twice", id, fact, n)
		}
		seen[n] = true
	}
	if len(seen) != quorum.Threshold {
		v.problem(TranscriptFile, "step %s, fact %q: %d custodians; %d were expected", id, fact, len(seen), quorum.Threshold)
	}
	if v.facts.Schema < 2 {
		return
	}
	v.agrees(TranscriptFile, id, fact, custodians, v.custodiansNoted(id))
}

// custodiansNoted are those who have opened the share file in a step, as its last note of
// them says.
func (v *verifier) custodiansNoted(id string) (noted string) {
	for _, e := range v.said[id].all {
		if e.Kind == transcript.Note {
			noted = cmp.Or(read[step.NoteFacts](v, e).Custodians, noted)
		}
	}
	return noted
}

// backup compares what was wrapped with the key that was made. That what was
// wrapped is what was restored is compared there.
func (v custodyCheck) backup(id, key string) {
	facts := Of[step.BackupFacts](v.facts, id)
	v.kcv(id, facts.KCV, v.inForce)
	if v.facts.Schema >= 2 {
		made := step.Generate.ID(key)
		v.same(id, "key reference", strconv.Itoa(facts.Reference), made, "key reference", strconv.Itoa(Of[step.GenerateFacts](v.facts, made).Reference))
	}
}

// restored compares what was restored with what was made and wrapped.
func (v custodyCheck) restored(id, kcv string, restored, wrapped map[string]step.Sum, made Facts) {
	v.kcv(id, kcv, made)
	v.ofKeys(id, "restored: ", restored, step.Generate, "public key sha256", func(id string) step.Sum { return Of[step.GenerateFacts](made, id).Public })
	if v.facts.Schema >= 2 {
		v.wrapped(id, wrapped, made)
	}
}

// wrapped compares the files that keys were read from with those that were
// written.
func (v custodyCheck) wrapped(id string, wrapped map[string]step.Sum, made Facts) {
	v.ofKeys(id, "wrapped key sha256 ", wrapped, step.Backup, "wrapped key sha256", func(id string) step.Sum { return Of[step.BackupFacts](made, id).Wrapped })
}

// ofKeys compares a family of facts, one for each key, with a fact of that key's own step.
func (v custodyCheck) ofKeys(id, prefix string, told map[string]step.Sum, from step.Action, fact string, made func(id string) step.Sum) {
	var keys []string
	for _, k := range v.plan.Keys {
		keys = append(keys, k.Name)
		own := from.ID(k.Name)
		v.same(id, prefix+k.Name, string(told[k.Name]), own, fact, string(made(own)))
	}
	family(v.verifier, id, prefix, told, keys)
}
