package register

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/foreign"
	"conclave/internal/sqlitefile/filetest"
)

// shell runs the program that SQLite's authors made on a file.
func shell(t *testing.T, path, sql string) (out string, err error) {
	t.Helper()
	b, err := exec.Command("sqlite3", "-batch", "-bail", path, sql).CombinedOutput()
	return strings.TrimSpace(string(b)), err
}

func TestSQLiteProgramJudges(t *testing.T) {
	foreign.Need(t, "sqlite3")
	r := filled(t)
	want, path := export(t, r), closed(t, r)
	for sql, want := range map[string]string{
		"PRAGMA integrity_check": "ok",
		"PRAGMA foreign_key_check; SELECT count(*) FROM intent; SELECT count(*) FROM issued; SELECT count(*) FROM settled; SELECT count(*) FROM revocation": "7\n3\n2\n4",
		"PRAGMA application_id; PRAGMA user_version; PRAGMA journal_mode":                                                                                   "1129473383\n2\ndelete",
		"SELECT hex(number) || ' ' || time FROM intent WHERE kind = 'crl' ORDER BY id LIMIT 1":                                                              "02 2026-03-01T12:00:00Z",
	} {
		if out, err := shell(t, path, sql); err != nil || out != want {
			t.Errorf("%s: %q, %v; %q was expected", sql, out, err, want)
		}
	}
	filetest.WantNames(t, filepath.Dir(path), "register")
	if got := export(t, open(t, path)); string(got) != string(want) {
		t.Error("after that the register exports something else")
	}
}

// TestSQLiteProgramCannotChange tries what the triggers forbid, with a program
// that knows nothing of the package.
func TestSQLiteProgramCannotChange(t *testing.T) {
	foreign.Need(t, "sqlite3")
	r := filled(t)
	want, path := export(t, r), closed(t, r)
	const deleted, changed, there = "nothing is deleted", "nothing is changed", "has that, or lacks"
	for sql, want := range map[string]string{
		"DELETE FROM intent": deleted, "DELETE FROM issued": deleted, "DELETE FROM settled": deleted, "DELETE FROM revocation WHERE id = 1": deleted,
		"UPDATE intent SET subject = 'CN=x' WHERE id = 1": changed, "UPDATE OR REPLACE intent SET number = x'02'": changed,
		"UPDATE issued SET der = x'00'": changed, "UPDATE settled SET note = 'signed'": changed, "UPDATE revocation SET reason = 1": changed,
		"INSERT OR REPLACE INTO intent SELECT * FROM intent WHERE id = 1":                                                there,
		"INSERT OR REPLACE INTO intent SELECT 99, sum, kind, issuer, number, 'CN=x', tbs, time FROM intent WHERE id = 1": there,
		"INSERT OR REPLACE INTO issued SELECT 99, sum, intent, x'00' FROM issued WHERE id = 1":                           there,
		"INSERT OR REPLACE INTO issued SELECT id, sum, 99, x'00' FROM issued WHERE id = 1":                               there,
		"INSERT OR REPLACE INTO settled SELECT 99, sum, intent, 'signed' FROM settled WHERE id = 1":                      there,
		"INSERT INTO settled SELECT 99, sum, intent, 'never signed' FROM issued WHERE id = 1":                            there,
		"INSERT OR REPLACE INTO revocation SELECT id, sum, intent, time, 0 FROM revocation WHERE id = 1":                 there,
		"INSERT INTO revocation SELECT 99, sum, id, time, 0 FROM intent WHERE kind = 'crl' LIMIT 1":                      there,
		"INSERT INTO issued VALUES (99, x'00', 99, x'00')":                                                               there,
		"INSERT INTO intent SELECT 99, sum, 'letter', issuer, x'63', subject, tbs, time FROM intent WHERE id = 1":        "CHECK constraint",
		"DELETE FROM issuer":             deleted,
		"UPDATE issuer SET profile = ''": changed,
		"INSERT OR REPLACE INTO issuer SELECT id, sum, name, '', 0 FROM issuer WHERE id = 3":  there,
		"INSERT INTO issuer SELECT 99, sum, name, '', 2 FROM issuer WHERE id = 3":             "CHECK constraint",
		"INSERT INTO revocation SELECT 99, sum, intent, time, 7 FROM revocation WHERE id = 1": "CHECK constraint",
	} {
		if out, err := shell(t, path, sql); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %q, %v; a refusal with %q was expected", sql, out, err, want)
		}
	}
	if got := export(t, open(t, path)); string(got) != string(want) {
		t.Error("the register was changed")
	}
}

// TestWriteAheadLog opens a register that another program put into that mode.
func TestWriteAheadLog(t *testing.T) {
	foreign.Need(t, "sqlite3")
	r := filled(t)
	want, path := export(t, r), closed(t, r)
	if out, err := shell(t, path, "PRAGMA journal_mode = WAL"); err != nil || out != "wal" {
		t.Fatal(out, err)
	}
	r = open(t, path)
	filetest.WantNames(t, filepath.Dir(path), "register")
	if got := export(t, r); string(got) != string(want) {
		t.Error("it exports something else")
	}
}
