//go:build unix

package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPipes stand for the store, and beside it, where SQLite would wait for one.
func TestPipes(t *testing.T) {
	for _, end := range []string{"", "-journal", "-wal", "-shm", lockSuffix} {
		path := filepath.Join(t.TempDir(), "device")
		s, err := Create(path)
		if err == nil {
			err = s.Close()
		}
		if err == nil && end == "" {
			err = os.Remove(path)
		}
		if err == nil {
			err = unix.Mkfifo(path+end, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		want := path + end + " is a named pipe; a file was expected"
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opening gave %v; an error with %q was expected", err, want)
		}
		if err := Remove(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("removing gave %v; an error with %q was expected", err, want)
		}
	}
}
