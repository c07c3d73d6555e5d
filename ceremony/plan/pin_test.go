package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony/plan"
	"conclave/wire"
)

// TestPINs: who types a PIN, and how it is kept, is judged with its field.
func TestPINs(t *testing.T) {
	primary, standby := func(user, so *plan.PIN) func(*plan.Plan) {
		return func(p *plan.Plan) { p.Devices[0].UserPIN, p.Devices[0].SOPIN = user, so }
	}, func(user, so *plan.PIN) func(*plan.Plan) {
		return func(p *plan.Plan) {
			p.Devices[1].UserPIN, p.Devices[1].SOPIN = user, so
			p.Custody.EraseStandby = true
		}
	}
	split := &plan.PIN{Kept: plan.InHalves, By: "Wim Witness", With: "Cem"}
	for name, test := range map[string]struct {
		change func(*plan.Plan)
		want   string // empty for a good plan
	}{
		"as before":                {primary(nil, nil), ""},
		"a keeper":                 {primary(&plan.PIN{Kept: plan.ByKeeper, By: "Cora"}, &plan.PIN{Kept: plan.ByKeeper}), ""},
		"a sheet":                  {primary(&plan.PIN{Kept: plan.OnSheet}, &plan.PIN{Kept: plan.OnSheet, By: "Wim Witness"}), ""},
		"halves":                   {primary(split, split), ""},
		"the quorum":               {primary(nil, &plan.PIN{Kept: plan.ByQuorum}), ""},
		"no way":                   {primary(&plan.PIN{By: "Cora"}, nil), `devices[0].userPIN.kept: ""; "keeper", "sheet", "split" or "quorum" was expected`},
		"another way":              {primary(nil, &plan.PIN{Kept: "safe"}), `devices[0].soPIN.kept: "safe"; "keeper", "sheet", "split" or "quorum" was expected`},
		"the user PIN sealed":      {primary(&plan.PIN{Kept: plan.ByQuorum}, nil), `devices[0].userPIN.kept: "quorum" is for the SO-PIN`},
		"a stranger":               {primary(&plan.PIN{Kept: plan.OnSheet, By: "Eve"}, nil), `devices[0].userPIN.by: "Eve" is not one of the plan's people`},
		"half a stranger":          {primary(nil, &plan.PIN{Kept: plan.InHalves, With: "Eve"}), `devices[0].soPIN.with: "Eve" is not one of the plan's people`},
		"one half":                 {primary(&plan.PIN{Kept: plan.InHalves}, nil), "devices[0].userPIN.with: it is missing"},
		"both halves of one":       {primary(&plan.PIN{Kept: plan.InHalves, With: "Ada Admin"}, nil), "devices[0].userPIN.with: Ada Admin types the first half"},
		"a second half of a whole": {primary(&plan.PIN{Kept: plan.OnSheet, With: "Cem"}, nil), `devices[0].userPIN.with: only a PIN that is kept as "split"`},
		"erased, and typed":        {standby(&plan.PIN{Kept: plan.ByKeeper, By: "Cem"}, split), ""},
		"erased, and on a sheet":   {standby(&plan.PIN{Kept: plan.OnSheet}, nil), `devices[1].userPIN.kept: "sheet"; the device is erased in the end`},
		"erased, and sealed":       {standby(nil, &plan.PIN{Kept: plan.ByQuorum}), `devices[1].soPIN.kept: "quorum"; the SO-PIN erases the device in the end`},
		"of no custody": {func(p *plan.Plan) {
			p.Devices = append(p.Devices, plan.Device{Name: "old", Embedded: true, UserPIN: split, SOPIN: &plan.PIN{Kept: plan.ByKeeper}})
		}, "devices[2].soPIN: this ceremony does not initialise the device"},
	} {
		p := parse(t, example(t))
		test.change(p)
		err := p.Check()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %v; %q was expected", name, err, test.want)
		}
		if r, err := p.Rehearsal(); err != nil || (r.Check() == nil) != (test.want == "") {
			t.Errorf("%s: its rehearsal: %v, %v", name, err, r.Check())
		}
	}
}

// TestPINSheets: each sheet with a PIN is a thing of its own, after the others.
func TestPINSheets(t *testing.T) {
	p := parse(t, example(t))
	before := p.Bags()
	p.Devices[0].UserPIN = &plan.PIN{Kept: plan.OnSheet}
	p.Devices[0].SOPIN = &plan.PIN{Kept: plan.ByQuorum}
	p.Devices[1].SOPIN = &plan.PIN{Kept: plan.InHalves, By: "Wim Witness", With: "Cem"}
	p.Devices = append(p.Devices, plan.Device{Name: "old", Embedded: true, UserPIN: &plan.PIN{Kept: plan.OnSheet}})
	want := append(before, "the user PIN of the device primary", "the first half of the SO-PIN of the device standby", "the second half of the SO-PIN of the device standby")
	if got := p.Bags(); !slices.Equal(got, want) {
		t.Errorf("bags for %q; for %q was expected", got, want)
	}
	var writers []string
	for _, sheet := range p.PINSheets() {
		writers = append(writers, sheet.Who)
	}
	if got := strings.Join(writers, ", "); got != "Ada Admin, Wim Witness, Cem" {
		t.Errorf("they are written by %s", got)
	}
	kept, typedBy := p.PINFacts("standby")
	if !maps.Equal(kept, map[string]string{"user PIN": "keeper", "SO-PIN": "split"}) || !maps.Equal(typedBy, map[string]string{"user PIN": "Ada Admin", "SO-PIN": "Wim Witness, Cem"}) {
		t.Errorf("facts: %v, %v", kept, typedBy)
	}
	if kept, _ := p.PINFacts("old"); len(kept) > 0 {
		t.Errorf("facts of a device whose PINs are not set: %v", kept)
	}
	r, err := p.Rehearsal()
	if err != nil {
		t.Fatal(err)
	}
	if typists := r.PINOf("standby", wire.SOPIN).Typists(); !slices.Equal(typists, []string{"PRACTICE Wim Witness", "PRACTICE Cem"}) || p.Devices[1].SOPIN.By != "Wim Witness" {
		t.Errorf("in a rehearsal the SO-PIN is typed by %q", typists)
	}
}
