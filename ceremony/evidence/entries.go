package evidence

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// AtTheScreen is who speaks where it is not known which custodian has come.
const AtTheScreen = "the custodian at the screen"

// said are the entries of a step: all, and those of the attempt that was its
// last. What a person has said in an earlier attempt was asked again.
type said struct{ all, last []transcript.Entry }

// story reads a transcript as the story of one ceremony: opened, each step begun
// before it is done, stopped and resumed, closed.
type story struct {
	*verifier
	lead     map[string]string // who leads each step of the plan
	people   map[string]bool   // who may speak
	open     bool
	closed   bool
	stopped  bool
	underWay string // the step that was begun; empty after it is done
	done     map[string]bool
	program  step.Resumed     // which runs, if it was said
	now      step.Resumed     // which runs
	since    transcript.Entry // with which it went on
	resumed  bool             // and no one was called since then
	present  map[string]string
}

// entries checks the order of the entries, who has said them and when.
func (v *verifier) entries() {
	s := &story{verifier: v, lead: map[string]string{}, people: map[string]bool{"": true, AtTheScreen: true}, done: map[string]bool{}}
	for _, planned := range v.planned {
		s.lead[planned.ID] = v.plan.Lead(planned.By)
	}
	for _, name := range v.plan.Everyone() {
		s.people[name] = true
	}
	var before transcript.Entry
	for i, e := range v.transcript.Entries {
		s.order(before, e)
		s.untold(e)
		s.speaker(e)
		s.when(before, e)
		s.sitting(e)
		if i == 0 && e.Kind != transcript.Opened {
			v.problem(TranscriptFile, "it does not begin with the opening")
		}
		s.remember(e)
		before = e
	}
	if !s.closed {
		v.problem(TranscriptFile, "the ceremony was not closed, or the end is missing")
	}
}

// where names an entry.
func where(e transcript.Entry) string {
	if e.Step == "" {
		return fmt.Sprintf("entry %d (%s)", e.Index, e.Kind)
	}
	return fmt.Sprintf("entry %d (step %s, %s)", e.Index, e.Step, e.Kind)
}

func (s *story) wrong(e transcript.Entry, format string, args ...any) {
	s.problem(TranscriptFile, "%s: %s", where(e), fmt.Sprintf(format, args...))
}

// order checks that an entry can follow those before it. When a ceremony is
// resumed, an exception comes first if the clock was put back.
func (s *story) order(before, e transcript.Entry) {
	lead, planned := s.lead[e.Step]
	clock := e.Kind == transcript.Exception && e.Time.Before(before.Time)
	switch {
	case s.closed:
		s.wrong(e, "it comes after the close")
	case e.Kind == transcript.Opened && s.open:
		s.wrong(e, "the ceremony is opened a second time")
	case s.stopped && e.Kind != transcript.Resumed && !clock:
		s.wrong(e, "the ceremony was stopped, and never resumed")
	case e.Step != "" && !planned:
		s.wrong(e, "it is not a step of the plan")
	case e.Kind == transcript.Resumed && e.Step != before.Step:
		s.wrong(e, "it goes on with another step than that of the entry before it")
	case (e.Kind == transcript.Opened || e.Kind == transcript.Closed) && e.Step != "":
		s.wrong(e, "it is about no step")
	}
	switch e.Kind {
	case transcript.Opened:
		s.open = true
	case transcript.Closed:
		s.closed = true
	case transcript.Stopped:
		s.stopped = true
	case transcript.Resumed:
		s.stopped, s.underWay = false, ""
	case transcript.Begun:
		s.begun(e, lead)
	case transcript.Done:
		s.finished(e, lead)
	case transcript.Failed, transcript.Note:
		underWay := e.Step == s.underWay && e.Step != ""
		if !underWay && !(e.Kind == transcript.Note && read[step.NoteFacts](s.verifier, e).Moves()) { // people come and go between steps too
			s.wrong(e, "this step is not under way")
		}
	}
}

func (s *story) begun(e transcript.Entry, lead string) {
	switch {
	case e.Step == "":
		s.wrong(e, "it does not say which step is begun")
	case s.underWay != "":
		s.wrong(e, "it is begun before the step %s is done", s.underWay)
	case s.done[e.Step]:
		s.wrong(e, "it is begun again after it is done")
	case e.By != lead:
		s.wrong(e, "it is led by %q, and %s was expected", e.By, lead)
	}
	s.underWay = e.Step
}

func (s *story) finished(e transcript.Entry, lead string) {
	switch {
	case s.underWay != e.Step || e.Step == "":
		s.wrong(e, "it is done, and was never begun")
	case e.By != lead:
		s.wrong(e, "it is led by %q, and %s was expected", e.By, lead)
	}
	s.underWay = ""
	s.done[e.Step] = true
	s.counted = len(s.report.Exceptions)
}

// speaker wants everyone who has said something to be in the plan.
func (s *story) speaker(e transcript.Entry) {
	if !s.people[e.By] {
		s.wrong(e, "%q is not in the plan", e.By)
	}
}

// when wants times that do not run backwards and lie in the ceremony. A clock
// that was put back needs an exception that says so, with the time before.
func (s *story) when(before, e transcript.Entry) {
	clock := ""
	if e.Kind == transcript.Exception {
		clock = read[step.ExceptionFacts](s.verifier, e).Clock
	}
	back := e.Time.Before(before.Time)
	switch {
	case back && clock == Clock(before.Time):
		s.shown("clock: at entry %d the time goes back; the clock was put back", e.Index)
	case back && s.facts.Schema < 2:
		s.unproved("at entry %d the time goes back, and nothing says why (evidence of an earlier version)", e.Index)
	case back:
		s.wrong(e, "its time is before that of the entry before it, and no exception says that the clock was put back")
	case clock != "":
		s.wrong(e, "fact %q: the time does not go back here", "clock was")
	}
	if err := s.plan.CheckTime(e.Time); err != nil {
		s.wrong(e, "%v", err)
	}
}

// Clock writes a time as a fact.
func Clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// remember keeps what steps are checked against.
func (s *story) remember(e transcript.Entry) {
	said := s.said[e.Step]
	switch e.Kind {
	case transcript.Opened:
		opened := read[step.Opened](s.verifier, e)
		s.program = step.Resumed{Program: opened.Program, Version: opened.Version}
		s.now = s.program
	case transcript.Resumed:
		s.now, s.since = read[step.Resumed](s.verifier, e), e
		if !s.done[e.Step] {
			said.last = nil
		}
	case transcript.Begun, transcript.Failed:
		s.nothing(e)
		said.last = nil
	case transcript.Note:
		s.fits(e, read[step.NoteFacts](s.verifier, e))
		s.moves(e, read[step.NoteFacts](s.verifier, e))
	case transcript.Exception:
		s.report.Exceptions = append(s.report.Exceptions, e)
		s.excepts(e, read[step.ExceptionFacts](s.verifier, e))
	case transcript.Stopped, transcript.Closed:
		s.nothing(e)
	}
	said.all = append(said.all, e)
	if !s.done[e.Step] || e.Kind == transcript.Done {
		said.last = append(said.last, e)
	}
	s.said[e.Step] = said
}

func (s *story) nothing(e transcript.Entry) { read[step.NoFacts](s.verifier, e) }

// untold wants an exception to tell of another program that goes on with the
// ceremony, before it does anything.
func (s *story) untold(e transcript.Entry) {
	if s.now == s.program || e.Kind == transcript.Resumed || e.Kind == transcript.Exception {
		return
	}
	if s.facts.Schema < 2 {
		s.unproved("at entry %d another program continues, and nothing says why (evidence of an earlier version)", s.since.Index)
	} else {
		s.wrong(s.since, "facts %q and %q: the ceremony was resumed with another program, and no exception says so", "program sha256", "program version")
	}
	s.program = s.now
}

// imports says whether a step imports a key, under the DKEK that custodians give.
func (s *story) imports(id string) bool {
	return slices.ContainsFunc(s.plan.Keys, func(k plan.Key) bool { return k.Import != "" && step.Generate.ID(k.Name) == id })
}

// opensSealed says whether a step may want an SO-PIN that custodians have sealed.
func (s *story) opensSealed(action step.Action) bool {
	return action == step.Prepare && s.plan.Kind() == plan.Rekey && len(s.plan.SealedPINs()) > 0
}

// reshares says whether a step makes new sheets for those who have some.
func (s *story) reshares(action step.Action) bool {
	return action == step.Share && s.plan.Change != nil
}

// fits wants a note to be in a step that makes such notes.
func (s *story) fits(e transcript.Entry, note step.NoteFacts) {
	action := s.actions[e.Step]
	for _, fact := range []struct {
		name string
		out  bool
	}{
		{"sheets", note.Sheets != "" && action != step.Share},
		{"about to sign", note.Sign != "" && action != step.Certify && action != step.SignCRL},
		{"custodians", note.Custodians != "" && action != step.Import && action != step.SealPIN && action != step.OpenBackup && !s.reshares(action) && !s.opensSealed(action) && !s.imports(e.Step)},
		{"sealed so pin sha256", note.Sealed != "" && action != step.SealPIN},
		{"medium", note.Medium != 0 && action != step.Copy},
		{"identity", note.Identity != "" && note.Medium == 0},
	} {
		if fact.out {
			s.wrong(e, "fact %q: this step has no such note", fact.name)
		}
	}
	for _, fact := range []struct{ name, value string }{{"about to sign", note.Sign}, {"number", note.Number}, {"tbs sha256", string(note.TBS)}} {
		if fact.value == "" && (note.Sign != "" || note.Number != "" || note.TBS != "") {
			s.wrong(e, "the fact %q is missing", fact.name)
		}
	}
	for _, thing := range slices.Sorted(maps.Keys(note.Bag)) {
		if !s.opens(e.Step, thing) {
			s.wrong(e, "fact %q: this step has no such note", "bag: "+thing)
		}
	}
}

// moves wants a note to have as a fact who it says has come or gone, and no one else.
func (s *story) moves(e transcript.Entry, note step.NoteFacts) {
	if s.facts.Schema < 3 {
		return
	}
	for _, fact := range []struct{ name, value, end string }{{"entered", note.Entered, step.EnteredRoom}, {"left", note.Left, step.LeftRoom}} {
		told, is := strings.CutSuffix(e.Text, fact.end)
		if !is {
			told = ""
		}
		if fact.value != told {
			s.wrong(e, "fact %q: it is %s, and the entry says %q", fact.name, orNothing(fact.value), e.Text)
		} else if is && plan.CheckPerson(told) != nil {
			s.wrong(e, "fact %q: %q is not the name of a person", fact.name, told)
		}
	}
}

// excepts wants an exception to be in a step that has such exceptions.
func (s *story) excepts(e transcript.Entry, facts step.ExceptionFacts) {
	action := s.actions[e.Step]
	if facts.Sheets != "" && (action != step.Share || facts.Sheets != step.SheetsVoid) {
		s.wrong(e, "fact %q: it is %s; %s was expected, in the step %s", "sheets", facts.Sheets, step.SheetsVoid, step.Share.ID())
	}
	if facts.TBS != "" && action != step.Certify && action != step.SignCRL {
		s.wrong(e, "fact %q: nothing is signed in this step", "tbs sha256")
	}
	if (facts.Medium != 0 || facts.Identity != "") && action != step.Copy {
		s.wrong(e, "facts %q and %q: nothing is copied in this step", "medium", "identity")
	}
	if facts.Ahead != 0 && action != step.Open && action != step.Close {
		s.wrong(e, "fact %q: no watch is read in this step", "watch ahead")
	}
	if (facts.Sheets != "" || facts.TBS != "" || facts.Ahead != 0 || facts.Medium != 0 || len(facts.Bag) > 0) && (e.Step != s.underWay || e.Step == "") {
		s.wrong(e, "this step is not under way")
	}
	for _, thing := range slices.Sorted(maps.Keys(facts.Bag)) {
		sealed := action == step.Seal && s.bagSteps[thing] != ""
		if facts.Bag[thing] != step.BagChanged || !sealed && !s.opens(e.Step, thing) {
			s.wrong(e, "fact %q: it is %s; %s was expected, in the step of a drill, or of a change, that is about it", "bag: "+thing, facts.Bag[thing], step.BagChanged)
		}
	}
	if told := (step.Resumed{Program: facts.Program, Version: facts.Version}); told == s.now {
		s.program = s.now
	} else if told != (step.Resumed{}) {
		s.wrong(e, "facts %q and %q: they are not those of the program that goes on with the ceremony", "program sha256", "program version")
	}
	if s.done[step.Close.ID()] && facts.Clock == "" && facts.Program == "" && s.facts.Schema >= 2 {
		s.wrong(e, "it comes after the exceptions were counted")
	}
}

// read reads the facts of an entry, once. What is wrong with them is told.
func read[T any](v *verifier, e transcript.Entry) T {
	if facts, ok := v.factsIn[e.Index].(*T); ok {
		return *facts
	}
	var facts T
	err := step.Read(e.Facts, v.facts.Schema, &facts)
	v.problems(TranscriptFile, inEach(err, where(e)))
	v.factsIn[e.Index] = &facts
	return facts
}

// last gives what the last attempt of a step has of a kind.
func (v *verifier) last(id string, kind transcript.Kind) (entries []transcript.Entry) {
	for _, e := range v.said[id].last {
		if e.Kind == kind {
			entries = append(entries, e)
		}
	}
	return entries
}

// excepted says whether the last attempt of a step has an exception with a text.
func (v *verifier) excepted(id, text string) bool {
	return slices.ContainsFunc(v.last(id, transcript.Exception), func(e transcript.Entry) bool { return e.Text == text })
}

// plannedSteps are the IDs of a plan's steps.
func plannedSteps(p *plan.Plan) (steps []string) {
	for _, s := range p.Steps() {
		steps = append(steps, s.ID)
	}
	return steps
}

// doneSteps are the IDs of the steps that are done, in order.
func doneSteps(entries []transcript.Entry) (steps []string) {
	for _, e := range entries {
		if e.Kind == transcript.Done {
			steps = append(steps, e.Step)
		}
	}
	return steps
}
