package transcript_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// limited is the environment variable of the process that lowers its limit.
const limited = "CONCLAVE_TRANSCRIPT_LIMITED"

// TestShortWrite has the system write a part of a line and then fail, as on a
// full disk. The limit that does this holds for every file of a process, also
// for those that the testing package writes, so it gets a process of its own.
func TestShortWrite(t *testing.T) {
	if os.Getenv(limited) != "" {
		shortWrite(t)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestShortWrite$", "-test.v")
	child.Env = append(os.Environ(), limited+"=1")
	out, err := child.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestShortWrite")) {
		t.Fatalf("the process with a limit: %v\n%s", err, out)
	}
}

func shortWrite(t *testing.T) {
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
