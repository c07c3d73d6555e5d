package ceremony_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"conclave/ceremony/evidence"
	"conclave/ceremony/evidence/evidencetest"
	"conclave/ceremony/plan"
	"conclave/ceremony/transcript"
)

// second lets the verifier on the page judge a bundle, with the ceremony key as it
// is on the paper.
func (h held) second(t *testing.T, bundle fstest.MapFS) (string, error) {
	t.Helper()
	return evidencetest.Second(t, bundle, fmt.Sprintf("%x", h.paper.Key))
}

// accepted: evidence of every kind is accepted by the verifier on the page, too.
func (h held) accepted(t *testing.T) {
	if out, err := h.second(t, h.sign(t, h.entries, nil)); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// ofBoth are stories that both verifiers refuse, although the ceremony key has
// signed them; want is what the second one says.
func ofBoth() map[string][]contradiction {
	return map[string][]contradiction{
		"ceremony": {
			{"a step that was never begun", func(s *story) { s.drop(transcript.Begun, "copy") }, "step copy: not under way", 0},
			{"a ceremony that goes on after its close", func(s *story) { s.entries = append(s.entries, s.entries[len(s.entries)-1]) }, "the ceremony is opened or closed twice", 0},
			{"another device", func(s *story) { s.facts("prepare-primary")["device certificates sha256"] = hashOf(nil) }, "step prepare-primary: ", 0},
			{"another certificate", func(s *story) { s.facts("certificate-root")["certificate sha256"] = hashOf(nil) }, "step certificate-root: ", 0},
			{"a file that was added", func(s *story) { s.files["photos/later.jpg"] = []byte("later") }, "the files are not those that the close names", 0},
		},
		"drill": {
			{"another closing of the ceremony", func(s *story) { s.replan(func(p *plan.Plan) { p.Drill.Closing = hashOf(nil) }) }, "ceremony is not what the plan goes on from", 0},
			{"another plan of the ceremony", func(s *story) { s.replace("ceremony/plan.json", "Vault", "Wault") }, "plan.json is not that of the transcript", 0},
			{"another key of the ceremony", func(s *story) { s.write("ceremony/ceremony-key.txt", s.read(evidence.KeyFile)) }, "transcript.jsonl, line 1: ", 0},
			{"a checkpoint that was edited", func(s *story) { s.replace("ceremony/checkpoint", "\n", " \n") }, "checkpoint is not the last head", 0},
			{"a drill before that is not there", func(s *story) { s.replan(func(p *plan.Plan) { p.Drill.Last = hashOf(nil) }) }, "last-drill", 0},
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
	if out, err := h.second(t, s.sign(t, s.entries, s.files)); err == nil || !strings.Contains(out, c.want) {
		t.Errorf("the second one, %v: %s; %q was expected", err, out, c.want)
	}
}
