package ceremony_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/testrun"
)

// story is what a forger makes of the evidence of a ceremony.
type story struct {
	t *testing.T
	held
	files map[string][]byte
}

func (h held) retell(t *testing.T) *story {
	s := &story{t, h, map[string][]byte{}}
	copied := *h.forger
	s.forger = &copied
	s.entries = slices.Clone(h.entries)
	for i := range s.entries {
		s.entries[i].Facts = maps.Clone(s.entries[i].Facts)
	}
	return s
}

// at is where the last entry of a kind is in a step.
func (s *story) at(kind transcript.Kind, id string) int {
	s.t.Helper()
	for i := len(s.entries) - 1; i >= 0; i-- {
		if s.entries[i].Kind == kind && s.entries[i].Step == id {
			return i
		}
	}
	s.t.Fatalf("there is no entry of the kind %s in the step %q", kind, id)
	return 0
}

// last is the last entry of a kind in a step.
func (s *story) last(kind transcript.Kind, id string) *transcript.Entry {
	s.t.Helper()
	return &s.entries[s.at(kind, id)]
}

// facts are those of a step that is done.
func (s *story) facts(id string) map[string]string {
	s.t.Helper()
	return s.last(transcript.Done, id).Facts
}

// moved is the note that someone has come into the room, or gone.
func (s *story) moved(how string) *transcript.Entry {
	s.t.Helper()
	i := slices.IndexFunc(s.entries, func(e transcript.Entry) bool { return strings.HasSuffix(e.Text, how) })
	if i < 0 {
		s.t.Fatalf("no one%s", how)
	}
	return &s.entries[i]
}

// drop takes out the last entry of a kind in a step.
func (s *story) drop(kind transcript.Kind, id string) {
	i := s.at(kind, id)
	s.entries = slices.Delete(s.entries, i, i+1)
}

// insert puts entries before another one, with its time.
func (s *story) insert(i int, entries ...transcript.Entry) {
	for j := range entries {
		if entries[j].Time.IsZero() {
			entries[j].Time = s.entries[i].Time
		}
	}
	s.entries = slices.Insert(s.entries, i, entries...)
}

// except puts an exception before the last entry of a kind in a step, and counts
// it.
func (s *story) except(kind transcript.Kind, id string, e transcript.Entry) {
	e.Kind, e.Step = transcript.Exception, id
	s.insert(s.at(kind, id), e)
	s.count(1)
}

// count corrects the number of exceptions.
func (s *story) count(more int) {
	facts := s.facts(step.Close.ID())
	n, err := strconv.Atoi(facts["exceptions"])
	if err != nil {
		s.t.Fatal(err)
	}
	facts["exceptions"] = strconv.Itoa(n + more)
}

// read reads a file as it is in the story.
func (s *story) read(name string) []byte {
	s.t.Helper()
	if content, changed := s.files[name]; changed {
		return content
	}
	if s.bundle[name] == nil {
		s.t.Fatalf("there is no file %s", name)
	}
	return s.bundle[name].Data
}

// write puts a file in place of another, and into the facts of the close; nil
// takes it out.
func (s *story) write(name string, content []byte) string {
	s.t.Helper()
	s.files[name] = content
	facts := s.facts(step.Close.ID())
	if content == nil {
		delete(facts, "file "+name)
		return ""
	}
	sum := hashOf(content)
	facts["file "+name] = sum
	return sum
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return fmt.Sprintf("%x", sum)
}

// replace changes the text of a file.
func (s *story) replace(name, old, new string) string {
	s.t.Helper()
	changed := bytes.Replace(s.read(name), []byte(old), []byte(new), 1)
	if bytes.Equal(changed, s.read(name)) {
		s.t.Fatalf("there is no %q in %s", old, name)
	}
	return s.write(name, changed)
}

// record changes the record of the sheets.
func (s *story) record(change func(map[string]any, []any)) {
	s.t.Helper()
	var record map[string]any
	if err := json.Unmarshal(s.read(evidence.RecordFile), &record); err != nil {
		s.t.Fatal(err)
	}
	change(record, record["custodians"].([]any))
	content, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(evidence.RecordFile, append(content, '\n'))
}

// plan changes the plan, and what is said of its file.
func (s *story) replan(change func(*plan.Plan)) {
	s.t.Helper()
	p, err := plan.Parse(s.read(evidence.PlanFile))
	if err == nil {
		change(p)
		var content []byte
		if content, err = p.Bytes(); err == nil {
			s.entries[0].Facts["plan sha256"] = s.write(evidence.PlanFile, content)
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// register changes the entries of a register, each of which is some lines.
func (s *story) register(name string, change func([]string) []string) {
	s.t.Helper()
	s.elements(name, "entries", change)
}

// elements changes the elements of an array of a register.
func (s *story) elements(name, field string, change func([]string) []string) {
	s.t.Helper()
	const between, end = "\n    },\n", "\n    }\n  ]"
	begin := "\"" + field + "\": [\n"
	head, rest, found := strings.Cut(string(s.read(name)), begin)
	elements, tail, whole := strings.Cut(rest, end)
	if !found || !whole {
		s.t.Fatalf("%s is not written as a register is", name)
	}
	s.write(name, []byte(head+begin+strings.Join(change(strings.Split(elements, between)), between)+end+tail))
}

// settled makes of an entry of a register one of which someone says that it was
// lost.
func settled(entry string) string {
	lines := strings.Split(entry, "\n")
	for i, line := range lines {
		switch field, _, _ := strings.Cut(strings.TrimSpace(line), ":"); field {
		case `"state"`:
			lines[i] = strings.Replace(line, "issued", "settled", 1)
		case `"number"`:
			lines[i] = `      "number": "07",`
		case `"tbsSHA256"`:
			lines[i] = `      "tbsSHA256": "` + hashOf(nil) + `",`
		case `"sha256"`:
			return strings.Join(append(lines[:i], `      "note": "it was lost"`), "\n")
		}
	}
	return entry
}

// verify verifies the story as it is told.
func (s *story) verify() (*evidence.Report, error) {
	s.t.Helper()
	return evidence.Verify(s.sign(s.t, s.entries, s.files), s.paper)
}

// contradiction is a story that cannot be true, and how that is told.
type contradiction struct {
	what   string
	change func(*story)
	want   string
	others int // problems that come with it
}

// TestContradictions: whoever has the ceremony key, and tells a story with it that
// cannot be true, is refused for that. What honest people leave who are
// interrupted verifies.
func TestContradictions(t *testing.T) {
	all := eventful(t)
	var requester *ecdsa.PrivateKey
	all["two keys"], requester = twoKeys(t)
	for name, table := range map[string][]contradiction{
		"ceremony": slices.Concat(ofOrder(), ofTheWatch(), ofTheSitting(), ofPeople(), ofThings(), ofPINs(), ofTheRecord(), ofSignatures()), "year later": ofTheRegister(), "drill": slices.Concat(ofTheDrill(), ofTheBagsOfPINs()), "two keys": ofKeys(),
		"rehearsal": ofImports(),
	} {
		for i, c := range table {
			if testing.Short() && i%3 != 0 {
				continue
			}
			t.Run(name+"/"+c.what, func(t *testing.T) { all[name].contradicts(t, c) })
		}
	}
	for name, h := range all {
		t.Run(name+"/accepted by the page", h.accepted)
		for _, c := range testrun.Draw(t, ofBoth()[name], 2) {
			t.Run(name+"/"+c.what+", to the page", func(t *testing.T) { h.refusedByBoth(t, c) })
		}
	}
	for _, name := range testrun.Draw(t, slices.Sorted(maps.Keys(all)), 2) {
		h := all[name]
		t.Run(name+"/interrupted", h.interrupted)
		t.Run(name+"/empty", h.empty)
		t.Run(name+"/earlier schema", h.earlierSchema)
		t.Run(name+"/always the same", h.alwaysTheSame)
		t.Run(name+"/mutated", h.mutated)
	}
	t.Run("drill/not compared", all["drill"].notCompared)
	t.Run("two keys/earlier identifier", func(t *testing.T) { all["two keys"].earlierIdentifier(t, requester) })
}

// contradicts wants a story to be refused for what is wrong with it, and for
// nothing else.
func (h held) contradicts(t *testing.T, c contradiction) {
	s := h.retell(t)
	c.change(s)
	report, err := s.verify()
	if err == nil || !strings.Contains(err.Error(), c.want) {
		t.Fatalf("%v\n%q was expected", err, c.want)
	}
	if n := len(report.Problems) - 1; n != c.others {
		t.Errorf("problems beside it: %d; %d were expected:\n%v", n, c.others, err)
	}
}

// ofOrder are stories whose entries cannot come one after the other.
func ofOrder() []contradiction {
	const admin = "Ada Admin"
	return []contradiction{
		{"led by a stranger", func(s *story) { s.last(transcript.Begun, "copy").By = "Eve" }, `(step copy, begun): it is led by "Eve", and Ada Admin was expected`, 1},
		{"done by someone else", func(s *story) { s.last(transcript.Done, "copy").By = "Wim Witness" }, `(step copy, done): it is led by "Wim Witness", and Ada Admin was expected`, 0},
		{"said by a stranger", func(s *story) { s.except(transcript.Done, "copy", transcript.Entry{By: "Eve", Text: "all is well"}) }, `(step copy, exception): "Eve" is not in the plan`, 0},
		{"opened twice", func(s *story) { s.insert(1, s.entries[0]) }, "entry 1 (opened): the ceremony is opened a second time", 0},
		{"not opened", func(s *story) {
			s.entries[0].Kind, s.entries[0].Facts = transcript.Note, map[string]string{"schema": strconv.Itoa(step.Schema)}
		}, "it does not begin with the opening", 11},
		{"closed twice", func(s *story) { s.entries = append(s.entries, *s.last(transcript.Closed, "")) }, "(closed): it comes after the close", 0},
		{"closed before its end", func(s *story) {
			s.insert(s.at(transcript.Begun, "close"), transcript.Entry{Kind: transcript.Closed, By: admin})
		}, "(step close, begun): it comes after the close", 3},
		{"never closed", func(s *story) { s.drop(transcript.Closed, "") }, "the ceremony was not closed, or the end is missing", 0},
		{"stopped and never resumed", func(s *story) {
			s.insert(s.at(transcript.Begun, "close"), transcript.Entry{Kind: transcript.Stopped, By: admin})
		}, "(step close, begun): the ceremony was stopped, and never resumed", 3},
		{"something is said after it was stopped", func(s *story) {
			s.insert(s.at(transcript.Resumed, "certificate-root"), transcript.Entry{Kind: transcript.Stopped, Step: "certificate-root", By: admin},
				transcript.Entry{Kind: transcript.Exception, Step: "certificate-root", By: admin, Text: "we go on"})
			s.count(1)
		}, "(step certificate-root, exception): the ceremony was stopped, and never resumed", 0},
		{"done and never begun", func(s *story) { s.drop(transcript.Begun, "restore") }, "(step restore, done): it is done, and was never begun", 0},
		{"begun and never done", func(s *story) { s.drop(transcript.Done, "restore") }, "the steps done are open, roll-call,", 1},
		{"begun again", func(s *story) {
			s.insert(s.at(transcript.Begun, "copy"), transcript.Entry{Kind: transcript.Begun, Step: "restore", By: admin})
		}, "(step restore, begun): it is begun again after it is done", 1},
		{"done twice", func(s *story) { s.insert(s.at(transcript.Begun, "copy"), *s.last(transcript.Done, "restore")) }, "(step restore, done): it is done, and was never begun", 1},
		{"a step that is not planned", func(s *story) {
			s.insert(s.at(transcript.Begun, "copy"), transcript.Entry{Kind: transcript.Begun, Step: "dance-primary"}, transcript.Entry{Kind: transcript.Done, Step: "dance-primary"})
		}, "step dance-primary: it is not a step of the plan, or has an action that is not known here", 3},
		{"a beginning of nothing", func(s *story) { s.insert(s.at(transcript.Begun, "copy"), transcript.Entry{Kind: transcript.Begun}) }, "(begun): it does not say which step is begun", 0},
		{"a failure of nothing", func(s *story) { s.insert(s.at(transcript.Begun, "copy"), transcript.Entry{Kind: transcript.Failed}) }, "(failed): this step is not under way", 0},
		{"a failure of another step", func(s *story) { s.last(transcript.Failed, "key-root").Step = "copy" }, "(step copy, failed): this step is not under way", 0},
		{"an opening of a step", func(s *story) { s.entries[0].Step = "open" }, "entry 0 (step open, opened): it is about no step", 0},
		{"a close of a step", func(s *story) { s.last(transcript.Closed, "").Step = "close" }, "(step close, closed): it is about no step", 0},
		{"gone on with another step", func(s *story) { s.last(transcript.Resumed, "certificate-root").Step = "copy" }, "(step copy, resumed): it goes on with another step than that of the entry before it", 0},
		{"an exception after its step", func(s *story) {
			exception := *s.last(transcript.Exception, "roll-call")
			exception.Time = time.Time{}
			s.drop(transcript.Exception, "roll-call")
			s.insert(s.at(transcript.Done, "roll-call")+1, exception)
		}, `step roll-call, fact "present: Cora": Dora stands in, and no exception says so`, 0},
		{"sheets that are void before they are made", func(s *story) {
			s.insert(s.at(transcript.Begun, "share"), transcript.Entry{Kind: transcript.Exception, Step: "share", Facts: map[string]string{"sheets": step.SheetsVoid}})
			s.count(1)
		}, "(step share, exception): this step is not under way", 0},
		{"a note after its step", func(s *story) {
			note := *s.last(transcript.Note, "import-primary")
			note.Time = time.Time{}
			s.drop(transcript.Note, "import-primary")
			s.insert(s.at(transcript.Done, "import-primary")+1, note)
		}, "(step import-primary, note): this step is not under way", 0},
		{"a note in another step", func(s *story) { s.last(transcript.Note, "copy").Facts = map[string]string{"custodians": "1, 2, 3"} }, `(step copy, note): fact "custodians": this step has no such note`, 2},
		{"entered as someone else", func(s *story) { s.moved(step.EnteredRoom).Facts["entered"] = "Eve Engineer" },
			`fact "entered": it is Eve Engineer, and the entry says "Eve Electrician entered the room"`, 0},
		{"entered, and no one says so", func(s *story) { s.moved(step.EnteredRoom).Text = "about to begin" }, `fact "entered": it is Eve Electrician, and the entry says "about to begin"`, 0},
		{"left, and no fact says so", func(s *story) { s.moved(step.LeftRoom).Facts = nil }, `(step close, note): fact "left": it is nothing, and the entry says "Eve Electrician left the room"`, 0},
		{"entered without a name", func(s *story) {
			e := s.moved(step.EnteredRoom)
			e.Text, e.Facts["entered"] = "\u202eEve entered the room", "\u202eEve"
		}, "is not the name of a person", 0},
		{"a recording without a hash that is one", func(s *story) { s.facts("close")["recording sha256"] = "abcd" }, `fact "recording sha256": it is abcd; none was expected, or the SHA-256 of a file`, 0},
		{"a hash of no recording", func(s *story) { s.facts("close")["recording"] = "none" }, `step close, fact "recording sha256": it is abab`, 0},
		{"the hash of another file of the bundle", func(s *story) { s.facts("close")["recording"] = "README.txt" }, `README.txt: step close, fact "recording sha256": the transcript has abab`, 0},
		{"a recording that was planned", func(s *story) {
			s.replan(func(p *plan.Plan) { p.Recording = true })
			s.facts("close")["recording"], s.facts("close")["recording sha256"] = "none", "none"
		}, `step close, fact "recording": it is none, the plan wants one: true, and an exception says that there is none: false`, 0},
		{"a recording, and an exception", func(s *story) { s.except(transcript.Done, "close", transcript.Entry{Text: step.NotRecorded}) },
			"the plan wants one: false, and an exception says that there is none: true", 0},
		{"time runs backwards", func(s *story) { s.last(transcript.Done, "restore").Time = s.entries[0].Time.Add(-time.Hour) }, "(step restore, done): its time is before that of the entry before it", 0},
		{"long before the ceremony", func(s *story) { s.entries[0].Time = time.Date(1970, 1, 1, 0, 0, 7, 0, time.UTC) }, "entry 0 (opened): 1970-01-01 00:00:07 UTC is not a time of this ceremony", 0},
		{"after the evidence need not be kept", func(s *story) { s.last(transcript.Closed, "").Time = time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC) }, "(closed): 2126-01-01 00:00:00 UTC is not a time of this ceremony", 0},
		{"a clock that was not put back", func(s *story) {
			i := s.at(transcript.Done, "copy")
			s.except(transcript.Done, "copy", transcript.Entry{Facts: map[string]string{"clock was": evidence.Clock(s.entries[i-1].Time)}})
		}, `(step copy, exception): fact "clock was": the time does not go back here`, 0},
		{"another clock was put back", func(s *story) {
			for i, e := range s.entries {
				if e.Facts["clock was"] != "" {
					s.entries[i].Facts["clock was"] = evidence.Clock(e.Time.Add(-time.Hour))
				}
			}
		}, "its time is before that of the entry before it, and no exception says that the clock was put back", 0},
		{"another program goes on, and no one says so", func(s *story) {
			s.entries = slices.DeleteFunc(s.entries, func(e transcript.Entry) bool {
				return e.Kind == transcript.Exception && e.Facts["program sha256"] != ""
			})
			s.count(-1)
		}, `(step certificate-root, resumed): facts "program sha256" and "program version": the ceremony was resumed with another program`, 0},
		{"another program is said to go on", func(s *story) {
			s.except(transcript.Done, "copy", transcript.Entry{Facts: map[string]string{"program sha256": hashOf(nil), "program version": "2"}})
		}, `(step copy, exception): facts "program sha256" and "program version": they are not those of the program that goes on`, 0},
		{"an exception that is not counted", func(s *story) { s.count(-1) }, `step close, fact "exceptions": the transcript has 4, and 5 was expected`, 0},
		{"an exception that is not there", func(s *story) { s.count(1) }, `step close, fact "exceptions": the transcript has 6, and 5 was expected`, 0},
		{"an exception after they were counted", func(s *story) {
			s.insert(s.at(transcript.Closed, ""), transcript.Entry{Kind: transcript.Exception, By: admin, Text: "one more"})
		}, "(exception): it comes after the exceptions were counted", 0},
		{"a fact of what has none", func(s *story) { s.last(transcript.Begun, "copy").Facts = map[string]string{"weather": "fair"} }, `(step copy, begun): the fact "weather" is not known`, 0},
		{"a bag that is opened", func(s *story) {
			s.except(transcript.Done, "seal", transcript.Entry{Facts: map[string]string{"bag: " + plan.Media: step.BagChanged}})
		}, `(step seal, exception): fact "bag: the backup media": it is not as it was`, 0},
	}
}

// ofTheWatch are stories of a time that no watch can have shown.
func ofTheWatch() []contradiction {
	const open, ahead = "step open, fact ", `"watch ahead": `
	fact := func(id, fact, value string) func(*story) { return func(s *story) { s.facts(id)[fact] = value } }
	return []contradiction{
		{"a watch that was far ahead, and no exception", func(s *story) { s.drop(transcript.Exception, "open"); s.count(-1) }, open + ahead + "the watch is ", 0},
		{"an exception of another difference", func(s *story) { s.last(transcript.Exception, "open").Facts["watch ahead"] = "301" }, open + ahead + "the watch is ", 0},
		{"an exception of no difference", func(s *story) {
			s.except(transcript.Done, "close", transcript.Entry{Facts: map[string]string{"watch ahead": "900"}})
		}, `step close, fact "watch ahead": the watch`, 0},
		{"an exception of a watch in another step", func(s *story) {
			s.except(transcript.Done, "copy", transcript.Entry{Facts: map[string]string{"watch ahead": "900"}})
		}, `(step copy, exception): fact "watch ahead": no watch is read in this step`, 0},
		{"a watch that is said to agree", fact("open", "watch ahead", "0"), open + ahead + "the transcript has 0, and ", 1},
		{"words that are no time", fact("close", "time by the watch", "the same"), `step close, fact "time by the watch": "the same" is not a time by a watch`, 0},
		{"a clock of another day", func(s *story) {
			at, err := time.Parse(time.RFC3339, s.facts("close")["computer's clock"])
			if err != nil {
				s.t.Fatal(err)
			}
			s.facts("close")["computer's clock"] = at.AddDate(0, 0, 1).Format(time.RFC3339)
		}, `step close, fact "computer's clock": it is `, 0},
		{"a clock in no form", fact("close", "computer's clock", "noon"), `step close, fact "computer's clock": it is "noon"; a time such as `, 0},
	}
}

// ofTheSitting are stories of a ceremony that went on with no one there, or others.
func ofTheSitting() []contradiction {
	const where, id = "(step certificate-root, ", "certificate-root"
	note := func(s *story) map[string]string {
		i := slices.IndexFunc(s.entries, func(e transcript.Entry) bool {
			return e.Step == id && e.Kind == transcript.Note && e.Facts["program sha256"] != ""
		})
		return s.entries[i].Facts
	}
	return []contradiction{
		{"no one was called", func(s *story) { clear(note(s)) }, where + `done): the ceremony was resumed, and no note has the fact "program sha256" of the sitting`, 0},
		{"the words of another program", func(s *story) { note(s)["program sha256"] = hashOf(nil) }, where + `note): fact "program sha256": it is ` + hashOf(nil), 0},
		{"someone is not called", func(s *story) { delete(note(s), "present: Chen") }, `step certificate-root, the fact "present: Chen" is missing`, 1},
		{"someone else stands in, and no exception says so", func(s *story) { note(s)["present: Cora"] = step.StandsIn("Eve") }, `step certificate-root, fact "present: Cora": Eve stands in, and no exception says so`, 0},
		{"the roll is called before a step that goes on as it began", func(s *story) {
			s.last(transcript.Note, "copy").Facts["program sha256"] = s.entries[0].Facts["program sha256"]
		}, `(step copy, note): facts "program sha256" and "present: ": the ceremony was not resumed before this step`, 0},
	}
}

// gives lets other custodians have opened the share file, as it is noted too.
func gives(custodians string) func(*story) {
	return func(s *story) {
		s.last(transcript.Note, "import-standby").Facts["custodians"] = custodians
		s.facts("import-standby")["custodians"] = custodians
	}
}

// stands lets someone stand in for a witness, as an exception says.
func stands(deputy string) func(*story) {
	return func(s *story) {
		s.facts("roll-call")["present: Wim Witness"] = step.StandsIn(deputy)
		s.except(transcript.Done, "roll-call", transcript.Entry{By: "Ada Admin", Text: step.Absent("Wim Witness", deputy)})
	}
}

// ofPeople are stories in which someone cannot have been there.
func ofPeople() []contradiction {
	const where = `step roll-call, fact "present: Wim Witness": `
	const given = `step import-standby, fact "custodians": `
	present := func(said string) func(*story) {
		return func(s *story) { s.facts("roll-call")["present: Wim Witness"] = said }
	}
	return []contradiction{
		{"absent", present("no"), where + `it is "no"; "yes", or who stands in, was expected`, 0},
		{"perhaps there", present("perhaps"), where + `it is "perhaps"; "yes", or who stands in, was expected`, 0},
		{"no one stands in", stands("No  one"), where + `it is "no; No  one stands in"; "yes", or who stands in, was expected`, 0},
		{"someone without a name stands in", stands(" "), where + `it is "no;   stands in"; "yes", or who stands in, was expected`, 0},
		{"a custodian stands in", stands("carla"), where + "carla stands in, and has a part already, that of Carla", 0},
		{"the administrator stands in", stands("ADA  Admin"), where + "ADA  Admin stands in, and has a part already, that of Ada Admin", 0},
		{"they stand in for themselves", stands("Wim Witness"), where + "Wim Witness stands in, and has a part already, that of Wim Witness", 0},
		{"one stands in for two", stands("Dora"), `step roll-call, fact "present: Cora": Dora stands in, and has a part already, that of Wim Witness`, 0},
		{"someone stands in, and no exception says so", present(step.StandsIn("Eve")), where + "Eve stands in, and no exception says so", 0},
		{"someone stands in for who is here", func(s *story) {
			s.except(transcript.Done, "roll-call", transcript.Entry{By: "Ada Admin", Text: step.Absent("Wim Witness", "Eve")})
		}, where + `an exception says "Wim Witness is absent; Eve stands in"`, 0},
		{"someone is not called", func(s *story) { delete(s.facts("roll-call"), "present: Wim Witness") }, `the fact "present: Wim Witness" is missing`, 1},
		{"someone else is called", func(s *story) { s.facts("roll-call")["present: Eve"] = step.Here }, `step roll-call, fact "present: Eve": nothing in the plan has this name`, 0},
		{"too few custodians", gives("5, 4"), given + "2 custodians; 3 were expected", 0},
		{"too many custodians", gives("5, 4, 3, 2"), given + "4 custodians; 3 were expected", 0},
		{"a custodian twice", gives("5, 4, 5"), given + "custodian 5 has come twice", 1},
		{"a custodian who is not in the set", gives("5, 4, 6"), given + `"6" is not the number of a custodian`, 0},
		{"a custodian in other figures", gives("5, 4, +3"), given + `"+3" is not the number of a custodian`, 0},
		{"custodians who are not named", gives(evidence.LostCustodians), given + `"those before the interruption" is not the number of a custodian`, 1},
		{"other custodians than were noted", func(s *story) { s.facts("import-standby")["custodians"] = "5, 4, 2" }, given + "the transcript has 5, 4, 2, and 5, 4, 3 was expected", 0},
		{"custodians whom no one has noted", func(s *story) { s.drop(transcript.Note, "import-standby") }, given + "the transcript has 5, 4, 3, and nothing was expected", 0},
	}
}

// ofThings are stories in which something cannot be what it is said to be.
func ofThings() []contradiction {
	stray := func(name string) contradiction {
		return contradiction{"a file that nothing is of: " + name, func(s *story) { s.write(name, []byte("x")) }, name + ": nothing in the plan has this name", 0}
	}
	return []contradiction{
		{"standby and primary are the same", func(s *story) {
			facts, primary := s.facts("prepare-standby"), s.facts("prepare-primary")
			facts["device serial"] = primary["device serial"]
			facts["device certificates sha256"] = s.write("devices/standby.cvc", s.read("devices/primary.cvc"))
			facts["device proof sha256"] = s.write("devices/standby.proof.cvc", s.read("devices/primary.proof.cvc"))
		}, `step prepare-standby, fact "device serial": the devices standby and primary are the same one`, 2},
		{"another serial number", func(s *story) { s.facts("prepare-primary")["device serial"] = "ZZCLRQR7RRX" }, `devices/primary.cvc: step prepare-primary, fact "device serial": the transcript has ZZCLRQR7RRX`, 0},
		{"other certificates of a device", func(s *story) { s.facts("prepare-primary")["device certificates sha256"] = hashOf(nil) }, `devices/primary.cvc: step prepare-primary, fact "device certificates sha256": `, 0},
		{"no proof of a device", func(s *story) {
			delete(s.facts("prepare-primary"), "device proof sha256")
			s.write("devices/primary.proof.cvc", nil)
		}, `step prepare-primary, the fact "device proof sha256" is missing: the device primary proves that its certificate is its own`, 0},
		{"a proof of a device that no one speaks of", func(s *story) { delete(s.facts("prepare-primary"), "device proof sha256") }, `devices/primary.proof.cvc: step prepare-primary, the fact "device proof sha256" is missing`, 0},
		{"a proof of a device that is not there", func(s *story) { s.write("devices/primary.proof.cvc", nil) }, "devices/primary.proof.cvc: it is missing", 2},
		{"proofs that are exchanged", func(s *story) {
			one, other := s.read("devices/primary.proof.cvc"), s.read("devices/standby.proof.cvc")
			s.facts("prepare-primary")["device proof sha256"] = s.write("devices/primary.proof.cvc", other)
			s.facts("prepare-standby")["device proof sha256"] = s.write("devices/standby.proof.cvc", one)
		}, "devices/primary.proof.cvc: the device's proof is for another purpose", 1},
		{"a proof as the attestation of a key", func(s *story) {
			s.facts("key-root")["attestation sha256"] = s.write("attestations/root.cvc", s.read("devices/primary.proof.cvc"))
		}, `attestations/root.cvc: step key-root, fact "public key sha256": `, 1},
		{"another attestation", func(s *story) { s.facts("key-root")["attestation sha256"] = hashOf(nil) }, `attestations/root.cvc: step key-root, fact "attestation sha256": `, 0},
		{"a key at a place where none can be", func(s *story) {
			s.facts("key-root")["key reference"], s.facts("backup-root")["key reference"] = "300", "300"
		}, `step key-root, fact "key reference": it is 300; 1 to 255 was expected`, 0},
		{"a key that was wrapped elsewhere", func(s *story) { s.facts("backup-root")["key reference"] = "2" }, `step backup-root, fact "key reference": it is 2, and step key-root has 1`, 0},
		{"a key that no one says was wrapped", func(s *story) {
			delete(s.facts("backup-root"), "wrapped key sha256")
			delete(s.facts("restore"), "wrapped key sha256 root")
		}, `step backup-root: the fact "wrapped key sha256" is missing`, 2},
		{"another key was restored", func(s *story) { s.facts("restore")["restored: root"] = hashOf(nil) }, `step restore, fact "restored: root": `, 0},
		{"another file was restored", func(s *story) { s.facts("restore")["wrapped key sha256 root"] = hashOf(nil) }, `step restore, fact "wrapped key sha256 root": `, 0},
		{"another key check value after the restore", func(s *story) { s.facts("restore")["key check value"] = "0000000000000000" }, `step restore, fact "key check value": it is 0000000000000000, and step share has `, 0},
		{"another key check value in the standby device", func(s *story) { s.facts("import-standby")["key check value"] = "0000000000000000" }, `step import-standby, fact "key check value": `, 0},
		{"fewer copies, and no exception", func(s *story) {
			s.drop(transcript.Note, "copy")
			s.drop(transcript.Exception, "copy")
			s.count(-1)
			s.facts("copy")["copies"] = "2"
			delete(s.facts("copy"), "medium 3")
			s.facts("seal")["bag: backup medium 3"] = plan.NoBag
		}, `step copy, fact "copies": 2 copies; 3 at least were planned, and an exception where they are fewer`, 0},
		{"a bag of a medium that was not written", func(s *story) {
			s.drop(transcript.Note, "copy")
			s.last(transcript.Exception, "copy").Facts = nil
			s.last(transcript.Exception, "copy").Text = step.TooFewCopies(2, 3)
			s.facts("copy")["copies"] = "2"
			delete(s.facts("copy"), "medium 3")
		}, `step seal, fact "bag: backup medium 3": it is PRACTICE-4, and the backup was not copied to it`, 0},
		{"copies that were not noted", func(s *story) { s.facts("copy")["copies"] = "4" }, `step copy, fact "copies": it is 4, and there are 3 notes with the fact "medium"`, 0},
		{"a medium that is left out", func(s *story) { s.last(transcript.Note, "copy").Facts["medium"] = "4" }, `step copy, fact "medium": it is 4, and 3 was expected`, 2},
		{"fewer copies in an exception alone", func(s *story) { s.except(transcript.Done, "copy", transcript.Entry{Text: step.TooFewCopies(3, 3)}) }, `step copy, fact "copies": 3 copies; 3 at least`, 0},
		{"a medium twice, and no exception", func(s *story) {
			note := s.last(transcript.Note, "copy")
			s.facts("copy")["medium 3"], note.Facts["identity"] = s.facts("copy")["medium 1"], s.facts("copy")["medium 1"]
			s.drop(transcript.Exception, "copy")
			s.count(-1)
		}, `step copy, fact "medium 3": it is UUID 6A3F-11B2, as medium 1 is, and no exception says so`, 0},
		{"an exception of another medium", func(s *story) { s.last(transcript.Exception, "copy").Facts["medium"] = "1" }, `step copy, fact "identity": it is UUID 0d6f61f7-5b4d-4f4e-9d0e-0a4c0f6c1a2b, and step copy has UUID 6A3F-11B2 as the fact "medium 1"`, 0},
		{"another medium than was noted", func(s *story) { s.facts("copy")["medium 2"] = "UUID 0" }, `step copy, fact "medium 2": it is UUID 0, and step copy has UUID 6A3F-11B3 as the fact "identity"`, 0},
		{"a medium that was written elsewhere", func(s *story) {
			s.except(transcript.Done, "seal", transcript.Entry{Facts: map[string]string{"medium": "1", "identity": "UUID 6A3F-11B2"}})
		}, `(step seal, exception): facts "medium" and "identity": nothing is copied in this step`, 0},
		{"one bag for two things", func(s *story) {
			s.facts("seal")["bag: the sheet of Cem"] = s.facts("seal")["bag: the sheet of Cora"]
		}, `step seal, fact "bag: the sheet of Cora": it is PRACTICE-8, as for the sheet of Cem`, 0},
		{"one bag, written in two ways", func(s *story) { s.facts("seal")["bag: the sheet of Cem"] = "practice -8" }, `step seal, fact "bag: the sheet of Cora": it is PRACTICE-8, as for the sheet of Cem`, 0},
		{"a bag of something else", func(s *story) { s.facts("seal")["bag: the cat"] = "A-1" }, `step seal, fact "bag: the cat": nothing in the plan has this name`, 0},
		{"sheets that are void", func(s *story) {
			s.except(transcript.Done, "share", transcript.Entry{Facts: map[string]string{"sheets": step.SheetsVoid}})
		}, `step share, fact "sheets": it is void when the sheets are done, and shown was expected`, 0},
		{"sheets that were never shown", func(s *story) { s.drop(transcript.Note, "share") }, `step share, fact "sheets": it is nothing when the sheets are done`, 0},
		{"sheets that were not proved", func(s *story) { s.facts("share")["proof"] = "looked good" }, `step share, fact "proof": the transcript has looked good`, 0},
		{"another ceremony key", func(s *story) { s.facts("open")["ceremony key sha256"] = hashOf(nil) }, `ceremony-key.txt: step open, fact "ceremony key sha256": `, 0},
		{"a request that asks for more than was decided about", func(s *story) { s.replan(func(p *plan.Plan) { p.FindCertificate("issuing").LeaveOut = nil }) },
			`inputs/issuing.csr: request: it asks for subjectAltName (DNS ca.example.com), which the certificate will not have`, 0},
		{"another request", func(s *story) { s.facts("open")["input issuing.csr"] = hashOf(nil) }, `inputs/issuing.csr: step open, fact "input issuing.csr": `, 0},
		{"another version", func(s *story) { s.entries[0].Facts["program version"] = "v9" }, `software.cdx.json: entry 0 (opened), fact "program version": the transcript has v9`, 0},
		{"a plan of more custodians", func(s *story) { s.replan(func(p *plan.Plan) { p.Custody.Threshold = 2 }) }, "custody/set.json: the quorum is 3-of-5, and 2-of-5 was expected", 3},
		{"a file that the close does not name", func(s *story) { delete(s.facts("close"), "file README.txt") }, `README.txt: the transcript does not name it (step close, fact "file README.txt")`, 0},
		{"a file that the close alone names", func(s *story) { s.facts("close")["file photos/bag.jpg"] = hashOf(nil) }, `photos/bag.jpg: it is missing; step close, fact "file photos/bag.jpg" names it`, 0},
		stray("certificates/root-2.pem"), stray("crls/root-crl-2.crl"), stray("inputs/other.csr"), stray("devices/third.cvc"), stray("attestations/other.cvc"), stray("custody/set-2.json"),
		stray("register-before.json"), stray("ceremony/plan.json"), stray("last-drill/checkpoint"),
	}
}

// ofTheRecord are stories in which the record of the sheets cannot be.
func ofTheRecord() []contradiction {
	const file = evidence.RecordFile + ": "
	record := func(change func(record map[string]any, custodians []any)) func(*story) {
		return func(s *story) { s.record(change) }
	}
	set := func(field string, value any) func(*story) {
		return record(func(r map[string]any, _ []any) { r[field] = value })
	}
	return []contradiction{
		{"a sheet that was not read back", record(func(_ map[string]any, c []any) { c[2].(map[string]any)["read_back"] = false }), file + "the sheet of Cem was not typed back", 0},
		{"one fingerprint of two custodians", record(func(_ map[string]any, c []any) {
			c[2].(map[string]any)["fingerprint"] = c[1].(map[string]any)["fingerprint"]
		}), file + "set record: custodians 2 and 3 have the same fingerprint", 0},
		{"a custodian less", record(func(r map[string]any, c []any) { r["custodians"] = c[:4] }), file + "set record: 4 custodians, 5 expected", 0},
		{"a prime that is not of the strength", set("strength", 64), file + "set record: the prime is not one for a strength of 64 bits", 0},
		{"a strength that is not planned", record(func(r map[string]any, _ []any) { r["strength"], r["prime"] = 64, "ff:ff:ff:ff:ff:ff:ff:c5" }), file + "the strength is 64, and 128 was expected", 0},
		{"another threshold", set("threshold", 2), file + "the quorum is 2-of-5, and 3-of-5 was expected", 0},
		{"another custodian", record(func(_ map[string]any, c []any) { c[3].(map[string]any)["name"] = "Eve" }), file + "custodian 4 is Eve, and Cora was expected", 0},
		{"another set", set("set", "AAAA"), file + `step share, fact "set": `, 0},
		{"another key check value", set("kcv", "0000000000000000"), file + `step share, fact "key check value": `, 0},
		{"another ceremony", set("ceremony", "Other CA"), file + "the ceremony is Other CA, and Example Root CA key ceremony was expected", 0},
		{"another share file", set("share_file", map[string]any{"name": "dkek.pbe", "sha256": hashOf(nil)}), file + `step share, fact "share file sha256": `, 0},
		{"a set before it", set("replaces", []string{"AAAA"}), file + "it replaces the sets AAAA, and nothing was expected", 0},
	}
}

// ofSignatures are stories in which something else was signed than is told.
func ofSignatures() []contradiction {
	// intent notes, before the last one, that something else was about to be signed.
	intent := func(number, tbs string) func(*story) {
		return func(s *story) {
			i := slices.IndexFunc(s.entries, func(e transcript.Entry) bool { return e.Step == "certificate-root" && e.Facts["tbs sha256"] != "" })
			note := s.entries[i]
			note.Facts = map[string]string{"about to sign": "certificate", "number": number, "tbs sha256": tbs}
			s.insert(i, note)
		}
	}
	note := func(fact, value string) func(*story) {
		return func(s *story) { s.last(transcript.Note, "certificate-issuing").Facts[fact] = value }
	}
	return []contradiction{
		{"a signature that was begun, and never settled", intent("7", hashOf(nil)), `step certificate-root, facts "number" and "tbs sha256": number 7 was about to be signed, and neither the register nor an exception says what came of it`, 0},
		{"a signature that is said not to have been made, and was", func(s *story) {
			issuing := s.last(transcript.Note, "certificate-issuing").Facts
			intent(issuing["number"], issuing["tbs sha256"])(s)
			s.except(transcript.Done, "certificate-root", transcript.Entry{Facts: map[string]string{"tbs sha256": issuing["tbs sha256"]}})
		}, "was about to be signed, and neither the register nor an exception says what came of it", 0},
		{"a signature of which an exception tells elsewhere", func(s *story) {
			s.except(transcript.Done, "copy", transcript.Entry{Facts: map[string]string{"tbs sha256": hashOf(nil)}})
		}, `(step copy, exception): fact "tbs sha256": nothing is signed in this step`, 0},
		{"no one says what was about to be signed", func(s *story) { s.drop(transcript.Note, "certificate-issuing") }, `step certificate-issuing, the fact "tbs sha256" is missing`, 0},
		{"half of what was about to be signed", func(s *story) { delete(s.last(transcript.Note, "certificate-issuing").Facts, "number") }, `(step certificate-issuing, note): the fact "number" is missing`, 1},
		{"a CRL was about to be signed", note("about to sign", "crl"), `step certificate-issuing, fact "about to sign": the transcript has crl, and certificate was expected`, 0},
		{"another number was about to be signed", note("number", "7"), `step certificate-issuing, fact "number": the transcript has 7`, 0},
		{"something else was about to be signed", note("tbs sha256", hashOf(nil)), `step certificate-issuing, fact "tbs sha256": `, 0},
		{"another serial number", func(s *story) { s.facts("certificate-issuing")["serial number"] = "7" }, `certificates/issuing.pem: step certificate-issuing, fact "serial number": the transcript has 7`, 0},
		{"another certificate", func(s *story) { s.facts("certificate-issuing")["certificate sha256"] = hashOf(nil) }, `certificates/issuing.pem: step certificate-issuing, fact "certificate sha256": `, 2},
		{"certificates that are exchanged", func(s *story) { s.write("certificates/issuing.pem", s.read("certificates/root.pem")) }, `certificates/issuing.pem: step certificate-issuing, fact "serial number": `, 5},
		{"another CRL number", func(s *story) { s.facts("crl-root-crl-1")["crl number"] = "2" }, `crls/root-crl-1.crl: step crl-root-crl-1, fact "crl number": the transcript has 2, and 1 was expected`, 0},
		{"a plan of another validity", func(s *story) {
			s.replan(func(p *plan.Plan) { p.Certificates[0].NotAfter = p.Certificates[0].NotAfter.AddDate(10, 0, 0) })
		}, "certificates/root.pem: it does not say what the plan says", 0},
		{"a register without what was signed", func(s *story) {
			s.register("register.json", func(entries []string) []string { return slices.Delete(entries, 1, 2) })
		}, "register.json: it does not have what has SHA-256 ", 1},
		{"a number that was lost, and that no step was about to sign", func(s *story) {
			s.register("register.json", func(entries []string) []string { return slices.Insert(entries, 1, settled(entries[0])) })
		}, "was settled, and no step was about to sign it", 0},
		{"a CRL without a number", func(s *story) {
			s.facts("crl-root-crl-1")["crl sha256"] = s.replace("crls/root-crl-1.crl", "\x06\x03\x55\x1d\x14", "\x06\x03\x55\x1d\x7f")
		}, "crls/root-crl-1.crl: it has no CRL number", 2},
	}
}

// ofTheRegister are stories of a register that was not continued as it was.
func ofTheRegister() []contradiction {
	const before, full, last = "register-before.json", "crls/full.register.json", "register.json"
	register := func(name string, change func([]string) []string) func(*story) {
		return func(s *story) { s.register(name, change) }
	}
	first := func(entries []string) []string { return entries[1:] }
	// pardoned takes back the revocation.
	pardoned := func(entries []string) []string {
		for i, e := range entries {
			if at := strings.Index(e, ",\n      \"revocations\""); at >= 0 {
				entries[i] = e[:at]
			}
		}
		return entries
	}
	// public makes a public CA of the root.
	public := func(issuers []string) []string {
		return append(issuers, strings.Replace(issuers[0], `"root"`, `"cabf-root"`, 1))
	}
	root := func(content string) func(*story) {
		return func(s *story) { s.facts("open")["input root.pem"] = s.write("inputs/root.pem", []byte(content)) }
	}
	return []contradiction{
		{"an entry less", register(last, first), "register.json: it does not have certificate ", 0},
		{"an entry less than before", register(before, first), "was signed in the ceremony, and is not in the plan", 0},
		{"an entry less when a CRL was signed", register(full, first), full + ": it does not have certificate ", 0},
		{"a CRL less when one was signed", register(full, func(entries []string) []string {
			return slices.DeleteFunc(entries, func(e string) bool { return strings.Contains(e, `"kind": "crl"`) })
		}), "crls/full.crl: its number is 2, and 1 was expected, the one after the last in the register", 1},
		{"a revocation that is taken back", register(last, pardoned), "register.json: it does not have certificate ", 0},
		{"an issuer less", func(s *story) {
			s.elements(last, "issuers", func(issuers []string) []string { return issuers[1:] })
		}, "register.json: it does not have what was known of issuers before", 0},
		{"a CRL that does not keep to the profile of its issuer", func(s *story) {
			s.elements("crls/delta.register.json", "issuers", public)
			s.elements(last, "issuers", public)
		}, "crls/delta.crl: deltaOf: a public CA should sign no delta CRLs", 0},
		{"a revocation that a CRL does not know", register(full, pardoned), "crls/full.crl: it does not say what the plan and the register say", 1},
		{"what is signed was there before", func(s *story) { s.write(before, s.read("crls/delta.register.json")) }, before + ": certificate ", 2},
		{"no register before", func(s *story) { s.write(before, nil) }, before + ": it is missing", 3},
		{"no register when a CRL was signed", func(s *story) { s.write(full, nil) }, full + ": it is missing", 0},
		{"a root that is none", root("x"), "inputs/root.pem: ", 0},
		{"a register that did not come with the plan", func(s *story) { s.write("inputs/register.sqlite", []byte("x")) }, `inputs/register.sqlite: step open, fact "input register.sqlite": `, 0},
	}
}

// ofTheDrill are stories of a drill that contradict it, or its ceremony.
func ofTheDrill() []contradiction {
	const chen, seal = "bag: the sheet of Chen", "step seal, fact "
	fact := func(id, fact, value string) func(*story) { return func(s *story) { s.facts(id)[fact] = value } }
	return []contradiction{
		{"a sheet that is fine", fact("sheet-2", "sheet", "fine"), `step sheet-2, fact "sheet": it is fine; good, not good or not here was expected`, 0},
		{"a bad sheet without an exception", fact("sheet-2", "sheet", step.SheetBad), `step sheet-2, fact "sheet": it is not good, and no exception says so`, 0},
		{"an absent sheet that was seen", fact("sheet-4", "sheet", step.SheetGood), `step sheet-4, fact "sheet": it is good, and an exception says that it is not here`, 1},
		{"a good sheet that is bad", func(s *story) {
			s.except(transcript.Done, "sheet-2", transcript.Entry{Text: step.SheetIs("the sheet of Chen", step.SheetBad)})
		}, `step sheet-2, fact "sheet": it is good, and an exception says that it is not good`, 0},
		{"a bag with another number", func(s *story) {
			s.facts("sheet-2")[chen], s.last(transcript.Note, "sheet-2").Facts[chen] = "PRACTICE-99", "PRACTICE-99"
		}, `step sheet-2, fact "bag: the sheet of Chen": it is PRACTICE-99; PRACTICE-6, or "not as it was", was expected`, 0},
		{"a bag that was noted otherwise", fact("sheet-2", chen, step.BagChanged), `step sheet-2, fact "bag: the sheet of Chen": it is not as it was, and was noted as PRACTICE-6`, 0},
		{"a bag at which no one has looked", func(s *story) {
			delete(s.facts("sheet-2"), chen)
			s.drop(transcript.Note, "sheet-2")
		}, `step sheet-2, the fact "bag: the sheet of Chen" is missing`, 0},
		{"a bag of a thing that was in none", func(s *story) {
			s.facts("compare-primary")["bag: the device primary"] = step.BagChanged
			s.except(transcript.Done, "compare-primary", transcript.Entry{Facts: map[string]string{"bag: the device primary": step.BagChanged}})
		}, `step compare-primary, fact "bag: the device primary": it is not as it was, and it was put into no bag`, 0},
		{"a bag that the step is not about", fact("inspect", chen, "PRACTICE-6"), `step inspect, fact "bag: the sheet of Chen": the step is about backup medium 1, backup medium 2, backup medium 3`, 0},
		{"a note of a bag in another step", func(s *story) { s.last(transcript.Note, "open-backup").Facts[chen] = "PRACTICE-6" }, `(step open-backup, note): fact "bag: the sheet of Chen": this step has no such note`, 0},
		{"an exception of a bag in another step", func(s *story) {
			s.except(transcript.Done, "inspect", transcript.Entry{Facts: map[string]string{chen: step.BagChanged}})
		}, `(step inspect, exception): fact "bag: the sheet of Chen": it is not as it was; not as it was was expected, in the step`, 0},
		{"an exception of a bag while another is looked at", func(s *story) {
			i := slices.IndexFunc(s.entries, func(e transcript.Entry) bool { return e.Facts["bag: backup medium 1"] == step.BagChanged })
			exception := s.entries[i]
			exception.Time = time.Time{}
			s.entries = slices.Delete(s.entries, i, i+1)
			s.insert(s.at(transcript.Done, "seal"), exception)
		}, "(step inspect, exception): this step is not under way", 0},
		{"an exception of a bag of nothing", func(s *story) {
			s.except(transcript.Done, "seal", transcript.Entry{Facts: map[string]string{"bag: the cat": step.BagChanged}})
		}, `(step seal, exception): fact "bag: the cat": `, 0},
		{"a bag that was opened, and has its number", fact("seal", chen, "PRACTICE-6"), seal + `"bag: the sheet of Chen": it is PRACTICE-6, which is or was the number of the bag of the sheet of Chen`, 0},
		{"a bag that was opened meanwhile, and has its number", fact("seal", "bag: the sheet of Cora", "PRACTICE-8"), seal + `"bag: the sheet of Cora": it is PRACTICE-8, which is or was the number of the bag of the sheet of Cora`, 0},
		{"a bag for two things", func(s *story) { s.facts("seal")[chen] = s.facts("seal")["bag: the sheet of Cem"] }, seal + `"bag: the sheet of Cem": it is PRACTICE-19, `, 1},
		{"another medium, and no exception", fact("inspect", "medium 1", "UUID 0"), `step inspect, fact "medium 1": it is UUID 0, and exceptions do not say that of backup medium 1`, 0},
		{"a medium that is not good, and no exception", fact("inspect", "medium 1", step.SheetBad), `step inspect, fact "medium 1": it is not good, and exceptions do not say that`, 0},
		{"a medium that is good after all", fact("inspect", "medium 2", step.SheetGood), `step inspect, fact "medium 2": it is good, and exceptions do not say that`, 0},
		{"another share file", fact("inspect", "share file sha256", hashOf(nil)), `step inspect, fact "share file sha256": `, 0},
		{"another wrapped key", fact("inspect", "wrapped key sha256 root", hashOf(nil)), `step inspect, fact "wrapped key sha256 root": `, 0},
		{"another device", func(s *story) {
			s.facts("compare-primary")["device serial"] = s.facts("compare-standby")["device serial"]
		}, `step compare-primary, fact "device serial": `, 0},
		{"another DKEK in a device", fact("compare-primary", "key check value", "0000000000000000"), `step compare-primary, fact "key check value": `, 0},
		{"another DKEK in the backup", fact("open-backup", "key check value", "0000000000000000"), `step open-backup, fact "key check value": `, 0},
		{"another key in the backup", fact("open-backup", "restored: root", hashOf(nil)), `step open-backup, fact "restored: root": `, 0},
		{"too few custodians", func(s *story) {
			s.facts("open-backup")["custodians"], s.last(transcript.Note, "open-backup").Facts["custodians"] = "1, 2", "1, 2"
		}, `step open-backup, fact "custodians": 2 custodians; 3 were expected`, 0},
		{"another closing of the ceremony", func(s *story) { s.replan(func(p *plan.Plan) { p.Drill.Closing = hashOf(nil) }) }, "plan.json: the closing of the first ceremony is ", 0},
		{"a drill before that is not there", func(s *story) { s.replan(func(p *plan.Plan) { p.Drill.Last = hashOf(nil) }) }, "plan.json: the closing of the evidence before it is ", 0},
		{"bags of another number", func(s *story) { s.replan(func(p *plan.Plan) { p.Drill.Bags[1].Number = "A-7" }) }, "plan.json: its plan says that the bags were [", 0},
		{"another record", func(s *story) { s.record(func(r map[string]any, _ []any) { r["set"] = "AAAA" }) }, `custody/set.json: step share, fact "set": `, 0},
		{"a transcript of the ceremony that is cut off", func(s *story) {
			text := s.read("ceremony/transcript.jsonl")
			s.write("ceremony/transcript.jsonl", text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1])
		}, "ceremony/transcript.jsonl: the transcript in ceremony: ", 0},
		{"a drill before that no one speaks of", func(s *story) { s.write("last-drill/plan.json", s.read("ceremony/plan.json")) }, "last-drill/plan.json: nothing in the plan has this name", 0},
	}
}

// twoKeys holds a ceremony with two keys, and gives the one that has signed the
// request, which asks for no key identifier.
func twoKeys(t *testing.T) (held, *ecdsa.PrivateKey) {
	s := newStage(t, func(p *plan.Plan) { p.Keys = append(p.Keys, plan.Key{Name: "spare", Type: "ec:secp384r1"}) })
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Base, "issuing.csr"), issuingRequest(t, s.Plan.FindCertificate("issuing"), key), 0o600); err != nil {
		t.Fatal(err)
	}
	return held{s.forge(t), s.Plan}, key
}

// earlierIdentifier lets the request ask for the key identifier that earlier versions
// passed over.
func (h held) earlierIdentifier(t *testing.T, key *ecdsa.PrivateKey) {
	s := h.retell(t)
	s.facts("open")["input issuing.csr"] = s.write("inputs/issuing.csr", issuingRequest(t, h.plan.FindCertificate("issuing"), key, keyIdentifier(t, key)))
	report, err := s.verify()
	if err != nil || !slices.ContainsFunc(report.Shown, func(text string) bool {
		return strings.HasPrefix(text, "request of issuing: passed over: the key identifier")
	}) {
		t.Errorf("%v\n%s", err, strings.Join(report.Shown, "\n"))
	}
}

// ofKeys are stories of two keys that are one.
func ofKeys() []contradiction {
	return []contradiction{
		{"at one place", func(s *story) {
			s.facts("key-spare")["key reference"], s.facts("backup-spare")["key reference"] = "1", "1"
		}, `step key-spare, fact "key reference": the key root is at the reference 1 too`, 0},
		{"one attestation for both", func(s *story) {
			root := s.facts("key-root")
			spare := s.facts("key-spare")
			spare["attestation sha256"], spare["public key sha256"] = s.write("attestations/spare.cvc", s.read("attestations/root.cvc")), root["public key sha256"]
			s.facts("restore")["restored: spare"] = root["public key sha256"]
		}, `step key-spare, fact "public key sha256": the key root is the same one`, 1}, // and it is of another type
	}
}

// interrupted lets the power fail, or someone stop, between all entries where a
// ceremony is interrupted: what an honest program writes then verifies.
func (h held) interrupted(t *testing.T) {
	if report, err := h.retell(t).verify(); err != nil || report.Level() != evidence.Proved {
		t.Fatalf("as it is told: %v %v", err, report.Unproved)
	}
	n, drawn := 0, testrun.OneIn(t, 2)
	for i, e := range h.entries {
		if i == 0 || e.Kind != transcript.Done && e.Kind != transcript.Opened && e.Kind != transcript.Begun {
			continue
		}
		if n++; testing.Short() && n%5 != 0 && e.Step != step.Close.ID() {
			continue
		}
		all := h.interruptions(i)
		for j, how := range slices.Sorted(maps.Keys(all)) {
			if (n+j)%3 == 0 && drawn() || e.Step == step.Close.ID() { // each of them at some places
				h.interruptedBy(t, i, how, all[how])
			}
		}
	}
}

// interruptedBy tells the story with an interruption after an entry.
func (h held) interruptedBy(t *testing.T, i int, how string, entries []transcript.Entry) {
	t.Helper()
	s, e := h.retell(t), h.entries[i]
	s.insert(i+1, entries...)
	s.callAgain(i + 1)
	if e.Step != step.Close.ID() || e.Kind != transcript.Done { // where they are counted
		for _, more := range entries {
			if more.Kind == transcript.Exception {
				s.count(1)
			}
		}
	}
	if report, err := s.verify(); err != nil || report.Level() != evidence.Proved {
		t.Errorf("%s after entry %d (%s of step %s): %v", how, i, e.Kind, e.Step, err)
	}
}

// callAgain lets the roll be called in the step that is taken first after a place where
// the ceremony may have been resumed.
func (s *story) callAgain(from int) {
	s.t.Helper()
	var program string
	facts, done := map[string]string{}, map[string]bool{}
	for _, name := range s.plan.CalledAgain() {
		if !s.plan.CallsRoll() {
			facts["present: "+name] = step.Here
		}
	}
	for i, e := range s.entries {
		for name, value := range e.Facts {
			if strings.HasPrefix(name, "present: ") {
				facts[name] = value
			}
		}
		switch e.Kind {
		case transcript.Resumed:
			program = e.Facts["program sha256"]
		case transcript.Done:
			done[e.Step] = true
		case transcript.Begun:
			rest := s.entries[i:]
			end := slices.IndexFunc(rest, func(e transcript.Entry) bool { return e.Kind == transcript.Done })
			called := slices.ContainsFunc(rest[:max(0, end)], func(e transcript.Entry) bool { return e.Kind == transcript.Note && e.Facts["program sha256"] != "" })
			again := slices.ContainsFunc(rest[1:max(1, end)], func(e transcript.Entry) bool { return e.Kind == transcript.Begun })
			if i < from || again {
				continue
			}
			if resumed := slices.ContainsFunc(s.entries[from:i], func(e transcript.Entry) bool { return e.Kind == transcript.Resumed }); resumed && !called && done["open"] {
				facts["program sha256"] = program
				s.insert(i+1, transcript.Entry{Kind: transcript.Note, Step: e.Step, By: e.By, Time: e.Time, Facts: facts})
			}
			return
		}
	}
}

// interruptions are what an interruption after an entry leaves.
func (h held) interruptions(i int) map[string][]transcript.Entry {
	e, admin := h.entries[i], h.plan.People.Administrator
	var now map[string]string // the program that runs
	for _, before := range h.entries[:i+1] {
		if before.Kind == transcript.Opened || before.Kind == transcript.Resumed {
			now = map[string]string{"program sha256": before.Facts["program sha256"], "program version": before.Facts["program version"]}
		}
	}
	other := map[string]string{"program sha256": hashOf([]byte("another")), "program version": "v2"}
	earlier := e.Time.Add(-time.Hour)
	entry := func(kind transcript.Kind, at time.Time, facts map[string]string) transcript.Entry {
		return transcript.Entry{Kind: kind, Time: at, Step: e.Step, Facts: facts}
	}
	clock := entry(transcript.Exception, earlier, map[string]string{"clock was": evidence.Clock(e.Time)})
	stopped := entry(transcript.Stopped, e.Time, nil)
	stopped.By = admin
	resumed := entry(transcript.Resumed, e.Time, now)
	back := entry(transcript.Resumed, earlier, now)
	all := map[string][]transcript.Entry{
		"a power cut":                          {resumed},
		"a power cut, with the clock put back": {clock, back},
		"a power cut before another program is told of, which does not come back": {
			resumed, clock, entry(transcript.Resumed, earlier, other), back,
		},
		"two power cuts of another program": {
			entry(transcript.Resumed, e.Time, other), entry(transcript.Resumed, e.Time, other), entry(transcript.Exception, e.Time, other),
			resumed, entry(transcript.Exception, e.Time, now),
		},
	}
	if e.Step != step.Close.ID() || e.Kind != transcript.Done { // then no one is asked who can stop
		all["a stop"] = []transcript.Entry{stopped, resumed}
		all["a stop, with the clock put back"] = []transcript.Entry{stopped, clock, back}
		all["a stop, with the clock put back twice"] = []transcript.Entry{
			stopped, clock, entry(transcript.Exception, earlier.Add(-time.Hour), map[string]string{"clock was": evidence.Clock(earlier)}), entry(transcript.Resumed, earlier.Add(-time.Hour), now),
		}
		all["someone's own words"] = []transcript.Entry{{Kind: transcript.Exception, Time: e.Time, Step: e.Step, By: admin, Text: "the lamp went out"}}
		all["words like a program's"] = []transcript.Entry{
			{Kind: transcript.Exception, Time: e.Time, Step: e.Step, By: admin, Text: h.plan.People.Administrator + " is absent; they are late"},
			{Kind: transcript.Exception, Time: e.Time, Step: e.Step, By: admin, Text: step.SheetIs("the sheet of Chen", step.SheetBad)},
		}
	}
	if e.Kind == transcript.Begun { // the step is taken again
		for how, entries := range all {
			if last := entries[len(entries)-1]; !strings.Contains(how, "words") {
				again := h.entries[i]
				again.Time = last.Time
				all[how] = append(entries, again)
			}
		}
	}
	return all
}

// empty leaves no fact anything to say: nothing agrees with nothing.
func (h held) empty(t *testing.T) {
	n := 0
	for i, e := range h.entries {
		for _, name := range slices.Sorted(maps.Keys(e.Facts)) {
			if n++; n%3 != 0 || testing.Short() && n%13 != 0 {
				continue
			}
			h.refused(t, e, name, "emptied", rewrite(h.entries, i, func(facts map[string]string) { facts[name] = "" }))
		}
	}
	s := h.retell(t)
	for i := range s.entries {
		for name := range s.entries[i].Facts {
			s.entries[i].Facts[name] = ""
		}
	}
	if _, err := s.verify(); err == nil {
		t.Error("it verifies with no fact in it")
	}
}

// earlierSchema tells the story as an earlier release would have, which has fewer
// facts: that all of it is proved must not be said then.
func (h held) earlierSchema(t *testing.T) {
	s := h.retell(t)
	s.entries = earlierFacts(t, h.plan, s.entries)
	report, err := s.verify()
	if err != nil || report.Level() != evidence.Unproved {
		t.Errorf("it is %s: %v", report.Level(), err)
	}
}

// earlierFacts gives the entries of a transcript as they were in the first schema.
func earlierFacts(t *testing.T, p *plan.Plan, entries []transcript.Entry) []transcript.Entry {
	t.Helper()
	actions := map[string]step.Action{}
	for _, planned := range p.Steps() {
		actions[planned.ID] = planned.Action
	}
	entries = slices.DeleteFunc(slices.Clone(entries), func(e transcript.Entry) bool { return e.Facts["entered"]+e.Facts["left"] != "" })
	for i, e := range entries {
		facts := map[transcript.Kind]any{
			transcript.Opened: &step.Opened{}, transcript.Resumed: &step.Resumed{}, transcript.Note: &step.NoteFacts{}, transcript.Exception: &step.ExceptionFacts{},
		}[e.Kind]
		if e.Kind == transcript.Done {
			facts = actions[e.Step].New()
		}
		if facts == nil {
			continue
		}
		err := step.Read(e.Facts, step.Schema, facts)
		if err == nil {
			entries[i].Facts, err = step.Write(facts, 1)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return entries
}

// alwaysTheSame wants the same problems, in the same order, whenever a bundle with
// many is verified.
func (h held) alwaysTheSame(t *testing.T) {
	s := h.retell(t)
	for i, e := range s.entries {
		if e.Kind == transcript.Note {
			s.entries[i].Facts = map[string]string{
				"sheets": "?", "about to sign": "?", "custodians": "?", "medium": "9", "bag: one": "?", "bag: two": "?", "bag: three": "?",
			}
		}
		if e.Kind == transcript.Done {
			s.entries[i].Facts = map[string]string{"a": "?", "b": "?", "c": "?", "present: a": "?", "present: b": "?", "file a": "?", "file b": "?"}
		}
	}
	s.insert(1, transcript.Entry{Kind: transcript.Exception, Facts: map[string]string{"bag: one": "?", "bag: two": "?", "bag: three": "?", "bag: four": "?"}})
	_, first := s.verify()
	for range 5 {
		if _, again := s.verify(); first == nil || again.Error() != first.Error() {
			t.Fatalf("%v\nand then\n%v", first, again)
		}
	}
}

// notCompared is a drill in which a device does not say which DKEK it has.
func (h held) notCompared(t *testing.T) {
	s := h.retell(t)
	s.facts("compare-primary")["key check value"] = step.NotShown
	report, err := s.verify()
	if err != nil || report.Level() != evidence.Unproved || !strings.Contains(strings.Join(report.Unproved, "\n"), "device primary: that its DKEK is the one of the ceremony") {
		t.Errorf("it is %s, without %q: %v", report.Level(), report.Unproved, err)
	}
}
