package sqlite

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"conclave/internal/testrun"
)

// TestLockStays that SQLite has on the WAL index while a process has it open, when one
// of those who mapped it is gone: a process that finds none begins the index anew.
func TestLockStays(t *testing.T) {
	s := newStore(t)
	for n := range 3 {
		other := open(t, s.path)
		if s.index == nil || other.index == nil {
			t.Fatal("the WAL index is not mapped")
		}
		closed(t, other)
		wantLock(t, s.path+"-shm")
		before := version(t, s)
		p := testrun.Start(t, s.path)
		orderUp(p, 1)
		p.Answer()
		mustEnd(t, p)
		if version(t, s) == before {
			t.Errorf("version %d stays when another process has come and gone", before)
		}
		wantCount(t, s, n+1)
	}
}

// wantLock looks for the lock of this process on byte 128 (UNIX_SHM_DMS in SQLite's
// os_unix.c).
func wantLock(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(locks)) {
		f := strings.Fields(line) // number, POSIX, ADVISORY, READ, process, file, first, last
		if len(f) == 8 && f[4] == fmt.Sprint(os.Getpid()) && strings.HasSuffix(f[5], fmt.Sprint(":", info.Sys().(*syscall.Stat_t).Ino)) && f[6] == "128" {
			return
		}
	}
	t.Errorf("this process has no lock on byte 128 of %s:\n%s", path, locks)
}
