package ceremony_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
)

// TestDue: the next drill is counted from the last one that was closed, and CRLs are
// the planned ones as long as there is no register.
func TestDue(t *testing.T) {
	f := planIn(t)
	dir := ceremony.Folder(filepath.Join(t.TempDir(), "ceremony"))
	if _, err := dir.Due(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "is not the folder of a ceremony that was begun") {
		t.Errorf("before it was begun: %v", err)
	}
	write(t, filepath.Join(dir.Evidence(), "plan.json"), string(f.Content))
	drill := ceremony.DrillFolder(dir.Evidence())
	wantDue(t, dir, "2027-11-01 next CRL of root", "2027-11-01 drill", "2036-10-31 end of the certificate issuing", "2046-10-31 end of the certificate root", "2051-11-01 end of retention")
	held := strings.Replace(string(f.Content), "2026-11-01T09:00:00Z", "2027-10-20T09:00:00Z", 1)
	write(t, filepath.Join(string(drill), "plan.json"), held)
	write(t, filepath.Join(drill.Evidence(), "plan.json"), held)
	write(t, filepath.Join(drill.Evidence(), "checkpoint"), "of a drill")
	key := filepath.Join(string(drill), "ceremony.key")
	write(t, key, "not closed yet")
	wantDue(t, dir, "2027-11-01 next CRL of root", "2027-11-01 drill")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	wantDue(t, dir, "2027-11-01 next CRL of root", "2028-10-20 drill", "2036-10-31 end of the certificate issuing", "2046-10-31 end of the certificate root", "2051-11-01 end of retention")
}

// wantDue wants the first dates to be these: a day, and how what is due ends.
func wantDue(t *testing.T, dir ceremony.Folder, want ...string) {
	t.Helper()
	dates, err := dir.Due(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		day, what, _ := strings.Cut(w, " ")
		if i >= len(dates) || dates[i].Day.Format(time.DateOnly) != day || !strings.HasSuffix(dates[i].What, what) {
			t.Errorf("%v; %q was expected at %d", dates, w, i)
		}
	}
}
