package safefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"conclave/internal/safefile"
)

func TestCreateNeverReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "share.pbe")
	if err := safefile.Create(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := safefile.Create(path, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("writing over a file gave %v, fs.ErrExist was expected", err)
	}
	content, err := os.ReadFile(path)
	if err != nil || string(content) != "first" {
		t.Errorf("the file holds %q, %v", content, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; 0600 was expected", info.Mode(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files are left behind, %v", len(entries)-1, err)
	}
}

func TestCreateInMissingDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "share.pbe")
	if err := safefile.Create(path, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, fs.ErrNotExist was expected", err)
	}
}
