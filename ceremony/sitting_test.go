package ceremony_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/dkek/dkektest"
)

// asked is a room in which someone counts the questions about people and programs.
type asked struct {
	ceremony.Room
	count map[string]int
}

func (a *asked) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	if q.Label != "" { // which word of a hash is asked for is drawn
		a.count[q.Label]++
	} else {
		a.count[q.Text]++
	}
	return a.Room.Answer(ctx, q)
}

// TestSittings: whenever the ceremony goes on, the words of the program are read again
// and everyone is called, once; who stood in is asked for in place of who is absent.
func TestSittings(t *testing.T) {
	s := newStage(t, nil)
	people := &answers{s.players, map[string][]string{"Is Cora here": {"no"}, "Who stands in for Cora": {"Dora"}}}
	s.Room = people
	s.begin(t, "Public key root")
	s.begin(t, "Is Chen here") // which is asked again then
	people.to["Is Chen here"] = []string{"no", "no"}
	people.to["Who stands in for Chen"] = []string{"no one", "Eve"}
	people.to["Is Dora here"] = []string{"no"}
	people.to["Who stands in for Cora"] = []string{"Daria"}
	a := &asked{people, map[string]int{}}
	s.Room = a
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	for text, n := range a.count {
		if strings.HasPrefix(text, "Program") && n != 2 || strings.HasPrefix(text, "Is Wim Witness here") && n != 2 || strings.HasPrefix(text, "Is Cora here") {
			t.Errorf("%q was asked %d times", text, n)
		}
	}
	var exceptions []string
	for _, e := range s.verified(t).Exceptions {
		exceptions = append(exceptions, e.Text)
	}
	if !slices.Contains(exceptions, "Chen is absent; Eve stands in") || !slices.Contains(exceptions, "Cora is absent; Daria stands in") {
		t.Errorf("exceptions: %q", exceptions)
	}
}
