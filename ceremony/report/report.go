// Package report is a ceremony as its auditor is told of it: which keys there are and
// how each came about, who was there, which control is proved by which entry of the
// transcript, what was not as planned. It is made from evidence alone, as HTML and as a
// PDF that say the same.
//
// Begin with [Source], whose evidence package evidence has verified. Of evidence that is
// refused no report is made.
package report

import (
	"errors"
	"fmt"

	"conclave/ceremony/evidence"
)

// Source is what a report is made from. The same source gives the same bytes.
type Source struct {
	Evidence *evidence.Report
	Options  evidence.Options // with which it was verified
	Tool     string           // version of the program
}

// ErrRefused is the error for evidence that does not verify.
var ErrRefused = errors.New("no report is made of evidence that does not verify")

// check finds why a report cannot be made.
func (s Source) check() error {
	r := s.Evidence
	switch {
	case s.Tool == "":
		return errors.New("tool: the version of the program is missing")
	case len(r.Problems) > 0:
		return fmt.Errorf("%w; problems: %d, such as: %w", ErrRefused, len(r.Problems), r.Problems[0])
	case r.Plan == nil || len(r.Entries) == 0:
		return fmt.Errorf("%w; it has no plan, or no transcript", ErrRefused)
	}
	return nil
}
