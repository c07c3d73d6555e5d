package register

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/safefile"
	"conclave/internal/sqlitefile"
)

func TestCreate(t *testing.T) {
	t.Run("private", func(t *testing.T) {
		r := newRegister(t)
		info, err := os.Stat(r.path)
		must(t, err)
		if info.Mode() != 0o600 {
			t.Errorf("mode %v; 0600 was expected", info.Mode())
		}
	})
	t.Run("never over a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "register")
		write(t, path, []byte("precious"))
		if _, err := Create(path); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v; ErrExist with the name was expected", err)
		}
		if b := read(t, path); string(b) != "precious" {
			t.Errorf("the file now holds %.20q", b)
		}
		wantNames(t, filepath.Dir(path), "register")
	})
	for _, suffix := range []string{"-journal", "-wal"} {
		t.Run("never beside a"+suffix, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "register")
			write(t, path+suffix, []byte("of the register that was here"))
			if _, err := Create(path); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), path+suffix) {
				t.Errorf("error %v; ErrExist with the name was expected", err)
			}
			wantNames(t, filepath.Dir(path), "register"+suffix)
		})
	}
	t.Run("no directory", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "absent", "register")
		if _, err := Create(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v; ErrNotExist was expected", err)
		}
	})
	t.Run("any name", func(t *testing.T) {
		t.Chdir(t.TempDir())
		const name = "a b?mode=memory#x%41&é"
		r, err := Create(name)
		must(t, err)
		s := newAuthority(t, "Root").certificate(t, 2)
		must(t, r.Begin(context.Background(), s.Intent))
		closed(t, r)
		wantNames(t, ".", name)
		wantStates(t, open(t, name), Intended)
	})
}

// TestOneFile copies a register, as people do, while it is open and once it is
// closed: the one file must be all of it.
func TestOneFile(t *testing.T) {
	r := filled(t)
	want := export(t, r)
	wantNames(t, filepath.Dir(r.path), "register")
	for _, close := range []bool{false, true} {
		if close {
			closed(t, r)
		}
		copied := filepath.Join(t.TempDir(), "copy")
		must(t, safefile.Create(copied, read(t, r.path)))
		c := open(t, copied)
		if !bytes.Equal(export(t, c), want) {
			t.Errorf("closed %v: the copy exports something else", close)
		}
		closed(t, c)
		wantNames(t, filepath.Dir(copied), "copy")
	}
}

func TestReadOnlyMedium(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("NOT TESTED: root can write to any file; run it as another user")
	}
	r := filled(t)
	want, path := export(t, r), closed(t, r)
	must(t, os.Chmod(path, 0o400), os.Chmod(filepath.Dir(path), 0o500))
	t.Cleanup(func() { os.Chmod(filepath.Dir(path), 0o700) })
	r = open(t, path)
	if !bytes.Equal(export(t, r), want) {
		t.Error("it exports something else")
	}
	wantError(t, r, r.Begin(context.Background(), newAuthority(t, "Root").crl(t, 99).Intent), "cannot be written")
}

// altered returns a file's content after SQL that the package would not run.
func altered(t *testing.T, content []byte, sql string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "register")
	write(t, path, content)
	c, err := connector{path}.Connect(context.Background())
	must(t, err)
	_, err = c.(driver.ExecerContext).ExecContext(context.Background(), sql, nil)
	must(t, err, c.Close())
	return read(t, path)
}

func TestOpenRefuses(t *testing.T) {
	whole := read(t, closed(t, filled(t)))
	text := []byte(strings.Repeat("Dear auditors,\n", 1000))
	const again = "restore it from a backup"
	for _, test := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty file", nil, again},
		{"short text", text[:30], "not a register"},
		{"text", text, "not a register"},
		{"zeros", make([]byte, 3*sqlitefile.PageSize), "not a register"},
		{"foreign database", altered(t, nil, "CREATE TABLE intent (id INTEGER PRIMARY KEY)"), "not a register"},
		{"other application", altered(t, whole, "PRAGMA application_id = 7"), "not a register"},
		{"later format", altered(t, whole, "PRAGMA user_version = 2"), "use a later one"},
		{"no format", altered(t, whole, "PRAGMA user_version = 0"), again},
		{"header alone", whole[:100], again},
		{"first page alone", whole[:sqlitefile.PageSize], again},
		{"a page short", whole[:len(whole)-sqlitefile.PageSize], again},
		{"a byte short", whole[:len(whole)-1], "cut short"},
		{"a byte long", append(bytes.Clone(whole), 0), "cut short"},
		{"trigger dropped", altered(t, whole, "DROP TRIGGER issued_delete"), "triggers are not those"},
		{"row deleted", altered(t, whole, "DROP TRIGGER issued_delete; DELETE FROM issued"), "triggers are not those"},
		{"table added", altered(t, whole, "CREATE TABLE more (id INTEGER)"), "tables and triggers are not"},
		{"row added by hand", altered(t, whole, "INSERT INTO revocation VALUES (99, x'00', 1, '2026-03-01T12:00:00Z', 0)"), "row 99 of table revocation"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantRefused(t, test.content, test.want)
		})
	}
	t.Run("directory", func(t *testing.T) {
		if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a file") {
			t.Errorf("error %v; one that says it is not a file was expected", err)
		}
	})
	t.Run("absent", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "register")
		if _, err := Open(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("error %v; ErrNotExist was expected", err)
		}
		wantNames(t, filepath.Dir(path))
	})
}

func wantRefused(t *testing.T, content []byte, want string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "register")
	write(t, path, content)
	r, err := Open(path)
	if err == nil {
		r.Close()
		t.Fatal("the file was opened")
	}
	if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %q; the name and %q were expected", err, want)
	}
	if !bytes.Equal(read(t, path), content) {
		t.Error("the file was changed")
	}
	wantNames(t, filepath.Dir(path), "register")
}

// TestFlippedByte damages a register in one byte at a time. It must be refused
// as it is, or have lost nothing.
func TestFlippedByte(t *testing.T) {
	r := filled(t)
	want := export(t, r)
	whole := read(t, closed(t, r))
	path := filepath.Join(t.TempDir(), "register")
	refused := 0
	for at := 0; at < len(whole); at += stride(whole, at) {
		content := bytes.Clone(whole)
		content[at] ^= 1 << (at % 8)
		write(t, path, content)
		r, err := Open(path)
		if err != nil {
			refused++
			if !bytes.Equal(read(t, path), content) || !strings.Contains(err.Error(), path) {
				t.Errorf("byte %d: the file was changed, or is not named in %q", at, err)
			}
			continue
		}
		if !bytes.Equal(export(t, r), want) {
			t.Errorf("byte %d: flipped, the register is opened and has another content", at)
		}
		closed(t, r)
	}
	if refused < 100 {
		t.Errorf("only %d of the damaged files were refused", refused)
	}
}

// stride takes big steps where the file is empty.
func stride(whole []byte, at int) int {
	if at < 100 {
		return 1
	}
	if whole[at] == 0 {
		return 397
	}
	return 23
}
