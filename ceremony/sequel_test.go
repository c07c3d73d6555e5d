package ceremony_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/dkek/dkektest"
)

// rehearsed is the evidence of a rehearsal, which a drill can be of too.
const rehearsed = "evidence/testdata/rehearsal-1"

func readBefore(t testing.TB, bundle string) *ceremony.Before {
	t.Helper()
	before, err := ceremony.ReadBefore(bundle)
	if err != nil {
		t.Fatal(err)
	}
	return before
}

// TestPlanOfADrill: it is made once, and gone on with another day.
func TestPlanOfADrill(t *testing.T) {
	before := readBefore(t, rehearsed)
	dir := ceremony.Folder(filepath.Join(t.TempDir(), "drill"))
	day := time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)
	f, err := before.PreparedDrill(dir, day)
	if err != nil {
		t.Fatal(err)
	}
	if f.Plan.Drill == nil || f.Plan.Drill.Closing != before.Chain.Links[0].Closing || !f.Plan.Start.Equal(day) || len(f.Plan.Drill.Bags) == 0 {
		t.Errorf("the plan is of the drill %+v on %v", f.Plan.Drill, f.Plan.Start)
	}
	again, err := before.PreparedDrill(dir, day.AddDate(0, 0, 1))
	if err != nil || string(again.Content) != string(f.Content) || again.Path != f.Path {
		t.Errorf("the next day the plan is another one (%v)", err)
	}
	if _, err := dir.Sequel(f); err != nil {
		t.Errorf("what it goes on from is not beside it: %v", err)
	}
}

// TestPlanOfAnotherDrill: a plan that leaves something out is not gone on with; who
// administers and witnesses, and where, is for the day.
func TestPlanOfAnotherDrill(t *testing.T) {
	for _, test := range []struct {
		what   string
		change func(*plan.Plan)
		want   string
	}{
		{"another place", func(p *plan.Plan) { p.Place = "elsewhere" }, ""},
		{"another administrator", func(p *plan.Plan) { p.People.Administrator = "PRACTICE Anton" }, ""},
		{"another custodian", func(p *plan.Plan) {
			p.People.Custodians[1], p.Drill.Bags[4].Thing = "PRACTICE Xaver", plan.Sheet("PRACTICE Xaver")
		}, "people: it is not as it was before, and a plan of the kind drill leaves it as it is"},
		{"fewer custodians", func(p *plan.Plan) { p.Custody.Threshold-- }, "custody: it is not as it was before"},
		{"another ceremony", func(p *plan.Plan) { p.Drill.Closing = strings.Repeat("0", 64) }, "the closing of the first ceremony is "},
		{"after another drill", func(p *plan.Plan) { p.Drill.Last = strings.Repeat("0", 64) }, "the closing of the evidence before it is "},
		{"another bag", func(p *plan.Plan) { p.Drill.Bags[0].Number = "A7" }, "its plan says that the bags were "},
	} {
		before := readBefore(t, rehearsed)
		dir := ceremony.Folder(t.TempDir())
		f, err := before.PreparedDrill(dir, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if f, err = plan.ReadFile(f.Path); err != nil {
			t.Fatal(err)
		}
		test.change(f.Plan)
		content, err := f.Plan.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		write(t, f.Path, string(content))
		if _, err := before.PreparedDrill(dir, time.Now()); test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v; %q was expected", test.what, err, test.want)
		}
	}
}

// TestReadBeforeRefuses what does not verify.
func TestReadBeforeRefuses(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "damaged")
	if err := os.CopyFS(damaged, os.DirFS(rehearsed)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(damaged, evidence.ReadMeFile), "something else")
	if _, err := ceremony.ReadBefore(damaged); err == nil || !strings.HasPrefix(err.Error(), damaged+": ") {
		t.Errorf("%v", err)
	}
}

// TestReplacedDevice is not initialised in place of the one that replaces it.
func TestReplacedDevice(t *testing.T) {
	y := newYears(t, nil)
	s := y.prepare(t, 3, func(b *ceremony.Before) *plan.Plan { return y.change(b, plan.ReplaceDevice, nil) })
	refusedFor(t, "the same device", s.Run(dkektest.Practising(t.Context())), "is the one that is to be replaced; put in the one that takes its place")
	wantShown(t, y.drilled(t, 3), "drill: 4 of 4 sheets are good, the backup opens, the devices are as they were")
}

// TestRecordOfBefore: a medium that was written twice has the records of the old sheets,
// too, which open its share file; but people type the new ones.
func TestRecordOfBefore(t *testing.T) {
	y := newYears(t, nil)
	old := y.backup
	y.changed(t, plan.NewSheets, nil)
	for _, backup := range []string{old, y.backup} {
		if records, err := filepath.Glob(filepath.Join(backup, "dkek.pbe.set-*.json")); err != nil || len(records) != 1 {
			t.Fatalf("records: %v, %v", records, err)
		}
	}
	both := t.TempDir()
	for _, backup := range []string{old, y.backup} {
		if out, err := exec.Command("cp", "-r", backup+"/.", both).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	y.backup = both
	wantShown(t, y.drilled(t, 12), "drill: 4 of 4 sheets are good, the backup opens")
	y.changed(t, plan.ReplaceDevice, func(*plan.Plan) {
		if err := y.Devices.(home).Delete("primary"); err != nil {
			t.Fatal(err)
		}
	})
	y.changed(t, plan.NewFile, nil)
}
