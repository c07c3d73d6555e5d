package safefile_test

import (
	"os"
	"path/filepath"
	"testing"

	"conclave/internal/safefile"
)

// left are the names in a folder.
func left(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, content := range []string{"first", "second"} {
		if err := safefile.Replace(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("%q, %v; %q was expected", got, err, content)
		}
	}
	if names := left(t, dir); len(names) != 1 {
		t.Errorf("left: %v", names)
	}
	if err := safefile.Replace(filepath.Join(dir, "missing", "file"), nil); err == nil {
		t.Error("a file in a folder that does not exist was written")
	}
}

// TestSweep removes what a power cut has left, and nothing else.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	below := filepath.Join(dir, "below")
	if err := os.Mkdir(below, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, ".conclave-1"), filepath.Join(below, ".conclave-2"), filepath.Join(below, "kept")} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := safefile.Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if names := append(left(t, dir), left(t, below)...); len(names) != 2 || names[1] != "kept" {
		t.Errorf("left: %v", names)
	}
}

func TestDestroy(t *testing.T) {
	dir := t.TempDir()
	path, second := filepath.Join(dir, "key"), filepath.Join(dir, "second")
	if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, second); err != nil {
		t.Skipf("NOT TESTED: no links here: %v", err)
	}
	if err := safefile.Destroy(path); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(second); err != nil || string(content) != "\x00\x00\x00\x00\x00\x00" {
		t.Errorf("what another name still shows: %q, %v", content, err)
	}
	if safefile.Exists(path) {
		t.Error("the file is still there")
	}
}
