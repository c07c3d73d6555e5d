//go:build unix

package safefile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"conclave/internal/safefile"
)

const limit = 1000 // bytes

// made are paths of all kinds of things, in a new folder.
func made(t *testing.T) (path func(name string) string) {
	t.Helper()
	dir := t.TempDir()
	path = func(name string) string { return filepath.Join(dir, name) }
	socket, err := net.Listen("unix", path("socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	for _, err := range []error{
		os.WriteFile(path("empty"), nil, 0o600),
		os.WriteFile(path("at the limit"), make([]byte, limit), 0o600),
		os.WriteFile(path("one over"), make([]byte, limit+1), 0o600),
		os.WriteFile(path("sparse"), nil, 0o600),
		os.Truncate(path("sparse"), 3<<30),
		os.Mkdir(path("folder"), 0o700),
		unix.Mkfifo(path("pipe"), 0o600),
		os.Symlink("at the limit", path("link")),
		os.Symlink("link", path("link to a link")),
		os.Symlink("pipe", path("link to a pipe")),
		os.Symlink("/dev/zero", path("link to a device")),
		os.Symlink("folder", path("link to a folder")),
		os.Symlink("nothing", path("link to nothing")),
		os.Symlink("loop", path("loop")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestRead(t *testing.T) {
	path := made(t)
	for name, size := range map[string]int{"empty": 0, "at the limit": limit, "link": limit, "link to a link": limit} {
		if content, err := safefile.Read(path(name), limit); err != nil || len(content) != size {
			t.Errorf("%s: %d bytes, %v; %d were expected", name, len(content), err, size)
		}
		if _, err := safefile.Look(path(name), limit); err != nil {
			t.Errorf("%s is refused when it is looked at: %v", name, err)
		}
	}
	const pipe, device, folder = "is a named pipe; a file was expected", "is a device, or something else that is not a file; a file was expected", "is a directory; a file was expected"
	for name, want := range map[string]string{
		"one over": "has 1001 bytes; 1000 at most were expected", "sparse": "has 3221225472 bytes; 1000 at most were expected",
		"pipe": pipe, "link to a pipe": pipe, "socket": "is a socket; a file was expected", "link to a device": device,
		"folder": folder, "link to a folder": folder, "nothing": "no such file", "link to nothing": "no such file", "loop": "too many",
	} {
		content, err := safefile.Read(path(name), limit)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path(name)) || content != nil {
			t.Errorf("%s: %d bytes, %v; an error with its path and %q was expected", name, len(content), err, want)
		}
		if _, err := safefile.Look(path(name), limit); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("looking at %s gave %v; an error with %q was expected", name, err, want)
		}
	}
	if _, err := safefile.Read("/dev/zero", limit); err == nil || !strings.Contains(err.Error(), device) {
		t.Errorf("a device gave %v", err)
	}
	if _, err := safefile.Read(path("nothing"), limit); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing gave %v; fs.ErrNotExist was expected", err)
	}
	if _, err := safefile.Read(path("folder"), limit); !errors.Is(err, unix.EISDIR) {
		t.Errorf("a folder gave %v; EISDIR was expected", err)
	}
}

// TestReadWhatGrows reads a file that is empty for who looks at its size, as are
// those of the kernel.
func TestReadWhatGrows(t *testing.T) {
	const path = "/proc/self/status"
	info, err := os.Stat(path)
	if err != nil || info.Size() != 0 {
		t.Skipf("NOT TESTED: no file here has more than its size says: %v", err)
	}
	if content, err := safefile.Read(path, 1<<20); err != nil || !bytes.HasPrefix(content, []byte("Name:")) {
		t.Errorf("%q, %v; all of the file was expected", content, err)
	}
	if _, err := safefile.Read(path, 10); err == nil || err.Error() != path+" goes on after 10 bytes; no more were expected" {
		t.Errorf("reading 10 bytes of more gave %v", err)
	}
}

// TestReadDescriptor reads pipes that the program was given.
func TestReadDescriptor(t *testing.T) {
	for _, form := range []string{"/dev/fd/%d", "/proc/self/fd/%d"} {
		if _, err := os.Stat(filepath.Dir(form)); err != nil {
			t.Logf("NOT TESTED: %v", err)
			continue
		}
		for size, want := range map[int]string{limit: "", limit + 1: "goes on after 1000 bytes"} {
			name := fmt.Sprintf(form, given(t, size).Fd())
			content, err := safefile.Read(name, limit)
			if want == "" && (err != nil || len(content) != size) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s with %d bytes: %d, %v", form, size, len(content), err)
			}
		}
	}
	path := made(t)
	for _, name := range []string{"/dev/fd/../.." + path("pipe"), "/dev/stdin/../.." + path("pipe")} {
		if _, err := safefile.Read(name, limit); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// given is a pipe with so many bytes in it, that no one writes to any more.
func given(t *testing.T, size int) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if _, err := w.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReadPipe waits for who writes to a named pipe.
func TestReadPipe(t *testing.T) {
	path := made(t)("pipe")
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, []byte("secret"), 0o600) }()
	if content, err := safefile.ReadPipe(path, limit); err != nil || string(content) != "secret" {
		t.Errorf("%q, %v; the secret was expected", content, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if _, err := safefile.ReadPipe("/dev/zero", limit); err == nil || err.Error() != "/dev/zero goes on after 1000 bytes; no more were expected" {
		t.Errorf("a device without an end gave %v", err)
	}
}

func TestReread(t *testing.T) {
	path := made(t)
	if content, err := safefile.Reread(path("one over"), 1<<20); err != nil || len(content) != limit+1 {
		t.Errorf("%d bytes, %v", len(content), err)
	}
	if _, err := safefile.Reread(path("pipe"), 1<<20); err == nil {
		t.Error("a named pipe was read")
	}
}

// TestLookBeside looks beside the file that a link leads to, at what is there.
func TestLookBeside(t *testing.T) {
	path := made(t)
	for _, end := range []string{"-journal", "-wal"} {
		if _, err := safefile.Look(path("link"), limit, end); err != nil {
			t.Errorf("nothing is beside it: %v", err)
		}
	}
	if err := unix.Mkfifo(path("at the limit-journal"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := safefile.Look(path("link"), limit, "-wal"); err != nil {
		t.Errorf("something else is beside it: %v", err)
	}
	want := "at the limit-journal is a named pipe; a file was expected"
	if _, err := safefile.Look(path("link"), limit, "-wal", "-journal"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a pipe is beside it: %v; an error with %q was expected", err, want)
	}
}
