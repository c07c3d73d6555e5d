package main

import (
	"conclave/custody"
	"conclave/dkek"
	"conclave/quorum/repair"
	"conclave/terminal"
)

// progress shows beside the result how far the work is.
type progress struct{ asking }

// percent shows how much of the work is done; end takes that off the screen, and drops
// what was typed meanwhile: it answers no question that was not there.
func (p progress) percent(doing string) (report dkek.Progress, end func()) {
	erase := func() {}
	if !p.beside.quiet {
		report, erase = terminal.Percent(p.beside.err, doing)
	}
	return report, func() {
		erase()
		p.prompts.Discard()
	}
}

// searchProgress shows how a search for mistakes goes on.
func (p progress) searchProgress() custody.Search {
	if p.beside.quiet {
		return func(repair.Progress) {}
	}
	return terminal.SearchProgress(p.beside.err)
}

// endSearch takes the progress of a search off the screen.
func (p progress) endSearch() {
	_, end := p.percent("")
	end()
}

// waiting shows that fn takes its time.
func (p progress) waiting(doing string, fn func() error) error {
	if p.beside.quiet {
		return fn()
	}
	return p.prompts.Waiting(doing, fn)
}
