package custody_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"conclave/custody"
	"conclave/dkek/dkektest"
)

// TestRecordsOfRenamedFiles: a record is found by the content of its share file, however
// that is called now, or the record, among files that no one should read.
func TestRecordsOfRenamedFiles(t *testing.T) {
	c := awaited(t)
	c.Rand, c.Custodians = rand.Reader, &custody.Simulated{}
	created, err := c.Run(dkektest.Practising(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	record := custody.RecordPath(c.ShareFile, created.Record.Set)
	dir, elsewhere := filepath.Dir(c.ShareFile), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	find := func(name, path string) {
		t.Helper()
		if u, err := custody.ReadUnopened(path, true); err != nil || len(u.Records) != 1 || u.Records[0].Set != created.Record.Set {
			t.Errorf("%s: %d records, %v", name, len(u.Records), err)
		}
	}
	content, err := os.ReadFile(record)
	must(err)
	must(syscall.Mkfifo(filepath.Join(dir, "a.json"), 0o600))
	must(os.Symlink("b.json", filepath.Join(dir, "b.json")))
	must(os.WriteFile(filepath.Join(dir, "c.json"), []byte(created.Record.ShareFile.SHA256+strings.Repeat("[", 1_000_000)), 0o600))
	must(os.WriteFile(filepath.Join(dir, "d.json"), content, 0o600))
	must(os.Truncate(filepath.Join(dir, "d.json"), 4<<30))
	must(os.WriteFile(filepath.Join(dir, "e.json"), append(content, content...), 0o600))

	must(os.Link(c.ShareFile, filepath.Join(dir, "hard.pbe")))
	find("a hard link", filepath.Join(dir, "hard.pbe"))
	must(os.Symlink(c.ShareFile, filepath.Join(elsewhere, "link.pbe")))
	find("a symbolic link", filepath.Join(elsewhere, "link.pbe"))
	must(os.Symlink("link.pbe", filepath.Join(elsewhere, "again.pbe")))
	find("a link to a link", filepath.Join(elsewhere, "again.pbe"))
	must(os.Rename(record, filepath.Join(elsewhere, "record of the set.json")))
	find("a record that lies with the link", filepath.Join(elsewhere, "again.pbe"))
	if u, err := custody.ReadUnopened(c.ShareFile, true); err != nil || len(u.Records) != 0 {
		t.Errorf("without a record: %d, %v", len(u.Records), err)
	}
	must(os.Rename(filepath.Join(elsewhere, "record of the set.json"), record))
	renamed := filepath.Join(dir, "renamed")
	must(os.Rename(c.ShareFile, renamed))
	find("renamed", renamed)
}
