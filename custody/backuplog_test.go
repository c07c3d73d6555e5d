package custody_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave/custody"
)

func note(t *testing.T, log string, r custody.BackupRecord) {
	t.Helper()
	if err := custody.NoteBackup(log, r); err != nil {
		t.Error(err)
	}
}

// TestNotedBackups: any number of processes note at once, and a line that was cut off
// costs no other one.
func TestNotedBackups(t *testing.T) {
	log := filepath.Join(t.TempDir(), "home", "backups.jsonl")
	if records, err := custody.NotedBackups(log); err != nil || len(records) > 0 {
		t.Errorf("before the first: %v, %v", records, err)
	}
	var done sync.WaitGroup
	for i := range 8 {
		done.Go(func() {
			for j := range 10 {
				note(t, log, custody.BackupRecord{PublicKey: fmt.Sprintf("%d-%d", i, j), Path: "/" + strings.Repeat("x", 300)})
			}
		})
	}
	done.Wait()
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"time":"2027-01-15T09:00`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	note(t, log, custody.BackupRecord{PublicKey: "last", Path: "/x"})
	records, err := custody.NotedBackups(log)
	if err != nil || len(records) != 81 || records[80].PublicKey != "last" {
		t.Errorf("%d records, %v", len(records), err)
	}
	if err := os.Truncate(log, custody.MaxBackupLog+1); err != nil {
		t.Fatal(err)
	}
	if _, err := custody.NotedBackups(log); err == nil || !strings.Contains(err.Error(), "at most were expected") {
		t.Errorf("a file without end: %v", err)
	}
}

// TestLatestBackup: the newest one that is there counts; then one whose folder is away;
// what was changed or deleted is told of, and holds nothing.
func TestLatestBackup(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "root.wrap")
	copyVector(t, "EC-secp256r1.wrap", path)
	records, err := custody.FoundBackups(path)
	if err != nil || len(records) != 1 {
		t.Fatalf("%v, %v", records, err)
	}
	there := records[0]
	there.Time = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	variant := func(year int, change func(*custody.BackupRecord)) custody.BackupRecord {
		r := there
		r.Time = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		change(&r)
		return r
	}
	changed := variant(2030, func(r *custody.BackupRecord) { r.SHA256 = strings.Repeat("0", 64) })
	missing := variant(2029, func(r *custody.BackupRecord) { r.Path = filepath.Join(dir, "gone.wrap") })
	away := variant(2026, func(r *custody.BackupRecord) { r.Path = filepath.Join(dir, "stick", "root.wrap") })
	other := variant(2031, func(r *custody.BackupRecord) { r.PublicKey = "another" })
	for name, c := range map[string]struct {
		records []custody.BackupRecord
		year    int
		state   custody.BackupState
		holds   bool
	}{
		"none":            {[]custody.BackupRecord{other}, 1, "", false},
		"there":           {[]custody.BackupRecord{away, there, missing, changed, other}, 2027, custody.BackupThere, true},
		"away":            {[]custody.BackupRecord{missing, away, changed}, 2026, custody.BackupAway, true},
		"changed":         {[]custody.BackupRecord{missing, changed}, 2030, custody.BackupChanged, false},
		"missing":         {[]custody.BackupRecord{missing}, 2029, custody.BackupMissing, false},
		"the newer there": {[]custody.BackupRecord{there, variant(2028, func(*custody.BackupRecord) {})}, 2028, custody.BackupThere, true},
	} {
		r, state := custody.LatestBackup(c.records, there.PublicKey)
		if r.Time.Year() != c.year || state != c.state || state.Holds() != c.holds {
			t.Errorf("%s: %d, %q", name, r.Time.Year(), state)
		}
	}
	if _, state := custody.LatestBackup(records, ""); state != "" {
		t.Errorf("a key without a public half has a backup: %q", state)
	}
}

func copyVector(t *testing.T, name, to string) {
	t.Helper()
	content, err := os.ReadFile(vectorWrap(name))
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestFoundBackups: those in a folder without a manifest are its wrapped keys, whatever
// else is in it; a folder with one has what that lists.
func TestFoundBackups(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "a[b]")
	if err := os.Mkdir(plain, 0o700); err != nil {
		t.Fatal(err)
	}
	copyVector(t, "EC-secp256r1.wrap", filepath.Join(plain, "ec.wrap"))
	copyVector(t, "rsa-2048.wrap", filepath.Join(plain, "rsa.wrap"))
	for _, name := range []string{"other.wrap", "dkek.pbe"} {
		if err := os.WriteFile(filepath.Join(plain, name), []byte("something else"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if records, err := custody.FoundBackups(plain); err != nil || len(records) != 2 || records[0].KCV != "7C7D7EC59505B990" || records[0].State() != custody.BackupThere {
		t.Errorf("%+v, %v", records, err)
	}
	if _, err := custody.FoundBackups(filepath.Join(plain, "other.wrap")); err == nil {
		t.Error("something else is a backup")
	}
	dir, m := folder(t, 1, 2)
	records, err := custody.FoundBackups(dir)
	if err != nil || len(records) != 2 || records[1].PublicKey != m.Keys[1].PublicKey || records[1].Serial != m.Serial || records[1].State() != custody.BackupThere {
		t.Errorf("%+v, %v", records, err)
	}
}
