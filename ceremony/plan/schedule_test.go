package plan_test

import (
	"strings"
	"testing"
	"time"

	"conclave/ceremony/plan"
)

// TestScheduleAtTheEndOfMonths wants one drill in each month, on its last day where
// it is shorter than the first one.
func TestScheduleAtTheEndOfMonths(t *testing.T) {
	for _, test := range []struct {
		start         string
		months, years int
		drills, end   string
	}{
		{"2027-01-31T09:00:00Z", 1, 1, "02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31 01-31", "2028-01-31"},
		{"2027-08-30T09:00:00+02:00", 6, 2, "02-29 08-30 02-28 08-30", "2029-08-30"},
		{"2028-02-29T23:30:00-05:00", 12, 3, "02-28 02-28 02-28", "2031-02-28"},
		{"2028-02-28T09:00:00Z", 24, 4, "02-28 02-28", "2032-02-28"},
	} {
		start, err := time.Parse(time.RFC3339, test.start)
		if err != nil {
			t.Fatal(err)
		}
		p := plan.Plan{Start: start, Custody: &plan.Custody{}, Retention: plan.Retention{Years: test.years, DrillMonths: test.months}}
		var drills []string
		dates := p.Schedule()
		for _, d := range dates {
			if strings.Contains(d.ID, "-drill-") {
				drills = append(drills, d.Day.Format("01-02"))
			}
		}
		if got := strings.Join(drills, " "); got != test.drills {
			t.Errorf("from %s: drills %s; %s was expected", test.start, got, test.drills)
		}
		if end := dates[len(dates)-1].Day.Format(time.DateOnly); end != test.end || p.KeptUntil().Format(time.DateOnly) != test.end {
			t.Errorf("from %s: retention ends on %s; %s was expected", test.start, end, test.end)
		}
	}
}
