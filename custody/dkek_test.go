package custody_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/custody"
	"conclave/dkek"
	"conclave/dkek/dkektest"
	"conclave/internal/safefile"
	"conclave/internal/secret"
)

const password = "correct horse"

// shareFiles writes n share files, under one password, and gives their paths.
func shareFiles(t *testing.T, n int) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		path := filepath.Join(dir, fmt.Sprintf("share-%d.pbe", i+1))
		place, err := safefile.Reserve(path, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := custody.WriteShareFile(dkektest.Practising(t.Context()), rand.Reader, place, secret.Bytes(password), nil); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func readAll(t *testing.T, paths []string) []custody.Unopened {
	t.Helper()
	files, err := custody.ReadShareFiles(paths, true)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// openAll opens share files with their password.
func openAll(t *testing.T, paths []string) custody.DKEK {
	t.Helper()
	d, err := custody.OpenDKEK(readAll(t, paths), func(_ int, file custody.Unopened) (*custody.Opened, error) {
		return custody.OpenWithPassword(dkektest.Practising(t.Context()), file.ShareFile, secret.Bytes(password), nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOpenDKEK(t *testing.T) {
	d := openAll(t, shareFiles(t, 3))
	want, err := dkek.Combine(d.Files[2].Share, d.Files[0].Share, d.Files[1].Share)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Files) != 3 || d.KCV() != want.KCV() {
		t.Errorf("%d files, key check value %v; 3 and %v were expected", len(d.Files), d.KCV(), want.KCV())
	}
	d.Wipe()
	for _, f := range d.Files {
		if !f.Share.Equal(make([]byte, dkek.ShareSize)) {
			t.Error("a share is left")
		}
	}
}

// TestOpenDKEKWipesWhatWasOpen when a later file does not open.
func TestOpenDKEKWipesWhatWasOpen(t *testing.T) {
	paths := shareFiles(t, 2)
	open := openAll(t, paths)
	wrong := errors.New("wrong password")
	_, err := custody.OpenDKEK(readAll(t, paths), func(i int, _ custody.Unopened) (*custody.Opened, error) {
		if i == 1 {
			return nil, wrong
		}
		return open.Files[0].Opened, nil
	})
	if !errors.Is(err, wrong) || !open.Files[0].Share.Equal(make([]byte, dkek.ShareSize)) {
		t.Errorf("%v, and the first share is left: %v", err, !open.Files[0].Share.Equal(make([]byte, dkek.ShareSize)))
	}
}

func TestReadShareFilesRefuses(t *testing.T) {
	paths := shareFiles(t, 2)
	content, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	copied, cut := paths[0]+".copy", paths[0]+".cut"
	if err := errors.Join(os.WriteFile(copied, content, 0o600), os.WriteFile(cut, content[:20], 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err = custody.ReadShareFiles([]string{paths[0], paths[1], copied}, true)
	if err == nil || !strings.Contains(err.Error(), paths[0]+" and "+copied+" are the same share file") {
		t.Errorf("a copy: %v", err)
	}
	var damaged *custody.OpenError
	if _, err := custody.ReadShareFiles([]string{paths[1], cut}, true); !errors.As(err, &damaged) || damaged.Status != custody.Damaged {
		t.Errorf("a file that was cut off: %v", err)
	}
}

// TestRecordOfAnotherFile is reported as damage, unless no record is wanted.
func TestRecordOfAnotherFile(t *testing.T) {
	c := awaited(t)
	c.Rand, c.Custodians = rand.Reader, &custody.Simulated{}
	created, err := c.Run(dkektest.Practising(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	u, err := custody.ReadUnopened(c.ShareFile, true)
	if err != nil || !slices.Equal(u.Sets(), []string{created.Record.Set}) {
		t.Errorf("sets %v (%v); %s was expected", u.Sets(), err, created.Record.Set)
	}
	other, err := os.ReadFile(shareFiles(t, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.ShareFile, other, 0o600); err != nil {
		t.Fatal(err)
	}
	var damaged *custody.OpenError
	if _, err := custody.ReadUnopened(c.ShareFile, true); !errors.As(err, &damaged) || damaged.Status != custody.Damaged || !errors.Is(err, custody.ErrForeignRecord) {
		t.Errorf("with its record: %v", err)
	}
	if u, err := custody.ReadUnopened(c.ShareFile, false); err != nil || u.Records != nil {
		t.Errorf("without: %v, %v", u.Records, err)
	}
}

// TestExplain: what a wrapped key that does not open means for the exit status.
func TestExplain(t *testing.T) {
	one, two := openAll(t, shareFiles(t, 1)), openAll(t, shareFiles(t, 2))
	for _, test := range []struct {
		d      custody.DKEK
		err    error
		status custody.Status
		want   string
	}{
		{one, dkek.ErrForeign, custody.WrongSheet, "name the file of each: --dkek"},
		{two, dkek.ErrForeign, "", "key.wrap: the key was wrapped under another DKEK"},
		{one, dkek.ErrDamaged, custody.Damaged, "key.wrap: the wrapped key is damaged"},
		{one, dkek.ErrUnsupported, "", "docs/recovery.md"},
	} {
		err := test.d.Explain("key.wrap", test.err)
		var opened *custody.OpenError
		status := custody.Status("")
		if errors.As(err, &opened) {
			status = opened.Status
		}
		if !errors.Is(err, test.err) || status != test.status || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v with status %q; %q with %q was expected", err, status, test.want, test.status)
		}
	}
}
