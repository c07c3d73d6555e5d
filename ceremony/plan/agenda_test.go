package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// TestAgenda: each step comes once and in order, each line begins where the one before
// ends, and no one sits for more than two hours unless one step takes longer.
func TestAgenda(t *testing.T) {
	usual := parse(t, example(t))
	crowd := parse(t, example(t))
	for i := range 30 {
		crowd.People.Custodians = append(crowd.People.Custodians, fmt.Sprintf("Custodian %d", i))
	}
	crowd.Start = time.Date(2027, 1, 15, 22, 0, 0, 0, time.FixedZone("", 3600))
	for name, p := range map[string]*plan.Plan{"usual": usual, "crowd": crowd} {
		at, steps, breaks := p.Start, 0, 0
		var sat time.Duration
		for _, item := range p.Agenda() {
			if !item.Begin.Equal(at) || item.Begin.Location() != p.Start.Location() || item.Took <= 0 {
				t.Errorf("%s: a line begins at %v and takes %v; %v was expected", name, item.Begin, item.Took, at)
			}
			at = item.End()
			if item.IsBreak() {
				breaks, sat = breaks+1, 0
				continue
			}
			if item.First != steps+1 || len(item.Titles) != item.Last-steps {
				t.Errorf("%s: steps %d to %d, %q, after step %d", name, item.First, item.Last, item.Titles, steps)
			}
			if steps, sat = item.Last, sat+item.Took; sat > 2*time.Hour && sat > item.Took && steps < len(p.Steps()) {
				t.Errorf("%s: people sit for %v in step %d", name, sat, item.Last)
			}
		}
		if steps != len(p.Steps()) || breaks == 0 {
			t.Errorf("%s: %d steps, %d breaks", name, steps, breaks)
		}
	}
}

// TestCustodiansAreCalled: a custodian is called to what the step says of them, and to
// what everyone is there for.
func TestCustodiansAreCalled(t *testing.T) {
	p := parse(t, example(t))
	p.Devices[0].UserPIN = &plan.PIN{Kept: plan.ByKeeper, By: p.People.Custodians[3]}
	steps := p.Steps()
	for i, name := range p.People.Custodians {
		mine := p.StepsOf(i + 1)
		for j, s := range steps {
			told := strings.Contains(strings.Join(s.Do, "\n"), name) || s.Action == step.Close
			if threshold := s.Action == step.Import; !threshold && told != slices.Contains(mine, j+1) {
				t.Errorf("step %d, %s: %s is called: %v", j+1, s.Title, name, !told)
			}
			if s.Action == step.Import && len(s.Called) != p.Custody.Threshold {
				t.Errorf("step %d: %d custodians are called", j+1, len(s.Called))
			}
		}
	}
}

// TestShortCeremoniesHaveNoBreak has one that makes no key and calls no custodian.
func TestShortCeremoniesHaveNoBreak(t *testing.T) {
	p := parse(t, example(t))
	p.Custody, p.Keys, p.People.Custodians = nil, nil, nil
	p.Certificates = []plan.Certificate{{Name: "root", File: "root.pem", Device: "primary"}}
	for _, item := range p.Agenda() {
		if item.IsBreak() || item.Called != nil {
			t.Errorf("%+v", item)
		}
	}
}
