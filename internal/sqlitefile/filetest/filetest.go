// Package filetest tests what holds for each kind of SQLite file.
package filetest

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"conclave/internal/sqlitefile"
)

// Suite is a kind of file, with those who use it.
type Suite[T io.Closer] struct {
	Kind         sqlitefile.Kind
	Create, Open func(path string) (T, error)
	Fill         func(t testing.TB, file T) // writes what more than one page holds
	// Altered is SQL that the package would not run on what Fill wrote, and what is
	// said of the file then.
	Altered map[string]string
}

// name is what the files are called, each in a directory of its own.
const name = "file"

// Run tests how a file is made, and which are refused.
func (s Suite[T]) Run(t *testing.T) {
	t.Run("Create", s.testCreate)
	t.Run("Open refuses", s.testRefused)
}

func (s Suite[T]) testCreate(t *testing.T) {
	t.Run("private", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), name)
		s.fill(t, path)
		entries, err := os.ReadDir(filepath.Dir(path))
		must(t, err)
		for _, e := range entries { // there is a log, too
			if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
				t.Errorf("%s has mode %v, %v; 0600 was expected", e.Name(), info.Mode(), err)
			}
		}
	})
	t.Run("one of many", s.testOneOfMany)
	t.Run("never over a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), name)
		Write(t, path, []byte("precious"))
		s.wantExists(t, path, path)
		if b := Read(t, path); string(b) != "precious" {
			t.Errorf("the file now holds %.20q", b)
		}
		WantNames(t, filepath.Dir(path), name)
	})
	for _, suffix := range []string{"-journal", "-wal"} {
		t.Run("never beside a"+suffix, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			Write(t, path+suffix, []byte("of the file that was here"))
			s.wantExists(t, path, path+suffix)
			WantNames(t, filepath.Dir(path), name+suffix)
		})
	}
	t.Run("no directory", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "absent", name)
		if _, err := s.Create(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v; ErrNotExist with the name was expected", err)
		}
	})
	t.Run("any name", func(t *testing.T) {
		t.Chdir(t.TempDir())
		const name = "a b?mode=memory#x%41&é"
		must(t, s.fill(t, name).Close())
		WantNames(t, ".", name)
		file, err := s.Open(name)
		must(t, err)
		must(t, file.Close())
	})
}

func (s Suite[T]) testOneOfMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), name)
	var made atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			file, err := s.Create(path)
			if err == nil {
				made.Add(1)
				err = file.Close()
			} else if errors.Is(err, fs.ErrExist) && strings.Contains(err.Error(), "already exists") {
				err = nil
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if made.Load() != 1 {
		t.Errorf("%d calls made the file; one was expected to", made.Load())
	}
	WantNames(t, filepath.Dir(path), name)
}

// wantExists wants a file not to be made, because of what is there.
func (s Suite[T]) wantExists(t *testing.T, path, there string) {
	t.Helper()
	if _, err := s.Create(path); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), there) {
		t.Errorf("error %v; ErrExist with the name %s was expected", err, there)
	}
}

// fill makes a file with something in it, and closes it at the end.
func (s Suite[T]) fill(t *testing.T, path string) T {
	t.Helper()
	file, err := s.Create(path)
	must(t, err)
	t.Cleanup(func() { file.Close() })
	s.Fill(t, file)
	return file
}

func (s Suite[T]) testRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), name)
	must(t, s.fill(t, path).Close())
	whole := Read(t, path)
	for _, test := range append(s.altered(t, whole), s.broken(t, whole)...) {
		t.Run(test.name, func(t *testing.T) { s.WantRefused(t, test.content, test.want) })
	}
	t.Run("directory", func(t *testing.T) {
		if _, err := s.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a directory; a file was expected") {
			t.Errorf("error %v; one that says it is a directory was expected", err)
		}
	})
	t.Run("absent", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), name)
		if _, err := s.Open(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("error %v; ErrNotExist was expected", err)
		}
		WantNames(t, filepath.Dir(path))
	})
}

// refusal is what a file holds that is refused, and what is said of it.
type refusal struct {
	name    string
	content []byte
	want    string
}

func (s Suite[T]) broken(t *testing.T, whole []byte) []refusal {
	other := "not a " + s.Kind.Name
	text := []byte(strings.Repeat("Dear custodian,\n", 1024))
	const page = sqlitefile.PageSize
	return []refusal{
		{"empty file", nil, "empty file; restore it from a backup"},
		{"short text", text[:30], other},
		{"text", text[:3*page-1000], other},
		{"text of whole pages", text[:2*page], other},
		{"zeros", make([]byte, 3*page), other},
		{"foreign database", s.Alter(t, nil, "CREATE TABLE record (key INTEGER PRIMARY KEY, value BLOB)"), other},
		{"header alone", whole[:100], "damaged"},
		{"first page alone", whole[:page], "damaged"},
		{"a page short", whole[:len(whole)-page], "damaged"},
		{"half a page short", whole[:len(whole)-page/2], "cut short"},
		{"a byte short", whole[:len(whole)-1], "cut short"},
		{"a byte long", append(bytes.Clone(whole), 0), "cut short"},
	}
}

func (s Suite[T]) altered(t *testing.T, whole []byte) (all []refusal) {
	const id, version = "PRAGMA application_id = 7", "PRAGMA user_version = "
	for sql, want := range map[string]string{id: "not a " + s.Kind.Name, version + strconv.FormatInt(s.Kind.Version+1, 10): "use a later one", version + "0": "no version of conclave has written"} {
		all = append(all, refusal{sql, s.Alter(t, whole, sql), want})
	}
	for sql, want := range s.Altered {
		all = append(all, refusal{sql, s.Alter(t, whole, sql), want})
	}
	return all
}

// Alter returns a file's content after SQL that the package would not run.
func (s Suite[T]) Alter(t *testing.T, content []byte, sql string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	Write(t, path, content)
	c, err := s.Kind.Open(path)
	must(t, err)
	_, err = c.(driver.ExecerContext).ExecContext(context.Background(), sql, nil)
	must(t, errors.Join(err, c.Close()))
	return Read(t, path)
}

// WantRefused wants a file to be refused, and left as it is.
func (s Suite[T]) WantRefused(t *testing.T, content []byte, want string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	Write(t, path, content)
	file, err := s.Open(path)
	if err == nil {
		file.Close()
		t.Fatal("the file was opened")
	}
	if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %q; the name and %q were expected", err, want)
	}
	if !bytes.Equal(Read(t, path), content) {
		t.Error("the file was changed")
	}
	WantNames(t, filepath.Dir(path), name)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Write writes a file.
func Write(t testing.TB, path string, content []byte) {
	t.Helper()
	must(t, os.WriteFile(path, content, 0o600))
}

// Read reads a file.
func Read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return content
}

// WantNames wants a directory to hold these files, in order, and no others.
func WantNames(t testing.TB, directory string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the directory holds %q; %q was expected", got, want)
	}
}
