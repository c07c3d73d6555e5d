package register

import (
	"bytes"
	"context"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"conclave/ca"
	"conclave/internal/sqlitefile/filetest"
)

// released is a copy of a register that was made with an earlier format.
func released(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "register")
	filetest.Write(t, path, filetest.Read(t, filepath.Join("testdata", "registers", "format-1")))
	return path
}

// TestFormat1 wants all that the last program of format 1 has written, and what has
// come since then.
func TestFormat1(t *testing.T) {
	r := newRegister(t)
	fill(t, r)
	want := export(t, r)
	path := released(t)
	for range 2 {
		r := open(t, path)
		if got := export(t, r); !bytes.Equal(got, want) {
			t.Errorf("it exports %s; %s was expected", got, want)
		}
		closed(t, r)
		filetest.WantNames(t, filepath.Dir(path), "register")
	}
	r = open(t, path)
	root := newAuthority(t, "Root").name()
	must(t, r.setIssuer(Issuer{root, ca.Root, true}))
	wantIssuer(t, open(t, closed(t, r)), Issuer{root, ca.Root, true}, root, true)
}

// TestFormat1TakesRenewals begins one with the process that has changed the format, and
// with the next one.
func TestFormat1TakesRenewals(t *testing.T) {
	r, issuer := open(t, released(t)), newAuthority(t, "Root").name()
	for number := range int64(2) {
		intent := ca.Intent{Kind: ca.KindRenewal, Issuer: issuer, Number: big.NewInt(2 + number), Subject: "CN=Root", Time: day}
		must(t, r.Begin(context.Background(), intent))
		wantError(t, r, r.Begin(context.Background(), intent), ca.ErrNumberUsed.Error())
		r = open(t, closed(t, r))
	}
	wantError(t, r, r.Begin(context.Background(), ca.Intent{Kind: "other", Issuer: issuer, Number: big.NewInt(9), Time: day}), `"renewal" or "crl" was expected`)
}

// TestFormat1AtOnce opens one from many places.
func TestFormat1AtOnce(t *testing.T) {
	path := released(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			r, err := Open(path)
			if err == nil {
				err = r.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	closed(t, open(t, path))
}

// TestFormat1Refused wants one that is damaged to be left as it is.
func TestFormat1Refused(t *testing.T) {
	suite := filetest.Suite[*Register]{Kind: fileKind, Open: Open}
	whole := filetest.Read(t, released(t))
	for sql, want := range map[string]string{
		"DROP TRIGGER issued_delete": "tables and triggers are not those",
		"INSERT INTO revocation VALUES (99, x'00', 1, '2026-03-01T12:00:00Z', 0)": "row 99 of table revocation",
		"PRAGMA user_version = 2": "tables and triggers are not those",
	} {
		suite.WantRefused(t, suite.Alter(t, whole, sql), want)
	}
}

func TestFormat1OnAReadOnlyMedium(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("NOT TESTED: root can write to any file; run it as another user")
	}
	path := released(t)
	must(t, os.Chmod(path, 0o400), os.Chmod(filepath.Dir(path), 0o500))
	t.Cleanup(func() { os.Chmod(filepath.Dir(path), 0o700) })
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "it cannot be written; copy it to where it can") {
		t.Errorf("error %v; one that says where it can be opened was expected", err)
	}
}
