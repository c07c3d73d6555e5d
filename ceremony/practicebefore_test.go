package ceremony_test

import (
	"path/filepath"
	"slices"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/dkek/dkektest"
)

// TestRehearseChanges: each kind of change, and a drill, is rehearsed on practice
// devices, and leaves what there is alone.
func TestRehearseChanges(t *testing.T) {
	y := newYears(t, func(p *plan.Plan) {
		for i := range p.Devices {
			p.Devices[i].SOPIN = &plan.PIN{Kept: plan.ByQuorum}
		}
	})
	for _, kind := range append(plan.Kinds(), plan.Checking) {
		t.Run(string(kind), func(t *testing.T) {
			change := func(b *ceremony.Before) *plan.Plan {
				if kind == plan.Checking {
					return b.Drill(y.day)
				}
				return y.change(b, kind, nil)
			}
			r := y.prepare(t, 0, change)
			real := r.Before
			var err error
			if r.Plan, err = r.Plan.Rehearsal(); err != nil {
				t.Fatal(err)
			}
			h := y.Devices.(home).In(filepath.Join(string(r.Dir), "practice"))
			room := &ceremony.SimulatedRoom{}
			r.Devices, r.Room, r.Before, r.Dir = home{h}, room, nil, ceremony.Folder(filepath.Join(string(r.Dir), "rehearsal"))
			c, err := r.PractiseBefore(dkektest.Practising(t.Context()), real, room, h)
			if err != nil {
				t.Fatal(err)
			}
			if err := (ceremony.Rehearsal{Ceremony: c, Auto: true}).Run(dkektest.Practising(t.Context())); err != nil {
				t.Fatal(err)
			}
			report, err := evidence.VerifyFolder(r.Dir.Evidence(), evidence.Options{})
			if err != nil || !report.Practice || len(report.Exceptions) > 0 {
				t.Errorf("practice: %v, exceptions %v: %v", report.Practice, report.Exceptions, err)
			}
		})
	}
	if list, _ := y.Devices.(home).List(); !slices.Equal(list, []string{"primary", "standby"}) {
		t.Errorf("the devices are now %v", list)
	}
	wantShown(t, y.drilled(t, 12), "drill: 4 of 4 sheets are good")
}
