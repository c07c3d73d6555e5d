package terminal

import (
	"fmt"
	"os"
	"time"

	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/tty"
	"conclave/quorum/repair"
)

// Percent shows how much of the work is done; end takes that off the screen.
// Where out is not a terminal nothing is shown.
func Percent(out *os.File, doing string) (report dkek.Progress, end func()) {
	if !tty.IsTerminal(out) {
		return nil, func() {}
	}
	report = func(done float64) { fmt.Fprintf(out, tty.EraseLine+"%s: %.0f %%", doing, 100*done) }
	return report, func() { fmt.Fprint(out, tty.EraseLine) }
}

// SearchProgress shows how a search for mistakes goes on, with an estimate of when
// all will have been tried. Where out is not a terminal nothing is shown.
func SearchProgress(out *os.File) custody.Search {
	if !tty.IsTerminal(out) {
		return func(repair.Progress) {}
	}
	return func(p repair.Progress) {
		fmt.Fprintf(out, tty.EraseLine+"%s: %d of %d readings, %.0f a second, %v left at the most ", p.Stage, p.Tried, p.Total, p.Rate, p.Remaining.Round(time.Second))
	}
}
