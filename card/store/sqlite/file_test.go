package sqlite

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"conclave/card/store"
	"conclave/internal/foreign"
	"conclave/internal/sqlitefile"
	"conclave/internal/sqlitefile/filetest"
)

func TestFile(t *testing.T) {
	filetest.Suite[*Store]{
		Kind: fileKind, Create: Create, Open: Open,
		Fill: func(t testing.TB, s *Store) { mustCountUp(t, s) },
	}.Run(t)
}

func TestNames(t *testing.T) {
	t.Run("through a link", func(t *testing.T) {
		s, links := newStore(t), t.TempDir()
		link := filepath.Join(links, "device")
		if err := os.Symlink(s.path, link); err != nil {
			t.Fatal(err)
		}
		linked := open(t, link)
		mustCountUp(t, linked)
		if err := linked.Alone(func() error { return nil }); err != nil {
			t.Error(err)
		}
		wantCount(t, s, 1)
		filetest.WantNames(t, links, "device")
		filetest.WantNames(t, filepath.Dir(s.path), filepath.Base(s.path), filepath.Base(s.path)+"-lock", filepath.Base(s.path)+"-shm", filepath.Base(s.path)+"-wal")
	})
	t.Run("relative name", func(t *testing.T) {
		t.Chdir(t.TempDir())
		created := newStoreAt(t, "device")
		opened := open(t, "device")
		t.Chdir(t.TempDir()) // new connections must still find it
		mustCountUp(t, created)
		wantCount(t, opened, 1)
	})
}

// counted returns the content of a closed store that countUp was called on.
func counted(t *testing.T) []byte {
	s := newStore(t)
	mustCountUp(t, s)
	return filetest.Read(t, closed(t, s))
}

// TestDamagedPage overwrites parts of a store. Reading it must end in an error
// or in the truth, and not in a fault of the library.
func TestDamagedPage(t *testing.T) {
	device := counted(t)
	for offset := 100; offset < 2*sqlitefile.PageSize; offset += 97 { // the two B-trees
		path := filepath.Join(t.TempDir(), "device")
		damaged := bytes.Clone(device)
		copy(damaged[offset:], "\xA5\x5A\xA5\x5A\xA5\x5A\xA5\x5A")
		filetest.Write(t, path, damaged)
		s, err := Open(path)
		if err != nil {
			continue
		}
		n, err := count(s)
		if err == nil && n != 1 {
			t.Errorf("with damage at %d the count is %d and no error", offset, n)
		}
		s.Close()
	}
}

// TestPowerLoss leaves of the log what a loss of power may leave: its first
// part alone, or with noise after it. The file must hold the state after some
// commit, and a later one the more of the log there is.
func TestPowerLoss(t *testing.T) {
	const commits = 5
	s := newStore(t)
	file := filetest.Read(t, closed(t, s))
	s = open(t, s.path)
	for range commits {
		mustCountUp(t, s)
	}
	log := filetest.Read(t, s.path+"-wal")

	noise := rand.NewChaCha8([32]byte{})
	directory := t.TempDir()
	after := func(cut int, tail []byte) int {
		path := filepath.Join(directory, "device")
		filetest.Write(t, path, file)
		filetest.Write(t, path+"-wal", append(log[:cut:cut], tail...))
		os.Remove(path + "-shm")
		s := open(t, path)
		defer s.Close()
		n, err := count(s)
		if err != nil {
			t.Fatalf("with %d bytes of the log: %v", cut, err)
		}
		return n
	}
	last := 0
	for cut := 0; cut < len(log); cut += 512 { // a sector
		tail := make([]byte, len(log)-cut)
		noise.Read(tail)
		n := after(cut, nil)
		if torn := after(cut, tail); torn != n || n < last || n > last+1 {
			t.Fatalf("%d bytes of the log give the state %d, noise after them %d, and less gave %d", cut, n, torn, last)
		}
		last = n
	}
	if n := after(len(log), nil); n != commits {
		t.Errorf("the whole log gives the state %d, want %d", n, commits)
	}
}

// TestSettings asks for what no test here can bring about: that a commit
// survives a loss of power rests on synchronous = FULL in WAL mode.
func TestSettings(t *testing.T) {
	s := newStore(t)
	for range 2 { // connections
		c, err := s.acquire()
		if err != nil {
			t.Fatal(err)
		}
		defer s.release(c)
		for pragma, want := range map[string]driver.Value{"synchronous": int64(2), "journal_mode": "wal"} {
			if got, err := c.pragma(pragma); err != nil || got != want {
				t.Errorf("%s is %v (%v), want %v", pragma, got, err, want)
			}
		}
	}
}

func TestDeletedIsOverwritten(t *testing.T) {
	s := newStore(t)
	marks := [][]byte{[]byte("mark-of-the-deleted"), []byte("mark-of-the-replaced"), []byte("mark-of-the-cleared")}
	for id, mark := range marks {
		id, mark := uint16(id), bytes.Repeat(mark, 500)
		if err := s.Update(func(w store.Writer) error { return w.Put(1, id, mark) }); err != nil {
			t.Fatal(err)
		}
	}
	path := closed(t, s)
	for _, mark := range marks {
		if !bytes.Contains(filetest.Read(t, path), mark) {
			t.Fatalf("%s is not in the file: the test would find nothing", mark)
		}
	}
	s = open(t, path)
	for _, change := range []func(store.Writer) error{
		func(w store.Writer) error { return w.Delete(1, 0) },
		func(w store.Writer) error { return w.Put(1, 1, []byte("short")) },
		store.Writer.Clear,
	} {
		if err := s.Update(change); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, s)
	for _, mark := range marks {
		if bytes.Contains(filetest.Read(t, path), mark) {
			t.Errorf("%s is still in the file", mark)
		}
	}
	filetest.WantNames(t, filepath.Dir(path), "device")
}

// TestForeignTool has the sqlite3 command judge the file and make a copy,
// which must open.
func TestForeignTool(t *testing.T) {
	foreign.Need(t, "sqlite3")
	s := newStore(t)
	mustCountUp(t, s)
	copied := filepath.Join(t.TempDir(), "copy")
	out, err := exec.Command("sqlite3", closed(t, s),
		"PRAGMA integrity_check; PRAGMA journal_mode; SELECT key >> 16, key & 65535, length(value) FROM record; VACUUM INTO '"+copied+"'").CombinedOutput()
	if want := "ok\nwal\n1|1|1\n1|2|18000\n"; err != nil || string(out) != want {
		t.Errorf("sqlite3 says %q (%v), want %q", out, err, want)
	}
	c := open(t, copied)
	wantCount(t, c, 1)
	mustCountUp(t, c)
	if _, err := os.Stat(copied + "-wal"); err != nil {
		t.Errorf("the copy is not in WAL mode: %v", err)
	}
}

func TestBusy(t *testing.T) {
	s := newStore(t)
	other := open(t, s.path)
	tune(t, other, "busy_timeout = 1")
	err := s.Update(func(store.Writer) error {
		return other.Update(func(store.Writer) error {
			t.Error("two updates at once")
			return nil
		})
	})
	if err == nil || !strings.Contains(err.Error(), "another process holds it; try again") {
		t.Errorf("error %v, want one that says who holds the store", err)
	}
	mustCountUp(t, other)
	wantCount(t, s, 1)
}

func TestFull(t *testing.T) {
	s := newStore(t)
	mustCountUp(t, s)
	add := func(id uint16) error {
		return s.Update(func(w store.Writer) error { return w.Put(9, id, make([]byte, 1<<16)) })
	}
	tune(t, s, "max_page_count = 100") // of four kilobytes
	added := uint16(0)
	for add(added) == nil {
		added++
	}
	if added < 2 || added > 6 {
		t.Errorf("%d records of 64 KiB found room in 100 pages", added)
	}
	before := version(t, s)
	tune(t, s, "max_page_count = 100") // after an error the connection is a new one
	wantFull(t, add(added), s.path)
	if v := version(t, s); v != before {
		t.Errorf("a refused update took the version from %d to %d", before, v)
	}
	wantCount(t, s, 1)
	tune(t, s, "max_page_count = 1000")
	if err := add(added); err != nil {
		t.Errorf("with room again: %v", err)
	}
	mustCountUp(t, s)
	wantCount(t, s, 2)
}

func wantFull(t *testing.T, err error, path string) {
	t.Helper()
	if !errors.Is(err, store.ErrFull) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want ErrFull with the name", err)
	}
}
