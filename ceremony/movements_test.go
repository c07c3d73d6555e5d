package ceremony_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/transcript"
	"conclave/dkek/dkektest"
)

// TestPeopleComeAndGo: who enters and leaves is written down at any question, and
// nothing that is no name.
func TestPeopleComeAndGo(t *testing.T) {
	s := newStage(t, nil)
	var told []string
	s.players.Shown = func(text string) { told = append(told, text) }
	s.Room = &answers{s.players, map[string][]string{
		"Press <enter> to begin": {"Entered Eve Electrician", "", "entered", "left 1234 5678 9012 3456", "entered \u202eEve", "stop"},
		"Time by the watch":      {"LEFT  Eve Electrician"},
	}}
	if err := s.Run(dkektest.Practising(t.Context())); !errors.Is(err, ceremony.ErrStopped) {
		t.Fatalf("it ended with %v", err)
	}
	notes := map[string]string{}
	for _, e := range entriesOf(t, s.evidence()) {
		if e.Kind == transcript.Note {
			notes[e.Text] = e.By + ", " + e.Step
		}
	}
	if len(notes) != 2 || notes["Eve Electrician entered the room"] != "Ada Admin, open" || notes["Eve Electrician left the room"] != "Wim Witness, open" {
		t.Errorf("the notes are %q", notes)
	}
	all := strings.Join(told, "\n")
	for text, times := range map[string]int{"That is not the name of a person, and was not written down.": 2, "That was not understood: <enter> alone goes on": 1} {
		if strings.Count(all, text) != times {
			t.Errorf("%q was not told %d times:\n%s", text, times, all)
		}
	}
}

// entriesOf reads the transcript of a ceremony that is not closed.
func entriesOf(t *testing.T, folder string) []transcript.Entry {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(folder, evidence.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, evidence.TranscriptFile))
	if err != nil {
		t.Fatal(err)
	}
	verified, err := transcript.Verify(text, string(key))
	if err != nil {
		t.Fatal(err)
	}
	return verified.Entries
}
