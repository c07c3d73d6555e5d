package ceremony_test

import (
	"context"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/dkek/dkektest"
)

// bereft are players who have lost things, and go on without them.
type bereft struct {
	ceremony.Room
	lost []string
}

func (b *bereft) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	if q.Wants == ceremony.EnterOr {
		return "unshown", nil
	}
	for _, thing := range b.lost {
		if q.Wants == ceremony.YesNo && strings.Contains(q.Text, thing) {
			return "no", nil
		}
	}
	return b.Room.Answer(ctx, q)
}

// TestMuchIsLost: an emergency, and a drill, can be closed where a device, a sheet and a
// medium are lost, and say so; changes then make up for all of it.
func TestMuchIsLost(t *testing.T) {
	for _, kind := range []plan.Kind{plan.Emergency, plan.Checking} {
		t.Run(string(kind), func(t *testing.T) {
			first, room := onTwoMedia(t)
			y := first.elsewhere(t)
			s := y.any(t, kind)
			if err := y.Devices.(home).Delete("primary"); err != nil {
				t.Fatal(err)
			}
			s.Room = &bereft{&drives{y.players, room.computer, room.written, nil}, []string{"the device primary", "Cora here", "medium 2"}}
			if err := s.Run(dkektest.Practising(t.Context())); err != nil {
				t.Fatal(err)
			}
			wantShown(t, s.verified(t), string(kind)+": 3 of 4 sheets are good\n", "NOT AS THEY WERE: the device primary, backup medium 2, ")
			y.newest = s.evidence()
			for _, kind := range []plan.Kind{plan.ReplaceDevice, plan.NewFile} {
				room = &drives{y.players, room.computer, room.written, map[string]string{}}
				y.Room = room
				y.changed(t, kind, nil)
			}
			y.Room = &drives{y.players, room.computer, room.written, nil}
			wantShown(t, y.drilled(t, 1), "drill: 4 of 4 sheets are good, the backup opens, the devices are as they were", "bags: 11 of 11 were closed")
		})
	}
}

// TestEarlierDrillShowsAll: a drill that an earlier release has begun cannot say that
// something was not shown, and is not closed without it.
func TestEarlierDrillShowsAll(t *testing.T) {
	y := newYears(t, nil)
	s := y.prepare(t, 12, func(b *ceremony.Before) *plan.Plan { return b.Drill(y.day) })
	s.begin(t, "Was the bag of the device standby")
	s.writeEarlier(t)
	if err := y.Devices.(home).Delete("standby"); err != nil {
		t.Fatal(err)
	}
	s.Room = &bereft{s.players, nil}
	refusedFor(t, "without a device", s.Run(dkektest.Practising(t.Context())), `there is no device "standby"`)
}
