package terminal

import (
	"time"

	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/tty"
	"conclave/quorum/repair"
)

// Percent shows how much of the work is done; end takes that off the screen.
// Where it cannot be taken off nothing is shown.
func Percent(out *tty.Output, doing string) (report dkek.Progress, end func()) {
	if !out.Erases() {
		return nil, func() {}
	}
	report = func(done float64) { out.Status("%.0f %%: %s", 100*done, doing) }
	return report, out.EndStatus
}

// SearchProgress shows how a search for mistakes goes on, with an estimate of when
// all will have been tried, which comes first: a narrow terminal cuts the rest. Where it
// cannot be taken off again nothing is shown.
func SearchProgress(out *tty.Output) custody.Search {
	return func(p repair.Progress) {
		out.Status("%v left at the most: %d of %d readings, %.0f a second: %s", p.Remaining.Round(time.Second), p.Tried, p.Total, p.Rate, p.Stage)
	}
}
