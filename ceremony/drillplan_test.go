package ceremony_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
)

// rehearsed is the evidence of a rehearsal, which a drill can be of too.
const rehearsed = "evidence/testdata/rehearsal-1"

func readDrill(t *testing.T) *ceremony.Drill {
	t.Helper()
	d, err := ceremony.ReadDrill(rehearsed, "")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestPlanOfADrill: it is made once, and gone on with another day.
func TestPlanOfADrill(t *testing.T) {
	d := readDrill(t)
	dir := ceremony.Folder(filepath.Join(t.TempDir(), "drill"))
	day := time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)
	f, err := d.PlanIn(dir, day)
	if err != nil {
		t.Fatal(err)
	}
	if f.Plan.Drill == nil || f.Plan.Drill.Closing != d.Origin.Closing || !f.Plan.Start.Equal(day) || len(f.Plan.Drill.Bags) == 0 {
		t.Errorf("the plan is of the drill %+v on %v", f.Plan.Drill, f.Plan.Start)
	}
	again, err := d.PlanIn(dir, day.AddDate(0, 0, 1))
	if err != nil || string(again.Content) != string(f.Content) || again.Path != f.Path {
		t.Errorf("the next day the plan is another one (%v)", err)
	}
	d.Last = d.Origin
	if _, err := d.PlanIn(dir, day); err == nil || !strings.Contains(err.Error(), "was prepared with another --last") {
		t.Errorf("gone on with after another drill: %v", err)
	}
}

// TestPlanOfTheNextDrill: it says after which drill it comes, and wants to be told
// again.
func TestPlanOfTheNextDrill(t *testing.T) {
	d := readDrill(t)
	d.Last = d.Origin
	dir := ceremony.Folder(t.TempDir())
	f, err := d.PlanIn(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if f.Plan.Drill.Last != d.Last.Closing {
		t.Errorf("the plan goes on from the drill %q; %s was expected", f.Plan.Drill.Last, d.Last.Closing)
	}
	d.Last = nil
	if _, err := d.PlanIn(dir, time.Now()); err == nil || !strings.HasSuffix(err.Error(), "goes on from a drill before it; name its evidence again: --last DIR") {
		t.Errorf("gone on with without the drill before: %v", err)
	}
}

// TestPlanOfAnotherDrill: a plan that leaves something out is not gone on with.
func TestPlanOfAnotherDrill(t *testing.T) {
	d := readDrill(t)
	dir := ceremony.Folder(t.TempDir())
	f, err := d.PlanIn(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f.Plan.Place = "elsewhere"
	content, err := f.Plan.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.Path, string(content))
	if _, err := d.PlanIn(dir, time.Now()); err == nil || !strings.Contains(err.Error(), "is not the plan of a drill of this ceremony") {
		t.Errorf("a plan that was changed: %v", err)
	}
}

func TestNoDrillWithoutCustody(t *testing.T) {
	f := planIn(t)
	f.Plan.Custody, f.Plan.Keys = nil, nil
	content, err := f.Plan.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	d := ceremony.Drill{Origin: &evidence.Origin{Files: map[string][]byte{evidence.PlanFile: content}}}
	dir := ceremony.Folder(filepath.Join(t.TempDir(), "drill"))
	if _, err := d.PlanIn(dir, time.Now()); err == nil || !strings.Contains(err.Error(), "a drill is of a ceremony that has made keys") {
		t.Errorf("a drill of a ceremony that has made none: %v", err)
	}
	if _, err := os.Stat(string(dir)); err == nil {
		t.Error("its folder was made")
	}
}

// TestReadDrillRefuses what does not verify, and a drill before that is none.
func TestReadDrillRefuses(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "damaged")
	if err := os.CopyFS(damaged, os.DirFS(rehearsed)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(damaged, evidence.ReadMeFile), "something else")
	for _, test := range []struct{ bundle, last, want string }{
		{damaged, "", damaged + ": "},
		{rehearsed, damaged, "--last " + damaged + ": "},
		{rehearsed, rehearsed, "--last " + rehearsed + ": it is not the evidence of a drill of this ceremony"},
	} {
		if _, err := ceremony.ReadDrill(test.bundle, test.last); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s after %q: %v; %q was expected", test.bundle, test.last, err, test.want)
		}
	}
}
