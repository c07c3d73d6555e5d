//go:build unix

package ceremony_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"conclave/ceremony/plan"
	"conclave/dkek/dkektest"
)

// strange are things in place of a file.
func strange() map[string]func(path string) error {
	return map[string]func(path string) error{
		"a FIFO":           func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link to a tty":  func(path string) error { return os.Symlink("/dev/tty", path) },
		"a link to itself": func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"3 GiB of nothing": func(path string) error {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(path, 3<<30)
		},
		"deep JSON": func(path string) error { return os.WriteFile(path, []byte(strings.Repeat(`{"a":[`, 100000)), 0o600) },
		"a folder":  func(path string) error { return os.Mkdir(path, 0o700) },
	}
}

// replaced lets something happen with a strange thing in place of a file.
func replaced(t *testing.T, path string, put func(string) error, then func()) {
	t.Helper()
	aside := filepath.Join(t.TempDir(), "aside")
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	if err := put(path); err != nil {
		t.Fatal(err)
	}
	then()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
}

// TestStrangeFilesBefore: what a change goes on from, and the backup that it is given, may
// be anyone's. Nothing of it hangs or fills the memory, what is wrong is named, and the
// change goes on once it is put right.
func TestStrangeFilesBefore(t *testing.T) {
	first, room := onTwoMedia(t)
	y := first.elsewhere(t)
	s := y.any(t, plan.AddMedium)
	s.Room = &drives{y.players, room.computer, room.written, map[string]string{}}
	file, err := plan.ReadFile(filepath.Join(string(s.Dir), "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := filepath.Glob(filepath.Join(y.backup, "*.json"))
	if err != nil || len(records) != 1 {
		t.Fatalf("%v: %v", records, err)
	}
	for what, put := range strange() {
		for _, name := range []string{"ceremony/plan.json", "ceremony/transcript.jsonl", "ceremony/ceremony-key.txt", "ceremony/checkpoint", "custody/set.json"} {
			path := filepath.Join(string(s.Dir), "before", name)
			replaced(t, path, put, func() {
				_, err := s.Dir.Sequel(file)
				refusedFor(t, what+" in place of "+name, err, filepath.Dir(name))
			})
		}
		for _, path := range []string{filepath.Join(y.backup, "dkek.pbe"), filepath.Join(y.backup, "root.wrap"), filepath.Join(y.backup, "so-pin-primary.sealed"), records[0]} {
			replaced(t, path, put, func() {
				refusedFor(t, what+" in place of "+path, s.Run(dkektest.Practising(t.Context())), filepath.Base(path))
			})
		}
	}
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.verified(t)
}
