package ceremony_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/transcript"
	"conclave/dkek/dkektest"
)

// dying is a computer whose power fails when it looks at the clock, which it does
// before it writes anything down. It comes a look further each time, until a step
// is done; then it fails at once again. The clock is earlier after each time.
type dying struct {
	act         ceremony.Ceremony
	other       ceremony.Program // goes on after each power cut; zero for the same one
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
func (d *dying) run(t *testing.T) error {
	d.looks, d.act.Now = 0, d.now
	return untilPowerFails(t, d.act)
}

// untilPowerFails holds a ceremony until something in it panics with errPower.
func untilPowerFails(t *testing.T, a ceremony.Ceremony) (err error) {
	defer func() {
		if cut := recover(); cut == errPower {
			err = errPower
		} else if cut != nil {
			panic(cut)
		}
	}()
	return a.Run(dkektest.Practising(t.Context()))
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
		if d.other.Version != "" {
			d.act.Program, d.other = d.other, d.act.Program
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
	s := newStage(t, func(p *plan.Plan) {
		withPINs(p)
		p.Retention.Years = 2
	})
	everywhere := func(what string, s *stage) {
		d := &dying{act: s.Ceremony}
		if what == "drill" {
			d.other = programOf(t, "the other program")
		}
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
	d := s.drillOf(t, s.evidence())
	d.Room = &reluctant{SimulatedRoom: s.players, absent: "Cora", opened: plan.Media}
	everywhere("drill", d)
}

// TestOtherProgram goes on after each power cut, also before anything is written.
func TestOtherProgram(t *testing.T) {
	s := newStage(t, nil)
	d := &dying{act: s.Ceremony, other: programOf(t, "the other program")}
	d.hold(t)
	report := s.verified(t)
	if len(report.Exceptions) < d.done {
		t.Errorf("exceptions: %d", len(report.Exceptions))
	}
}

// TestClockOfAnotherTime is refused before anything is written under it.
func TestClockOfAnotherTime(t *testing.T) {
	s := newStage(t, nil)
	s.begin(t, "Is Ada Admin here")
	s.Now = func() time.Time { return time.Date(1970, 1, 1, 0, 0, 7, 0, time.UTC) }
	if err := s.Run(dkektest.Practising(t.Context())); err == nil || !strings.Contains(err.Error(), "1970-01-01 00:00:07 UTC is not a time of this ceremony") {
		t.Errorf("with the clock of 1970: %v", err)
	}
	s.Now = time.Now
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.verified(t)
}

// TestBagOpenedMeanwhile: what the witness has said of a bag stays, also where the
// power fails after it.
func TestBagOpenedMeanwhile(t *testing.T) {
	s := newStage(t, nil)
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	d := s.drillOf(t, s.evidence())
	d.Room = &reluctant{SimulatedRoom: s.players, absent: "Cora", opened: plan.Sheet("Cora")}
	d.begin(t, "Number of the bag of the sheet of Cora")
	d.Room = &reluctant{SimulatedRoom: s.players, absent: "Cora"}
	if err := d.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	wantShown(t, d.verified(t), "NOT AS THEY WERE: the sheet of Cora")
}

// TestEarlierReleaseGoesOn: a ceremony that an earlier release has begun is held to
// its end, in the facts of that release.
func TestEarlierReleaseGoesOn(t *testing.T) {
	for _, question := range []string{"Is Ada Admin here", "Public key root", "Folder of backup medium", "Certificate root", "CRL root-crl-1", "Is that all?"} {
		s := newStage(t, nil)
		s.begin(t, question)
		s.writeEarlier(t)
		s.Program.SHA256[0] ^= 1
		if err := s.Run(dkektest.Practising(t.Context())); err != nil {
			t.Fatalf("%s: %v", question, err)
		}
		report, err := evidence.Verify(os.DirFS(s.evidence()), evidence.Options{})
		unproved := strings.Join(report.Unproved, "\n")
		if err != nil || !strings.Contains(unproved, "the transcript is of schema 1") || !strings.Contains(unproved, "another program continues") {
			t.Errorf("%s: %v\n%s", question, err, unproved)
		}
		if testing.Short() {
			break
		}
	}
}

// writeEarlier writes the transcript anew as an earlier release would have.
func (s *stage) writeEarlier(t *testing.T) {
	t.Helper()
	path := filepath.Join(s.evidence(), evidence.TranscriptFile)
	text, err := os.ReadFile(filepath.Join(string(s.Dir), "ceremony.key"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := transcript.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	w, err := transcript.Resume(path, key)
	if err != nil {
		t.Fatal(err)
	}
	entries := earlierFacts(t, s.Plan, w.Entries())
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if w, err = transcript.Create(path, key); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
}
