package ceremony_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"conclave/ceremony"
	"conclave/dkek/dkektest"
)

// TestRehearsalIsLikeTheCeremony: where the program answers for everyone, they see the
// steps as on the day, the backup is copied to media, and nothing is an exception.
func TestRehearsalIsLikeTheCeremony(t *testing.T) {
	for _, example := range []string{"offline-root", "two-roots"} {
		t.Run(example, func(t *testing.T) { rehearsalIsLikeTheCeremony(t, newStageOf(t, example, nil)) })
	}
}

func rehearsalIsLikeTheCeremony(t *testing.T, s *stage) {
	r := s.rehearsal(t)
	var shown []string
	r.players.Shown = func(text string) { shown = append(shown, text) }
	if err := (ceremony.Rehearsal{Ceremony: r.Ceremony, Auto: true}).Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	steps := r.Plan.Steps()
	for i, planned := range steps {
		if heading := fmt.Sprintf("Step %d of %d: %s", i+1, len(steps), planned.Title); !slices.Contains(shown, heading) {
			t.Errorf("%q was not shown", heading)
		}
	}
	for _, medium := range []string{"medium-1", "medium-2"} {
		if _, err := os.Stat(filepath.Join(r.Dir.Practice(), medium, "dkek.pbe")); err != nil {
			t.Error(err)
		}
	}
	if exceptions := r.verified(t).Exceptions; len(exceptions) > 0 {
		t.Errorf("exceptions: %v", exceptions)
	}
}
