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
	report = func(done float64) { out.Status("%s: %.0f %%", doing, 100*done) }
	return report, out.EndStatus
}

// SearchProgress shows how a search for mistakes goes on, with an estimate of when
// all will have been tried. Where it cannot be taken off again nothing is shown.
func SearchProgress(out *tty.Output) custody.Search {
	return func(p repair.Progress) {
		out.Status("%s: %d of %d readings, %.0f a second, %v left at the most", p.Stage, p.Tried, p.Total, p.Rate, p.Remaining.Round(time.Second))
	}
}
