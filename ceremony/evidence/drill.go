package evidence

import (
	"fmt"
	"path"
	"slices"
	"strconv"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// sequel checks a bundle that goes on from earlier evidence, whose transcripts it has:
// that the chain holds, and that what was made fits what was in force. Where the chain
// does not hold there is nothing to compare with.
func (v *verifier) sequel() bool {
	before, err := v.bundle.before()
	if err == nil && len(before.Links) == 0 {
		err = fmt.Errorf("%s: it is missing, and the plan goes on from earlier evidence", path.Join(OriginDir, TranscriptFile))
	}
	if err != nil {
		v.problem("", "%v", err)
		return false
	}
	if err := before.joins(v.plan, false); err != nil {
		v.problem(PlanFile, "%v", err)
		return false
	}
	for _, err := range before.State.disagreements(v.plan, v.facts) {
		v.problem(TranscriptFile, "%v", err)
	}
	v.before, v.inForce = before.State, before.State.Facts.overlaid(v.plan, v.facts)
	v.report.Chain = before.Links
	v.shown("%s: it goes on from the ceremony whose closing is %s; compare it with the paper", v.plan.Kind(), before.Links[0].Closing)
	for _, link := range before.Links[1:] {
		v.shown("between them: %s, closing %s", link.Name(), link.Closing)
	}
	return true
}

// drillCheck checks what a drill, or an emergency, has found.
type drillCheck struct{ *verifier }

// run checks what a drill has found.
func (v drillCheck) run() {
	custodyCheck(v).record(v.before.Ceremony, v.before.Facts, v.before.Replaced)
	v.bags()
	v.sheets()
}

// inspected compares the files of the backup with those that were made.
func (v custodyCheck) inspected(id string) {
	share := step.Share.ID()
	facts := Of[step.InspectFacts](v.facts, id)
	v.same(id, "share file sha256", string(facts.ShareFile), share, "share file sha256", string(Of[step.ShareFacts](v.before.Facts, share).ShareFile))
	v.wrapped(id, facts.Wrapped, v.before.Facts)
	if v.facts.Schema >= 3 {
		pinCheck(v).inspectedPINs(id, facts.Sealed, v.before.Facts)
		mediaCheck(v).mediaFound(id, facts.Media, Of[step.CopyFacts](v.before.Facts, step.Copy.ID()).Media)
	}
}

// opened compares what the backup gave on a device that was thrown away.
func (v custodyCheck) opened(id string) {
	facts := Of[step.OpenBackupFacts](v.facts, id)
	v.restored(id, facts.KCV, facts.Restored, facts.Wrapped, v.inForce)
	if v.facts.Schema >= 2 {
		v.given(id, "custodians", facts.Custodians, v.quorum())
	}
}

// compared compares a device with what it was.
func (v custodyCheck) compared(id, device string) {
	prepare := step.Prepare.ID(device)
	found := Of[step.CompareFacts](v.facts, id)
	v.same(id, "device serial", found.Serial, prepare, "device serial", Of[step.PrepareFacts](v.before.Facts, prepare).Serial)
	if found.KCV == step.NotShown {
		v.unproved("device %s: that its DKEK is the one of the ceremony; it does not show its key check value without a PIN", device)
		return
	}
	v.kcv(id, found.KCV, v.before.Facts)
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
	v.shown("%s: %d of %d sheets are good%s", v.plan.Kind(), good, len(v.plan.People.Custodians), v.asTheyWere())
}

// asTheyWere says what a drill has found beside the sheets, where all of it was shown.
func (v drillCheck) asTheyWere() string {
	for _, s := range v.planned {
		if v.facts.unshown(s.ID) != "" {
			return ""
		}
	}
	if v.plan.Kind() == plan.Emergency {
		return ", the backup and the devices are as they were"
	}
	return ", the backup opens, the devices are as they were"
}
