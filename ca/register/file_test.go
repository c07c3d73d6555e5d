package register

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/safefile"
	"conclave/internal/sqlitefile/filetest"
)

func TestFile(t *testing.T) {
	const strange = "tables and triggers are not those"
	filetest.Suite[*Register]{
		Kind: fileKind, Create: Create, Open: Open, Fill: fill,
		Altered: map[string]string{
			"DROP TRIGGER issued_delete":                     strange,
			"DROP TRIGGER issued_delete; DELETE FROM issued": strange,
			"CREATE TABLE more (id INTEGER)":                 strange,
			// What is in the schema is not carried out.
			"PRAGMA ignore_check_constraints = ON; CREATE TABLE more (id INTEGER CHECK (id > 1)); INSERT INTO more VALUES (0)": strange,
			"INSERT INTO revocation VALUES (99, x'00', 1, '2026-03-01T12:00:00Z', 0)":                                          "row 99 of table revocation",
		},
	}.Run(t)
}

// TestSettings asks for what no test here can bring about: that a commit survives
// a loss of power rests on synchronous = EXTRA with a rollback journal.
func TestSettings(t *testing.T) {
	r := newRegister(t)
	for pragma, want := range map[string]string{"synchronous": "3", "journal_mode": "delete"} {
		var got string
		if err := r.db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v; %s was expected", pragma, got, err, want)
		}
	}
}

// TestOneFile copies a register, as people do, while it is open and once it is
// closed: the one file must be all of it.
func TestOneFile(t *testing.T) {
	r := filled(t)
	want := export(t, r)
	filetest.WantNames(t, filepath.Dir(r.path), "register")
	for _, close := range []bool{false, true} {
		if close {
			closed(t, r)
		}
		copied := filepath.Join(t.TempDir(), "copy")
		must(t, safefile.Create(copied, filetest.Read(t, r.path)))
		c := open(t, copied)
		if !bytes.Equal(export(t, c), want) {
			t.Errorf("closed %v: the copy exports something else", close)
		}
		closed(t, c)
		filetest.WantNames(t, filepath.Dir(copied), "copy")
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

// TestFlippedByte damages a register in one byte at a time. It must be refused
// as it is, or have lost nothing.
func TestFlippedByte(t *testing.T) {
	r := filled(t)
	want := export(t, r)
	whole := filetest.Read(t, closed(t, r))
	path := filepath.Join(t.TempDir(), "register")
	refused := 0
	for at := 0; at < len(whole); at += stride(whole, at) {
		content := bytes.Clone(whole)
		content[at] ^= 1 << (at % 8)
		filetest.Write(t, path, content)
		r, err := Open(path)
		if err != nil {
			refused++
			if !bytes.Equal(filetest.Read(t, path), content) || !strings.Contains(err.Error(), path) {
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

// stride takes big steps in the empty parts of the file.
func stride(whole []byte, at int) int {
	if at < 100 {
		return 1
	}
	if whole[at] == 0 {
		return 397
	}
	return 23
}
