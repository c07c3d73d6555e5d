package ceremony_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/plan"
)

// planIn is the example's plan in a folder of its own.
func planIn(t *testing.T) plan.File {
	t.Helper()
	content, err := os.ReadFile("../examples/offline-root/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	write(t, path, string(content))
	f, err := plan.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// write writes a file, and the folders that it is in.
func write(t *testing.T, path, content string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestRehearsalFolder: a rehearsal goes on if people have begun it, and it is of
// this plan, and not closed.
func TestRehearsalFolder(t *testing.T) {
	people, program := false, true // who play it
	for name, test := range map[string]struct {
		first []bool   // by whom the first one was prepared
		files []string // in its folder
		next  bool     // by whom the next one is played
		want  string
	}{
		"none yet":      {nil, nil, people, "-1"},
		"not prepared":  {nil, []string{"notes"}, people, "-2"},
		"prepared":      {[]bool{people}, nil, people, "-1"},
		"for a program": {[]bool{people}, nil, program, "-2"},
		"by a program":  {[]bool{program}, nil, people, "-2"},
		"by both":       {[]bool{people, program}, nil, people, "-2"},
		"begun":         {[]bool{people}, []string{"evidence/plan.json", "ceremony.key"}, people, "-1"},
		"closed":        {[]bool{people}, []string{"evidence/plan.json"}, people, "-2"},
	} {
		f := planIn(t)
		first := ceremony.Folder(f.Stem() + ".rehearsal-1")
		for _, auto := range test.first {
			if err := first.PrepareRehearsal(f, auto); err != nil {
				t.Fatal(err)
			}
		}
		for _, file := range test.files {
			write(t, filepath.Join(string(first), file), "")
		}
		if got, want := ceremony.RehearsalFolder(f, test.next), ceremony.Folder(f.Stem()+".rehearsal"+test.want); got != want {
			t.Errorf("%s: %s; %s was expected", name, got, want)
		}
	}
}

// TestRehearsalOfAnotherPlan: a folder has rehearsals of one plan.
func TestRehearsalOfAnotherPlan(t *testing.T) {
	f := planIn(t)
	first := ceremony.RehearsalFolder(f, false)
	if err := first.PrepareRehearsal(f, false); err != nil {
		t.Fatal(err)
	}
	f.Content = append(f.Content, '\n')
	if second := ceremony.RehearsalFolder(f, false); second == first {
		t.Errorf("%s is the rehearsal of another plan, and would go on with this one", first)
	}
	if err := first.PrepareRehearsal(f, false); err == nil || !strings.Contains(err.Error(), "plan.rehearsal-1 is the rehearsal of another plan") {
		t.Errorf("another plan in the same folder: %v", err)
	}
}

// TestDrillFolder: a drill that was prepared is the next one, and a closed one is
// not.
func TestDrillFolder(t *testing.T) {
	dir := t.TempDir()
	bundle := filepath.Join(dir, "evidence") + string(filepath.Separator)
	want := func(what, name string) {
		t.Helper()
		if got := ceremony.DrillFolder(bundle); got != ceremony.Folder(filepath.Join(dir, name)) {
			t.Errorf("%s: %s; %s was expected", what, got, name)
		}
	}
	want("the first one", "evidence.drill-1")
	first := ceremony.DrillFolder(bundle)
	write(t, filepath.Join(string(first), "plan.json"), "")
	want("prepared", "evidence.drill-1")
	write(t, filepath.Join(first.Evidence(), "plan.json"), "")
	want("closed", "evidence.drill-2")
	write(t, filepath.Join(string(first), "ceremony.key"), "a key")
	want("begun", "evidence.drill-1")
	dir = t.TempDir()
	bundle = filepath.Join(dir, "root.2026.drill-1", "evidence")
	write(t, filepath.Join(bundle, "plan.json"), "")
	want("after the drill of evidence whose name has a dot", "root.2026.drill-2")
}

// TestPlanOfARehearsal: one that was begun goes on with its own plan, and a
// ceremony is none.
func TestPlanOfARehearsal(t *testing.T) {
	f := planIn(t)
	dir := ceremony.FolderOf(f)
	r, err := dir.Rehearsal(f)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Plan.Practice || r.Path != f.Path {
		t.Errorf("the plan %s of a rehearsal is not for practice", r.Path)
	}
	path := filepath.Join(dir.Evidence(), "plan.json")
	write(t, path, string(r.Content))
	if again, err := dir.Rehearsal(f); err != nil || again.Path != path || string(again.Content) != string(r.Content) {
		t.Errorf("the rehearsal that was begun goes on with %s (%v)", again.Path, err)
	}
	write(t, path, string(f.Content))
	if _, err := dir.Rehearsal(f); err == nil || !strings.Contains(err.Error(), "plan.ceremony is a real ceremony, and not a rehearsal") {
		t.Errorf("a rehearsal in the folder of a ceremony: %v", err)
	}
}

// TestBegun: a folder in which a ceremony was begun has its key.
func TestBegun(t *testing.T) {
	dir := ceremony.Folder(t.TempDir())
	if got := dir.Begun(); got != "" {
		t.Errorf("in an empty folder the ceremony %s was begun", got)
	}
	key, err := os.ReadFile("evidence/testdata/rehearsal-1/ceremony-key.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("evidence/testdata/rehearsal-1.key")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir.Evidence(), "ceremony-key.txt"), string(key))
	if got := dir.Begun(); got != strings.TrimSpace(string(want)) {
		t.Errorf("the ceremony %q was begun; %s was expected", got, want)
	}
}
