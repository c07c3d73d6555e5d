package main

import (
	"fmt"
	"time"

	"golang.org/x/term"

	"conclave/dkek"
)

// eraseLine goes back to the start of the line and erases it.
const eraseLine = "\r\x1b[K"

// percent shows how much of a work is done; end takes that off the screen.
// Where standard error is no terminal nothing is shown.
func (c *console) percent(doing string) (report dkek.Progress, end func()) {
	if !term.IsTerminal(int(c.err.Fd())) {
		return nil, func() {}
	}
	report = func(done float64) { fmt.Fprintf(c.err, eraseLine+"%s: %.0f %%", doing, 100*done) }
	return report, func() { fmt.Fprint(c.err, eraseLine) }
}

// waiting runs fn, which cannot tell how far it is, and shows the time it has
// taken so far, from the first second on.
func (c *console) waiting(doing string, fn func() error) error {
	if !term.IsTerminal(int(c.err.Fd())) {
		return fn()
	}
	done := make(chan error, 1)
	go func() { done <- fn() }()
	begin, second := time.Now(), time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case err := <-done:
			fmt.Fprint(c.err, eraseLine)
			return err
		case <-second.C:
			fmt.Fprintf(c.err, eraseLine+"%s: %.0f s", doing, time.Since(begin).Seconds())
		}
	}
}
