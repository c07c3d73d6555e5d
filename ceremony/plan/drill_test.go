package plan_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// TestDrillPlan: a drill looks for every bag, by a number of its own, and knows
// nothing else about it.
func TestDrillPlan(t *testing.T) {
	p := parse(t, example(t))
	p.People.Custodians[0] = "Zoë Müller" // as people are named
	closing := strings.Repeat("ab", 32)
	var bags []plan.Bag
	for i, thing := range p.Bags() {
		bags = append(bags, plan.Bag{Thing: thing, Number: fmt.Sprintf("B%03d", i+1)})
	}
	good := plan.Sequel{Closing: closing, Bags: bags}
	with := func(i int, bag plan.Bag) plan.Sequel {
		d := good
		d.Bags = slices.Clone(bags)
		d.Bags[i] = bag
		return d
	}
	for want, drill := range map[string]plan.Sequel{
		"":                                    good,
		"drill.bags[3].number: it is missing": with(3, plan.Bag{Thing: "the sheet of Zoë Müller"}),
		"drill.bags[1].number: b 001 is the number of the bag of the device primary too":                        with(1, plan.Bag{Thing: "the device standby", Number: "b 001"}),
		"drill.bags: they are for the device primary, the device standby, the backup media, the sheet of Dora,": with(3, plan.Bag{Thing: "the sheet of Dora", Number: "B009"}),
		`drill.last: "the last one"; a SHA-256 in hexadecimal was expected`:                                     {Closing: closing, Last: "the last one", Bags: bags},
		`drill.closing: ""; a SHA-256 in hexadecimal was expected`:                                              {Bags: bags},
	} {
		err := p.DrillOf(drill, time.Now()).Check()
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v; %q was expected", err, want)
		}
	}
	drill := p.DrillOf(with(2, plan.Bag{Thing: plan.Media, Number: plan.NoBag}), time.Now())
	if err := drill.Check(); err != nil {
		t.Error(err)
	}
	written, err := drill.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if again := parse(t, written); again.Drill.Number("the sheet of Zoë Müller") != "B004" {
		t.Errorf("written and read the bags are %v", again.Drill.Bags)
	}
	content, err := os.ReadFile("../../examples/yearly-crl/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := parse(t, content).DrillOf(good, time.Now()).Check(); err == nil || !strings.Contains(err.Error(), "drill: it goes on from earlier custody, and this ceremony has none") {
		t.Errorf("a drill without custody: %v", err)
	}
}

// TestWordsOfADrill: its steps speak of a drill, and of bags that stay closed as such; those
// of a ceremony do not.
func TestWordsOfADrill(t *testing.T) {
	p := parse(t, example(t))
	words := func(p *plan.Plan) string {
		var all strings.Builder
		for _, s := range p.Steps() {
			fmt.Fprintln(&all, s.Title, s.Do, s.Expect)
		}
		return all.String()
	}
	ceremony, drill := words(p), words(p.DrillOf(plan.Sequel{}, time.Now()))
	for _, want := range []string{"Open the ceremony", "Close the ceremony", "[Put into a bag, and type its number: the device primary."} {
		if !strings.Contains(ceremony, want) || strings.Contains(drill, want) {
			t.Errorf("%q is not in the steps of a ceremony, or in those of a drill", want)
		}
	}
	for _, want := range []string{"Open the drill", "Close the drill", "[Put into a new bag, unless the old one stayed closed: the device primary."} {
		if !strings.Contains(drill, want) || strings.Contains(ceremony, want) {
			t.Errorf("%q is not in the steps of a drill, or in those of a ceremony", want)
		}
	}
	if strings.Contains(drill, "the ceremony recorded") {
		t.Error("what is in force may come from a change")
	}
}

// TestOldSheetsAreKept: no one is told to destroy what brings the keys back before what
// takes its place was proved, and copied.
func TestOldSheetsAreKept(t *testing.T) {
	for _, kind := range plan.Kinds() {
		p := parse(t, example(t))
		p = p.ChangeOf(plan.Change{Kind: kind, Device: p.Custody.Device}, p.Start)
		copied, told := false, false
		for _, s := range p.Steps() {
			copied = copied || s.Action == step.Copy
			for _, do := range s.Do {
				destroys := strings.Contains(do, "estroy") && s.Action != step.Retire
				if destroys && !(copied && s.Action == step.Seal) {
					t.Errorf("%s, step %s: %s", kind, s.ID, do)
				}
				told = told || destroys
			}
		}
		if told != p.RewritesBackup() {
			t.Errorf("%s: what was before is destroyed: %t", kind, told)
		}
	}
}
