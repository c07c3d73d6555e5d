package evidence

import (
	"path"
	"slices"
	"strconv"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

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
