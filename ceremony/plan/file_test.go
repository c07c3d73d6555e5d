package plan_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony/plan"
)

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	good := string(example(t))
	for name, content := range map[string]string{
		"good.json": good, "roles.json": strings.Replace(good, `"Carla"`, `"Ada Admin"`, 1), "cut.json": good[:len(good)/2],
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := plan.ReadFile(filepath.Join(dir, "good.json"))
	if err != nil {
		t.Fatal(err)
	}
	if string(f.Content) != good || f.Plan.Ceremony != "Example Root CA key ceremony" || f.Stem() != filepath.Join(dir, "good") || f.Base() != dir {
		t.Errorf("read %s, with stem %s and base %s", f.Plan.Ceremony, f.Stem(), f.Base())
	}
	for name, want := range map[string]string{"roles.json": "people.custodians[0]: Ada Admin is", "cut.json": "unexpected EOF"} {
		path := filepath.Join(dir, name)
		_, err := plan.ReadFile(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "; see: conclave ceremony check "+path) {
			t.Errorf("%s: %v; %q was expected", name, err, want)
		}
	}
	if _, err := plan.ReadFile(filepath.Join(dir, "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that does not exist: %v", err)
	}
	if _, err := plan.ParseFile(filepath.Join(dir, "roles.json")); err != nil {
		t.Errorf("a plan with a problem is not parsed: %v", err)
	}
	if _, err := plan.ParseFile(filepath.Join(dir, "cut.json")); err == nil {
		t.Error("half a plan was parsed")
	}
}
