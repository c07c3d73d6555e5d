package plan_test

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"conclave/ceremony/plan"
)

// TestDrillPlan: a drill looks for every bag, by a number of its own, and nothing
// else is known of it.
func TestDrillPlan(t *testing.T) {
	p := parse(t, example(t))
	closing, bags := strings.Repeat("ab", 32), map[string]string{}
	for i, thing := range p.Bags() {
		bags[thing] = fmt.Sprintf("B%03d", i+1)
	}
	good := plan.Drill{Closing: closing, Bags: bags}
	with := func(thing, number string) plan.Drill {
		d := good
		d.Bags = maps.Clone(bags)
		d.Bags[thing] = number
		return d
	}
	for want, drill := range map[string]plan.Drill{
		"": good,
		"drill.bags: the sheet of Carla: it is missing":                                              with("the sheet of Carla", ""),
		"drill.bags: the device standby: B001 is the number of the bag of the device primary":        with("the device standby", "B001"),
		"drill.bags: 9; 8 were expected: the device primary, the device standby, the backup media, ": with("the sheet of Dora", "B009"),
		`drill.last: "the last one"; a SHA-256 in hexadecimal was expected`:                          {Closing: closing, Last: "the last one", Bags: bags},
		`drill.closing: ""; a SHA-256 in hexadecimal was expected`:                                   {Bags: bags},
	} {
		err := p.DrillOf(drill, time.Now()).Check()
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v; %q was expected", err, want)
		}
	}
	if err := p.DrillOf(with(plan.Media, plan.NoBag), time.Now()).Check(); err != nil {
		t.Error(err)
	}
	content, err := os.ReadFile("../../examples/yearly-crl/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := parse(t, content).DrillOf(good, time.Now()).Check(); err == nil || !strings.Contains(err.Error(), "a drill is of a ceremony that has a custody") {
		t.Errorf("a drill without custody: %v", err)
	}
}
