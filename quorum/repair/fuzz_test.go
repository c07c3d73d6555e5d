package repair

import (
	"context"
	"strings"
	"testing"
	"time"
)

// FuzzReadDraft: whatever is typed of a sheet is read or refused without showing it.
func FuzzReadDraft(f *testing.F) {
	f.Fuzz(func(t *testing.T, prime, id, value string) {
		if _, err := readDraft(0, Draft{prime, id, value}); err != nil {
			wantHidden(t, err, value)
		}
	})
}

func wantHidden(t *testing.T, err error, value string) {
	t.Helper()
	const long = 6
	if len(value) >= long && strings.Contains(err.Error(), value) {
		t.Errorf("the error %q shows the value", err)
	}
}

// FuzzSheets: whatever is typed, a plan is made or refused without showing it,
// and its candidates come.
func FuzzSheets(f *testing.F) {
	f.Fuzz(func(t *testing.T, prime1, id1, value1, prime2, id2, value2, value3 string) {
		drafts := []Draft{{prime1, id1, value1}, {prime2, id2, value2}}
		if value3 != "" {
			drafts = append(drafts, Draft{prime1, "5", value3})
		}
		plan, err := Sheets(drafts)
		if err != nil {
			wantHidden(t, err, value1)
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		left := 300
		for _, c := range plan.all(ctx) {
			if left--; left == 0 {
				return
			}
			if left%100 > 0 { // a reading may take some time
				continue
			}
			if r := c.reading(); !r.Password.Equal(c.password) || said(r.Findings) == "" && r.How == "" {
				t.Error("the reading is of another password")
			}
		}
		if ctx.Err() != nil {
			t.Error("there is no end to it")
		}
	})
}
