package ceremony_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/dkek/dkektest"
)

// dying is a computer whose power fails when it looks at the clock, which it does
// before it writes anything down. It comes a look further each time, until a step
// is done; then it fails at once again. The clock is earlier after each time.
type dying struct {
	act         ceremony.Ceremony
	looks, life int
	done, cuts  int
}

func (d *dying) now() time.Time {
	if d.looks++; d.looks > d.life {
		panic(errPower)
	}
	return time.Now().Add(time.Duration(-d.cuts) * time.Minute)
}

// run holds the ceremony to its end, or until the power fails.
func (d *dying) run(t *testing.T) (err error) {
	defer func() {
		if cut := recover(); cut == errPower {
			err = errPower
		} else if cut != nil {
			panic(cut)
		}
	}()
	d.looks, d.act.Now = 0, d.now
	return d.act.Run(dkektest.Practising(t.Context()))
}

// hold holds the ceremony to its end, through all power cuts.
func (d *dying) hold(t *testing.T) {
	t.Helper()
	for {
		err := d.run(t)
		if err == nil {
			return
		}
		if !errors.Is(err, errPower) || d.cuts > 1000 {
			t.Fatalf("power cut %d: %v", d.cuts, err)
		}
		text, err := os.ReadFile(filepath.Join(string(d.act.Dir), "evidence", evidence.TranscriptFile))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		d.cuts++
		d.life++
		if done := bytes.Count(text, []byte(`"kind":"done"`)); done > d.done {
			d.done, d.life = done, 0
		}
	}
}

// TestPowerCutsEverywhere lets the power fail before each entry of a ceremony, of
// the one after it and of a drill, when all is done that the entry tells of. Each
// of them can be closed.
func TestPowerCutsEverywhere(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) { p.Retention.Years = 2 })
	everywhere := func(what string, s *stage) {
		d := &dying{act: s.Ceremony}
		d.hold(t)
		s.verified(t)
		if d.cuts < 3*d.done {
			t.Errorf("%s: only %d power cuts", what, d.cuts)
		}
	}
	everywhere("ceremony", s)
	if testing.Short() {
		return
	}
	everywhere("year later", s.yearLater(t))
	d := s.drillStage(t, readOrigin(t, s.evidence()), nil)
	d.Room = &reluctant{SimulatedRoom: s.players, absent: "Cora", opened: plan.Media}
	everywhere("drill", d)
}
