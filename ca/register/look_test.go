//go:build unix

package register

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOpenWaitsForNothing names what SQLite would wait for, or would not come to the
// end of.
func TestOpenWaitsForNothing(t *testing.T) {
	for end, want := range map[string]string{
		"": "is a named pipe; a file was expected", "-journal": "-journal is a named pipe; a file was expected",
		"-wal": "-wal is a named pipe; a file was expected", "-shm": "-shm is a named pipe; a file was expected",
	} {
		path := closed(t, newRegister(t))
		if end == "" {
			must(t, os.Remove(path))
		}
		must(t, unix.Mkfifo(path+end, 0o600))
		link := filepath.Join(t.TempDir(), "link")
		must(t, os.Symlink(path, link))
		for _, name := range []string{path, link} {
			if _, err := Open(name); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: error %v; one with %q was expected", end, err, want)
			}
		}
	}
	sparse := closed(t, newRegister(t))
	must(t, os.Truncate(sparse, 3<<30))
	want := fmt.Sprintf("has 3221225472 bytes; %d at most were expected", MaxFile)
	if _, err := Open(sparse); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("three gibibytes: error %v; one with %q was expected", err, want)
	}
}

// TestCheckContinuedWaitsForNothing, and does not take what it cannot read for leave.
func TestCheckContinuedWaitsForNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "register")
	must(t, unix.Mkfifo(continued(path), 0o600))
	if err := CheckContinued(path, ""); err == nil || !strings.Contains(err.Error(), "register.continued is a named pipe") {
		t.Errorf("error %v; one that names the pipe was expected", err)
	}
}
