package evidence

import (
	"errors"
	"fmt"
	"strconv"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// Facts are those of the steps that are done, by the ID of the step.
type Facts struct {
	Schema int // in which the transcript has them
	steps  map[string]any
}

// Of gives the facts of a step; the zero value where it is not done.
func Of[T any](f Facts, id string) T {
	if facts, ok := f.steps[id].(*T); ok {
		return *facts
	}
	var none T
	return none
}

// unshown is why a step was closed that could not show what it was to show; empty for
// one that has.
func (f Facts) unshown(id string) string {
	if facts, ok := f.steps[id].(*step.UnshownFacts); ok {
		return facts.Why
	}
	return ""
}

// Done says whether a step is done.
func (f Facts) Done(id string) bool { return f.steps[id] != nil }

// Len is how many steps are done.
func (f Facts) Len() int { return len(f.steps) }

// ReadFacts reads the facts of the steps of a plan that are done. The error joins
// all that is wrong, and names step and fact.
func ReadFacts(p *plan.Plan, entries []transcript.Entry) (Facts, error) {
	f := Facts{steps: map[string]any{}}
	var problem error
	if f.Schema, problem = schemaOf(entries); problem != nil {
		return f, problem
	}
	actions := map[string]step.Action{}
	for _, s := range p.Steps() {
		actions[s.ID] = s.Action
	}
	for _, e := range entries {
		if e.Kind == transcript.Done {
			problem = errors.Join(problem, f.Add(actions[e.Step], e.Step, e.Facts))
		}
	}
	return f, problem
}

// Add reads the facts of a step.
func (f Facts) Add(action step.Action, id string, written map[string]string) error {
	facts := action.New()
	if facts == nil {
		return fmt.Errorf("step %s: it is not a step of the plan, or has an action that is not known here", id)
	}
	if action.MayBeUnshown() && f.Schema >= 3 && step.IsUnshown(written) {
		facts = &step.UnshownFacts{}
	}
	f.steps[id] = facts
	return inEach(step.Read(written, f.Schema, facts), "step "+id)
}

// schemaOf is the version of the facts of a transcript.
func schemaOf(entries []transcript.Entry) (int, error) {
	if len(entries) == 0 {
		return 0, errors.New("the transcript is empty")
	}
	text, ok := entries[0].Facts["schema"]
	if !ok {
		return 1, nil
	}
	schema, err := strconv.Atoi(text)
	if err != nil || schema < 2 || schema > step.Schema {
		return 0, fmt.Errorf("the opening, fact %q: %q; %d at most was expected: was it made by a later version?", "schema", text, step.Schema)
	}
	return schema, nil
}

// inEach puts a text before each of joined errors.
func inEach(err error, where string) error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return fmt.Errorf("%s: %w", where, err)
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, inEach(e, where))
	}
	return errors.Join(all...)
}
