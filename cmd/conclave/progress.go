package main

import (
	"fmt"

	"golang.org/x/term"

	"conclave/dkek"
	"conclave/internal/tty"
)

// percent shows how much of a work is done; end takes that off the screen.
// Where standard error is no terminal nothing is shown.
func (c *console) percent(doing string) (report dkek.Progress, end func()) {
	if !term.IsTerminal(int(c.err.Fd())) {
		return nil, func() {}
	}
	report = func(done float64) { fmt.Fprintf(c.err, tty.EraseLine+"%s: %.0f %%", doing, 100*done) }
	return report, func() { fmt.Fprint(c.err, tty.EraseLine) }
}
