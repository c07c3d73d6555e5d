package custody

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/dkek"
)

func shareFile(t *testing.T, fill byte) dkek.ShareFile {
	t.Helper()
	content := append([]byte("Salted__"), make([]byte, 56)...)
	content[20] = fill
	file, err := dkek.ParseShareFile(content)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestJournal: what a device has is known in the next call, under any name of
// the file and in any file of the share; until the device is a different one.
func TestJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "imports")
	a, b := shareFile(t, 1), shareFile(t, 2)
	j, err := OpenJournal(dir, "ZZ1", 0)
	if err != nil || len(j.Imported()) != 0 {
		t.Fatalf("%v, %v", j, err)
	}
	if err := j.Check("a.pbe", a, dkek.KCV{1}); err != nil {
		t.Fatal(err)
	}
	if err := j.Add("/somewhere/a.pbe", a, dkek.KCV{1}); err != nil {
		t.Fatal(err)
	}
	if j, err = OpenJournal(dir, "ZZ1", 1); err != nil || !slices.Equal(j.Imported(), []string{"a.pbe"}) || !j.Has(a) || j.Has(b) {
		t.Fatalf("%v, %v", j, err)
	}
	for name, err := range map[string]error{
		"the same file":              j.Check("copy.pbe", a, dkek.KCV{9}),
		"another file of this share": j.Check("new.pbe", b, dkek.KCV{1}),
	} {
		if !errors.Is(err, ErrTwice) || !strings.Contains(err.Error(), "imported as a.pbe") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := j.Check("b.pbe", b, dkek.KCV{2}); err != nil {
		t.Error(err)
	}
	if other, err := OpenJournal(dir, "ZZ2", 0); err != nil || len(other.Imported()) != 0 {
		t.Errorf("another device: %v, %v", other, err)
	}
	// One that was noted and not taken is forgotten, for good.
	if err := j.Add("b.pbe", b, dkek.KCV{2}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if j, err = OpenJournal(dir, "ZZ1", 1); err != nil || !slices.Equal(j.Imported(), []string{"a.pbe"}) || j.Has(b) {
			t.Errorf("not taken: %v, %v", j.Imported(), err)
		}
	}
	// The device says that it has none: it was initialised again.
	if j, err = OpenJournal(dir, "ZZ1", 0); err != nil || len(j.Imported()) != 0 {
		t.Errorf("a new beginning: %v, %v", j.Imported(), err)
	}
	if j, err = OpenJournal(dir, "ZZ1", 1); err != nil || len(j.Imported()) != 0 {
		t.Errorf("after a new beginning: %v, %v", j.Imported(), err)
	}
}

// TestJournalAfterAPowerLoss skips a line that was cut off.
func TestJournalAfterAPowerLoss(t *testing.T) {
	dir := t.TempDir()
	j, err := OpenJournal(dir, "ZZ1", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"a.pbe", "b.pbe"} {
		if err := j.Add(name, shareFile(t, byte(i)), dkek.KCV{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(j.path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range content {
		if err := os.WriteFile(j.path, content[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		cut, err := OpenJournal(dir, "ZZ1", 2)
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		left := len(cut.Imported())
		if err := cut.Add("c.pbe", shareFile(t, 3), dkek.KCV{3}); err != nil {
			t.Fatal(err)
		}
		if again, err := OpenJournal(dir, "ZZ1", 3); err != nil || len(again.Imported()) != left+1 || !again.Has(shareFile(t, 3)) {
			t.Errorf("cut at %d: what came after is lost (%v)", n, err)
		}
	}
}

// TestForeignRecord: a record beside a file that is not its own stops everyone
// before they come; one of several is enough.
func TestForeignRecord(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dkek.pbe")
	if records, err := Records(path, shareFile(t, 1)); err != nil || records != nil {
		t.Errorf("no record: %v, %v", records, err)
	}
	if err := os.WriteFile(RecordPath(path, "QQQQ"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Records(path, shareFile(t, 1)); err == nil || !strings.Contains(err.Error(), "without it (move it away) the sheets open the share file all the same") {
		t.Errorf("a damaged record: %v", err)
	}
}

// TestTooManyRecords opens none of them.
func TestTooManyRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dkek.pbe")
	for n := range maxRecords + 1 {
		if err := os.WriteFile(RecordPath(path, fmt.Sprint(n)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Records(path, shareFile(t, 1)); err == nil || !strings.Contains(err.Error(), "has 101 set records; 100 at most were expected") {
		t.Errorf("a hundred and one records: %v", err)
	}
}
