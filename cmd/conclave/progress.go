package main

import (
	"conclave/custody"
	"conclave/dkek"
	"conclave/quorum/repair"
	"conclave/terminal"
)

// progress shows beside the result how far the work is.
type progress struct {
	prompt *terminal.Prompts
	beside *answers
}

// percent shows how much of the work is done; end takes that off the screen.
func (p progress) percent(doing string) (report dkek.Progress, end func()) {
	if p.beside.quiet {
		return nil, func() {}
	}
	return terminal.Percent(p.beside.err, doing)
}

// searchProgress shows how a search for mistakes goes on.
func (p progress) searchProgress() custody.Search {
	if p.beside.quiet {
		return func(repair.Progress) {}
	}
	return terminal.SearchProgress(p.beside.err)
}

// waiting shows that fn takes its time.
func (p progress) waiting(doing string, fn func() error) error {
	if p.beside.quiet {
		return fn()
	}
	return p.prompt.Waiting(doing, fn)
}
