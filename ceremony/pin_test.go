package ceremony_test

import (
	"conclave/ceremony/plan"
	"conclave/ceremony/transcript"
)

// withPINs keeps PINs in every way that there is.
func withPINs(p *plan.Plan) {
	p.Devices[0].UserPIN, p.Devices[0].SOPIN = &plan.PIN{Kept: plan.OnSheet, By: "Wim Witness"}, &plan.PIN{Kept: plan.ByQuorum}
	p.Devices[1].UserPIN, p.Devices[1].SOPIN = &plan.PIN{Kept: plan.InHalves, By: "Cem", With: "Cora"}, &plan.PIN{Kept: plan.ByKeeper, By: "Carla"}
}

// ofPINs are stories in which PINs are not kept as the plan says.
func ofPINs() []contradiction {
	fact := func(id, fact, value string) func(*story) { return func(s *story) { s.facts(id)[fact] = value } }
	return []contradiction{
		{"a PIN that is kept otherwise", fact("prepare-primary", "pin kept: SO-PIN", "keeper"), `step prepare-primary, fact "pin kept: SO-PIN": the transcript has keeper, and quorum was expected`, 0},
		{"a PIN that someone else has typed", fact("prepare-standby", "pin typed by: user PIN", "Cem, Cem"), `step prepare-standby, fact "pin typed by: user PIN": the transcript has Cem, Cem, and Cem, Cora was expected`, 0},
		{"a PIN that no device has", fact("prepare-primary", "pin kept: PUK", "sheet"), `step prepare-primary, fact "pin kept: PUK": nothing in the plan has this name`, 0},
		{"a PIN that the plan keeps otherwise", func(s *story) {
			s.replan(func(p *plan.Plan) { p.Devices[1].SOPIN.By = "Chen" })
		}, `step prepare-standby, fact "pin typed by: SO-PIN": the transcript has Carla, and Chen was expected`, 0},
		{"a PIN that the plan seals, and no one did", func(s *story) {
			s.replan(func(p *plan.Plan) { p.Devices[1].SOPIN.Kept = plan.ByQuorum })
		}, "the steps done are ", 1},
		{"another sealed PIN", fact("seal-pin-primary", "sealed so pin sha256", hashOf(nil)), `step seal-pin-primary, fact "sealed so pin sha256": the transcript has `, 0},
		{"a sealed PIN that no one has noted", func(s *story) { delete(s.last(transcript.Note, "seal-pin-primary").Facts, "sealed so pin sha256") },
			`step seal-pin-primary, fact "sealed so pin sha256": the transcript has `, 0},
		{"a sealed PIN under another DKEK", fact("seal-pin-primary", "key check value", "0000000000000000"), `step seal-pin-primary, fact "key check value": `, 0},
		{"a PIN that others have sealed", fact("seal-pin-primary", "custodians", "1, 2, 4"), `step seal-pin-primary, fact "custodians": the transcript has 1, 2, 4`, 0},
		{"a PIN that is sealed in another step", func(s *story) { s.last(transcript.Note, "copy").Facts["sealed so pin sha256"] = hashOf(nil) },
			`(step copy, note): fact "sealed so pin sha256": this step has no such note`, 0},
		{"a sheet with a PIN in no bag of its own", fact("seal", "bag: the user PIN of the device primary", "PRACTICE-6"), `it is PRACTICE-6, as for the sheet of Cora`, 0},
	}
}

// ofTheBagsOfPINs are stories of a drill in which those bags cannot be as they are said to
// be.
func ofTheBagsOfPINs() []contradiction {
	const user, half = "bag: the user PIN of the device primary", "bag: the second half of the user PIN of the device standby"
	fact := func(id, fact, value string) func(*story) { return func(s *story) { s.facts(id)[fact] = value } }
	return []contradiction{
		{"a bag of a PIN that stays closed, with a new number", fact("seal", user, "PRACTICE-99"), `step seal, fact "bag: the user PIN of the device primary": the transcript has PRACTICE-99`, 0},
		{"a bag of a PIN at which no one has looked", func(s *story) { delete(s.facts("pins"), user) }, `step pins, fact "bag: the user PIN of the device primary": it is nothing, and was noted as PRACTICE-8`, 0},
		{"a bag of a PIN that was opened, and has its number", fact("seal", half, "PRACTICE-10"), "it is PRACTICE-10, which is or was the number of the bag of the second half of the user PIN of the device standby", 0},
		{"a bag of a PIN that is whole after all", fact("pins", half, "PRACTICE-10"), "it is PRACTICE-10, and was noted as not as it was", 1},
		{"another sealed PIN", fact("inspect", "sealed so pin sha256 primary", hashOf(nil)), `step inspect, fact "sealed so pin sha256 primary": `, 0},
		{"a sealed PIN of nothing", fact("inspect", "sealed so pin sha256 standby", hashOf(nil)), `step inspect, fact "sealed so pin sha256 standby": nothing in the plan has this name`, 0},
	}
}
