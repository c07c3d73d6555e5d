package transcript_test

import (
	"bytes"
	"errors"
	"syscall"
	"testing"
)

// TestShortWrite has the system write a part of a line and then fail, as on a
// full disk.
func TestShortWrite(t *testing.T) {
	key := vectorKey(t)
	path, w := create(t, key, vectorEntries()[:2])
	before := read(t, path)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	short := syscall.Rlimit{Cur: uint64(len(before) + 100), Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &short); err != nil {
		t.Fatal(err)
	}
	_, failed := w.Append(vectorEntries()[2])
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(failed, syscall.EFBIG) {
		t.Errorf("a short write gave %v", failed)
	}
	if !bytes.Equal(read(t, path), before) || len(w.Entries()) != 2 {
		t.Errorf("after a short write there are %d entries, and the file is %q", len(w.Entries()), read(t, path))
	}
	appendAll(t, w, vectorEntries()[2:3])
	if v := verifyFile(t, path, key); len(v.Entries) != 3 {
		t.Errorf("%d entries after the disk had room again, 3 were expected", len(v.Entries))
	}
}
