package evidence

import (
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// called wants everyone of several to be here, or someone in their place who has no
// other part, and an exception that says so, unless they stood in before.
func (v *verifier) called(id string, names []string, present, before map[string]string) {
	family(v, id, "present: ", present, names)
	parts := map[string]string{}
	for _, name := range v.plan.Everyone() {
		parts[plan.FoldName(name)] = name
	}
	for _, name := range names {
		deputy, fact := step.Deputy(present[name]), "present: "+name
		switch {
		case present[name] == step.Here:
			v.notAbsent(id, fact, name)
			continue
		case deputy == "":
			v.problem(TranscriptFile, "step %s, fact %q: it is %q; %q, or who stands in, was expected", id, fact, present[name], step.Here)
			continue
		case parts[plan.FoldName(deputy)] != "":
			v.problem(TranscriptFile, "step %s, fact %q: %s stands in, and has a part already, that of %s", id, fact, deputy, parts[plan.FoldName(deputy)])
		case present[name] != before[name] && !v.excepted(id, step.Absent(name, deputy)):
			v.problem(TranscriptFile, "step %s, fact %q: %s stands in, and no exception says so", id, fact, deputy)
		}
		parts[plan.FoldName(deputy)] = name
	}
}

// notAbsent refuses an exception that says that someone stands in for someone who
// is here.
func (v *verifier) notAbsent(id, fact, name string) {
	for _, e := range v.last(id, transcript.Exception) {
		if e.By == v.plan.Lead(step.Administrator) && step.SaysAbsent(e.Text, name) {
			v.problem(TranscriptFile, "step %s, fact %q: an exception says %q", id, fact, e.Text)
		}
	}
}

// sitting follows who is here when a ceremony goes on: from schema 3 on, in the step that
// is taken first, a note says that the words of the program were compared, and who has
// answered to the roll.
func (s *story) sitting(e transcript.Entry) {
	if s.facts.Schema < 3 {
		return
	}
	switch e.Kind {
	case transcript.Resumed:
		s.resumed = s.done[step.Open.ID()] && !s.done[step.Close.ID()]
	case transcript.Note:
		note := read[step.NoteFacts](s.verifier, e)
		switch {
		case note.Program == "" && len(note.Present) == 0:
		case !s.resumed:
			s.wrong(e, "facts %q and %q: the ceremony was not resumed before this step", "program sha256", "present: ")
		default:
			s.resumed = false
			s.called(e, note)
		}
	case transcript.Done:
		if s.resumed {
			s.wrong(e, "the ceremony was resumed, and no note has the fact %q of the sitting", "program sha256")
			s.resumed = false
		}
		if e.Step == step.RollCall.ID() {
			s.present = Of[step.RollCallFacts](s.facts, e.Step).Present
		}
	}
}

// called checks what was said at the beginning of a sitting.
func (s *story) called(e transcript.Entry, note step.NoteFacts) {
	if note.Program != s.now.Program {
		s.wrong(e, "fact %q: it is %s; %s was expected, as the ceremony was resumed", "program sha256", orNothing(string(note.Program)), s.now.Program)
	}
	var names []string
	if !s.plan.CallsRoll() || s.done[step.RollCall.ID()] {
		names = s.plan.CalledAgain()
	}
	s.verifier.called(e.Step, names, note.Present, s.present)
	s.present = note.Present
}
