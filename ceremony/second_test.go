package ceremony_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/transcript"
	"conclave/internal/testrun"
)

// judge lets the verifier on the page judge a bundle, with the ceremony key as it
// is on the paper.
func (h held) judge(t *testing.T, bundle fstest.MapFS) (string, error) {
	t.Helper()
	return h.second.Verify(t, bundle, fmt.Sprintf("%x", h.paper.Key))
}

// accepted: evidence of every kind is accepted by the verifier on the page, too.
func (h held) accepted(t *testing.T) {
	if out, err := h.judge(t, h.sign(t, h.entries, nil)); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// ofBoth are stories that both verifiers refuse, although the ceremony key has
// signed them; want is what the second one says.
func ofBoth() map[string][]contradiction {
	return map[string][]contradiction{
		"ceremony": {
			{"a step that was never begun", func(s *story) { s.drop(transcript.Begun, "copy") }, "step copy is not under way", 0},
			{"a ceremony that goes on after its close", func(s *story) { s.entries = append(s.entries, s.entries[len(s.entries)-1]) }, "an entry is closed there", 0},
			{"a file that was added", func(s *story) { s.files["photos/later.jpg"] = []byte("later") }, "the files are not those that the close names", 0},
		},
		"drill": {
			{"another closing of the ceremony", func(s *story) { s.replan(func(p *plan.Plan) { p.Drill.Closing = hashOf(nil) }) }, "plan.json goes on from other evidence", 0},
			{"another plan of the ceremony", func(s *story) { s.replace("ceremony/plan.json", "Vault", "Wault") }, "plan.json is not that of the transcript", 0},
			{"another key of the ceremony", func(s *story) { s.write("ceremony/ceremony-key.txt", s.read(evidence.KeyFile)) }, "transcript.jsonl, line 1: ", 0},
			{"a checkpoint that was edited", func(s *story) { s.replace("ceremony/checkpoint", "\n", " \n") }, "checkpoint is not the last head", 0},
			{"a drill before that is not there", func(s *story) { s.replan(func(p *plan.Plan) { p.Drill.Last = hashOf(nil) }) }, "plan.json goes on from other evidence", 0},
		},
	}
}

// refusedByBoth wants both verifiers to refuse a story.
func (h held) refusedByBoth(t *testing.T, c contradiction) {
	s := h.retell(t)
	c.change(s)
	if _, err := s.verify(); err == nil {
		t.Error("the first one accepts it")
	}
	if out, err := h.judge(t, s.sign(t, s.entries, s.files)); err == nil || !strings.Contains(out, c.want) {
		t.Errorf("the second one, %v: %s; %q was expected", err, out, c.want)
	}
}

// TestForgedChain: whoever holds the key of the last link cannot put others before it, to
// either verifier.
func TestForgedChain(t *testing.T) {
	y := newYears(t, nil)
	y.drilled(t, 12)
	y.changed(t, plan.NewSheets, nil)
	next := y.prepare(t, 12, func(b *ceremony.Before) *plan.Plan { return b.Drill(y.day) })
	h := held{next.forge(t), next.Plan}
	t.Run("accepted by the page", h.accepted)
	for _, c := range testrun.Draw(t, forgedLinks(), 4) {
		t.Run(c.what, func(t *testing.T) { h.refusedByBoth(t, c) })
	}
}

// forgedLinks are chains of a ceremony, a drill and new sheets that were not like that.
func forgedLinks() []contradiction {
	const ceremony, drill, sheets, other = "ceremony/", "chain/2/", "chain/3/", "plan.json goes on from other evidence"
	return []contradiction{
		{"links exchanged", func(s *story) { s.putLinks(map[string]string{drill: sheets, sheets: drill}) }, other, 0},
		{"a link left out", func(s *story) { s.putLinks(map[string]string{drill: sheets, sheets: ""}) }, other, 0},
		{"a link twice", func(s *story) { s.putLinks(map[string]string{"chain/4/": sheets}) }, other, 0},
		{"a drill as the first ceremony", func(s *story) { s.putLinks(map[string]string{ceremony: drill}) }, other, 0},
		{"no ceremony", func(s *story) { s.putLinks(map[string]string{ceremony: ""}) }, other, 0},
		{"another one before", func(s *story) { s.replan(func(p *plan.Plan) { p.Drill.Last = hashOf(nil) }) }, other, 0},
		{"none before but the first", func(s *story) { s.replan(func(p *plan.Plan) { p.Drill.Last = "" }) }, other, 0},
		{"another ceremony", func(s *story) { s.replan(func(p *plan.Plan) { p.Drill.Closing = p.Drill.Last }) }, other, 0},
		{"another plan of a link", func(s *story) { s.replace(drill+"plan.json", "Vault", "Wault") }, "plan.json is not that of the transcript", 0},
		{"a link that was cut off", func(s *story) {
			text := s.read(drill + "transcript.jsonl")
			s.write(drill+"transcript.jsonl", text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1])
		}, "checkpoint is not the last head", 0},
	}
}

// putLinks puts the files of links in the places of others; of none, it takes them out.
func (s *story) putLinks(places map[string]string) {
	found := map[string][]byte{}
	for place, link := range places {
		for _, name := range []string{evidence.PlanFile, evidence.TranscriptFile, evidence.KeyFile, evidence.HeadFile} {
			if found[place+name] = nil; link != "" {
				found[place+name] = s.read(link + name)
			}
		}
	}
	for name, content := range found {
		s.write(name, content)
	}
}
