package ceremony_test

import (
	"context"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/pgpwords"
	"conclave/dkek/dkektest"
)

// witness is a room in which the witness answers with what they see on the screen, first,
// and notes what the screen shows.
type witness struct {
	says
	t    *testing.T
	seen map[string][]ceremony.Question
}

func (w *witness) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	if q.Sum == nil {
		return w.says.Answer(ctx, q)
	}
	first := len(w.seen[q.Label]) == 0 || q.Wants == ceremony.WrittenWord && len(w.seen[q.Label]) == 1
	w.seen[q.Label] = append(w.seen[q.Label], q)
	words := pgpwords.Words(q.Sum)
	shown := strings.Join(q.Aloud(), " ")
	if q.Wants != ceremony.WriteDown && strings.Contains(shown, words[q.Word-1]) && !twice(words, words[q.Word-1]) {
		w.t.Errorf("the screen shows word %d of %s, which is asked for", q.Word, q.Label)
	}
	switch {
	case q.Wants == ceremony.PaperWord && first:
		return words[q.Word%len(words)], nil // the next one, which the screen shows
	case q.Wants == ceremony.WrittenWord && first:
		return "paper", nil
	}
	return w.SimulatedRoom.Answer(ctx, q)
}

// twice says whether a word stands in a hash more than once.
func twice(words []string, word string) bool {
	return strings.Count(" "+strings.Join(words, " ")+" ", " "+word+" ") > 1
}

// TestWordsFromThePaper: what the screen shows is no answer, and in a ceremony the program
// does not stand in for the paper; a hash that is new is written down, of which one word
// is asked for when none is shown.
func TestWordsFromThePaper(t *testing.T) {
	s := newStage(t, nil)
	w := &witness{says{SimulatedRoom: s.players}, t, map[string][]ceremony.Question{}}
	s.Room = w
	s.begin(t, "Public key root")
	for label, want := range map[string][]ceremony.Answer{
		"Program":      {ceremony.PaperWord, ceremony.PaperWord},
		"Plan":         {ceremony.PaperWord, ceremony.PaperWord},
		"issuing.csr":  {ceremony.PaperWord, ceremony.PaperWord},
		"Ceremony key": {ceremony.WriteDown, ceremony.WrittenWord, ceremony.WriteDown, ceremony.WrittenWord},
	} {
		var kinds []ceremony.Answer
		for _, q := range w.seen[label] {
			kinds = append(kinds, q.Wants)
		}
		if len(kinds) != len(want) || kinds[0] != want[0] {
			t.Errorf("%s was asked for as %v; %v was expected", label, kinds, want)
		}
	}
	if told := w.told.String(); strings.Contains(told, "The paper has") || !strings.Contains(told, "where paper and screen differ, stop. Without paper stop too, and print it: conclave ceremony runbook "+s.Path+".") {
		t.Errorf("people were told:\n%s", told)
	}
}

// TestNoPaperInARehearsal: there the program can stand in for it.
func TestNoPaperInARehearsal(t *testing.T) {
	r := newStage(t, nil).rehearsal(t)
	w := &witness{says{SimulatedRoom: r.players}, t, map[string][]ceremony.Question{}}
	r.Room = w
	if err := r.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	if told := w.told.String(); !strings.Contains(told, "The paper has as word ") || len(w.seen["Ceremony key"]) != 3 {
		t.Errorf("people were told:\n%s", told)
	}
}
