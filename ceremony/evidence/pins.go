package evidence

import (
	"cmp"
	"maps"
	"slices"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// pinCheck checks how PINs are kept.
type pinCheck struct{ *verifier }

// pins compares what is said of the PINs of a device with the plan.
func (v pinCheck) pins(id, device string, facts step.PrepareFacts) {
	if planned := v.plan.FindDevice(device); v.facts.Schema < 3 {
		if planned.UserPIN != nil || planned.SOPIN != nil {
			v.unproved("step %s: how the PINs of the device %s are kept (evidence of an earlier version)", id, device)
		}
		return
	}
	if v.plan.Kind() == plan.Rekey && slices.Contains(v.plan.SealedPINs(), device) { // its SO-PIN was opened
		custodyCheck(v).given(id, "custodians", v.custodiansNoted(id), custodyCheck(v).quorum())
	}
	kept, typedBy := v.plan.PINFacts(device)
	v.asPlanned(id, "pin kept: ", facts.PINs, kept)
	v.asPlanned(id, "pin typed by: ", facts.TypedBy, typedBy)
	for _, pin := range slices.Sorted(maps.Keys(kept)) {
		v.shown("device %s: its %s is kept as %q, and was typed by %s", device, pin, facts.PINs[pin], facts.TypedBy[pin])
	}
}

// sealedPIN checks that an SO-PIN was sealed under the DKEK, by custodians, before the
// device was given it. The file is in the backup, and not in the evidence.
func (v pinCheck) sealedPIN(id, device string) {
	if v.facts.Schema < 3 {
		return
	}
	facts := Of[step.SealPINFacts](v.facts, id)
	custodyCheck(v).kcv(id, facts.KCV, v.inForce)
	custodyCheck(v).given(id, "custodians", facts.Custodians, custodyCheck(v).quorum())
	var noted step.Sum
	for _, e := range v.said[id].all {
		if e.Kind == transcript.Note {
			noted = cmp.Or(read[step.NoteFacts](v.verifier, e).Sealed, noted)
		}
	}
	v.agrees(TranscriptFile, id, "sealed so pin sha256", string(facts.Sealed), string(noted))
	v.shown("device %s: its SO-PIN is sealed in the backup, SHA-256 %s", device, facts.Sealed)
}

// inspectedPINs compares the sealed SO-PINs with those that were made.
func (v pinCheck) inspectedPINs(id string, sealed map[string]step.Sum, made Facts) {
	const fact = "sealed so pin sha256"
	for _, device := range v.plan.SealedPINs() {
		seal := step.SealPIN.ID(device)
		v.same(id, fact+" "+device, string(sealed[device]), seal, fact, string(Of[step.SealPINFacts](made, seal).Sealed))
	}
	family(v.verifier, id, fact+" ", sealed, v.plan.SealedPINs())
}

// asPlanned wants a family of facts to be what the plan says.
func (v pinCheck) asPlanned(id, fact string, got, want map[string]string) {
	names := slices.Sorted(maps.Keys(want))
	family(v.verifier, id, fact, got, names)
	for _, name := range names {
		v.agrees(TranscriptFile, id, fact+name, got[name], want[name])
	}
}
