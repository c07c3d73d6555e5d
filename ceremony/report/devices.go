package report

import (
	"maps"
	"slices"
	"strings"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// devices are those of the plan, as they have shown themselves.
func (r record) devices() section {
	s := section{Title: "Devices", Note: "Serial number, certificates and proof are the device's own. Make, model and certification are what the plan says."}
	for _, d := range r.plan.Devices {
		s.Parts = append(s.Parts, section{Title: "Device " + d.Name, Facts: r.device(d)})
	}
	return s
}

func (r record) device(d plan.Device) []fact {
	prepared := of[step.PrepareFacts](r, step.Prepare.ID(d.Name))
	facts := []fact{
		{Name: "Kind", Text: kindOf(d)},
		{Name: "Make and model", Text: planned(strings.TrimSpace(d.Make + " " + d.Model))},
		{Name: "Certification", Text: planned(d.Certificate)},
		{Name: "Part", Text: r.plan.PurposeOf(d.Name)},
		{Name: "Serial number", Text: r.serialOf(d.Name)},
	}
	if r.Facts.Done(step.Prepare.ID(d.Name)) {
		facts = append(facts, fact{Name: "Firmware", Text: firmware(d, prepared)}, fact{Name: "Certificates", Text: evidence.DeviceFile(d.Name) + ", SHA-256 of the file", Sums: sums(prepared.Certificates)}, proof(d.Name, prepared))
	}
	for _, pin := range slices.Sorted(maps.Keys(prepared.PINs)) {
		facts = append(facts, fact{Name: "Its " + pin, Text: "typed by " + prepared.TypedBy[pin] + "; kept: " + prepared.PINs[pin]})
	}
	if number := of[step.SealFacts](r, step.Seal.ID()).Bags[plan.TheDevice(d.Name)]; number != "" {
		facts = append(facts, fact{Name: "Bag", Text: number})
	}
	return facts
}

func kindOf(d plan.Device) string {
	if d.Embedded {
		return "in software, which no laboratory has certified"
	}
	return "a card or token in a reader"
}

// planned is what the plan alone says of a device.
func planned(text string) string {
	if text == "" {
		return "the plan names none"
	}
	return text
}

// firmware is the version that a device tells, and that of the plan.
func firmware(d plan.Device, prepared step.PrepareFacts) string {
	switch {
	case prepared.Version == "":
		return planned(d.Firmware)
	case d.Firmware == "":
		return "version " + prepared.Version + ", as the device tells"
	}
	return "version " + prepared.Version + ", as the device tells and the plan says"
}

// proof says whether a device has proved that its certificate is its own.
func proof(name string, prepared step.PrepareFacts) fact {
	if prepared.Proof == "" {
		return fact{Name: "Proof", Text: "it was not asked to prove that its certificate is its own"}
	}
	return fact{Name: "Proof", Text: evidence.ProofFile(name) + ": it proved that its certificate is its own. SHA-256 of the file", Sums: sums(prepared.Proof)}
}
