package ceremony_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/dkek/dkektest"
)

// beside prepares a change, or a drill, beside the evidence that it goes on from.
func (y *years) beside(t *testing.T, kind plan.Kind) *stage {
	t.Helper()
	before := readBefore(t, y.newest)
	next := *y.stage
	p, dir := before.Drill(y.day), ceremony.DrillFolder(y.newest)
	if kind != plan.Checking {
		p, dir = y.change(before, kind, nil), ceremony.ChangeFolder(y.newest, kind)
	}
	f, err := dir.PrepareSequel(before, p)
	if err == nil {
		next.Before, err = dir.Sequel(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	next.Dir, next.Plan, next.Source = dir, f.Plan, f.Content
	next.Before.Backup, next.Before.Throwaway = y.backup, y.Devices.(home)
	return &next
}

func refusedFor(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v; %q was expected", what, err, want)
	}
}

// TestTwoFromOneEvidence: of a drill and changes that were prepared from the same evidence
// one alone can be held, also where others were begun. From two that were held nothing
// goes on.
func TestTwoFromOneEvidence(t *testing.T) {
	y := newYears(t, nil)
	drill, pins, medium, later := y.beside(t, plan.Checking), y.beside(t, plan.ChangePIN), y.beside(t, plan.AddMedium), y.beside(t, plan.Emergency)
	pins.begin(t, "Number of the bag")
	medium.Room = &answers{medium.players, map[string][]string{"Is that all?": {"stop"}}} // before the close
	if err := medium.Run(dkektest.Practising(t.Context())); err == nil {
		t.Fatal("it was not stopped")
	}
	inParallel := false
	medium.Room = &visited{medium.players, func() {
		if !inParallel {
			inParallel = true
			if err := drill.Run(dkektest.Practising(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
	}}
	const already = "goes on from Example Root CA key ceremony already, and is newer"
	refusedFor(t, "a change while the drill was held", medium.Run(dkektest.Practising(t.Context())), already)
	refusedFor(t, "a change that was begun before the drill", pins.Run(dkektest.Practising(t.Context())), already)
	refusedFor(t, "a change that was not begun", later.Run(dkektest.Practising(t.Context())), already)
	if _, err := os.Stat(later.Dir.Evidence()); err == nil {
		t.Error("it was begun")
	}
	_, err := ceremony.ReadBefore(y.newest)
	refusedFor(t, "a plan from the ceremony", err, already)
	t.Chdir(string(later.Dir))
	later.Dir = "."
	refusedFor(t, "a change in the folder that people are in", later.Run(dkektest.Practising(t.Context())), already)
	y.fork(t, drill)
}

// fork holds the other one where no one sees it, and brings it back.
func (y *years) fork(t *testing.T, drill *stage) {
	hidden := filepath.Join(t.TempDir(), filepath.Base(string(drill.Dir)))
	if err := os.Rename(string(drill.Dir), hidden); err != nil {
		t.Fatal(err)
	}
	other := y.beside(t, plan.Emergency)
	if err := other.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	y.newest = other.evidence()
	after := y.beside(t, plan.Checking)
	drill.Dir = ceremony.Folder(filepath.Join(filepath.Dir(string(drill.Dir)), "evidence.drill-7"))
	if err := os.Rename(hidden, string(drill.Dir)); err != nil {
		t.Fatal(err)
	}
	const both = "goes on from Example Root CA key ceremony, as "
	refusedFor(t, "a drill after one of two", after.Run(dkektest.Practising(t.Context())), both)
	_, err := ceremony.ReadBefore(other.evidence())
	refusedFor(t, "a plan from one of two", err, both)
	_, err = ceremony.ReadBefore(drill.evidence())
	refusedFor(t, "a plan from the other one", err, both)
}
