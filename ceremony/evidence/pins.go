package evidence

import (
	"maps"
	"slices"

	"conclave/ceremony/step"
)

// pins compares what is said of the PINs of a device with the plan.
func (v *verifier) pins(id, device string, facts step.PrepareFacts) {
	if planned := v.plan.FindDevice(device); v.facts.Schema < 3 {
		if planned.UserPIN != nil || planned.SOPIN != nil {
			v.unproved("step %s: how the PINs of the device %s are kept (evidence of an earlier version)", id, device)
		}
		return
	}
	kept, typedBy := v.plan.PINFacts(device)
	v.asPlanned(id, "pin kept: ", facts.PINs, kept)
	v.asPlanned(id, "pin typed by: ", facts.TypedBy, typedBy)
}

// asPlanned wants a family of facts to be what the plan says.
func (v *verifier) asPlanned(id, fact string, got, want map[string]string) {
	names := slices.Sorted(maps.Keys(want))
	family(v, id, fact, got, names)
	for _, name := range names {
		v.agrees(TranscriptFile, id, fact+name, got[name], want[name])
	}
}
