package ceremony_test

import (
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/internal/testrun"
)

// TestEveryFactOfChanges is TestEveryFact for each kind of change, and for an emergency
// and a drill to which a sheet and a medium are not brought.
func TestEveryFactOfChanges(t *testing.T) {
	y, room := onTwoMedia(t)
	kinds := testrun.Draw(t, append(plan.Kinds(), plan.Checking), 3)
	actions := map[step.Action]bool{}
	for _, kind := range kinds {
		y := y.elsewhere(t)
		s := y.any(t, kind)
		media := &drives{y.players, room.computer, room.written, map[string]string{}}
		s.Room = media
		if s.Plan.LeavesBackup() {
			s.Room = &bereft{media, []string{"Cora here", "medium 2"}}
		}
		if kind.MakesSheets() {
			media.Room = &successors{y.players, &ceremony.SimulatedRoom{}, step.Step{}}
		}
		h := held{s.forge(t), s.Plan}
		t.Run(string(kind), func(t *testing.T) { h.everyFact(t, actions) })
		t.Run(string(kind)+"/accepted by the page", h.accepted)
	}
	for _, a := range []step.Action{step.ChangePIN, step.Retire, step.Decide} {
		if !actions[a] && testrun.Exhaustive() {
			t.Errorf("there was no step with the action %s", a)
		}
	}
}
