package ceremony_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/transcript"
	"conclave/dkek/dkektest"
	"conclave/internal/secret"
)

// says is a room in which someone types these words at the first questions for a PIN,
// and at those whose answer is their own words.
type says struct {
	*ceremony.SimulatedRoom
	pins, words []string
	problems    []string // of PINs
	told        strings.Builder
}

func (s *says) Secret(ctx context.Context, q ceremony.PINQuestion) (secret.Bytes, error) {
	if len(s.pins) == 0 {
		return s.SimulatedRoom.Secret(ctx, q)
	}
	if q.Problem != nil {
		s.problems = append(s.problems, q.Problem.Error())
	}
	text := s.pins[0]
	s.pins = s.pins[1:]
	return secret.Bytes(text), nil
}

func (s *says) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	if q.Wants != ceremony.Words || len(s.words) == 0 {
		return s.SimulatedRoom.Answer(ctx, q)
	}
	text := s.words[0]
	s.words = s.words[1:]
	return text, nil
}

func (s *says) Tell(text string) { s.told.WriteString(text + "\n") }

// TestCommandsForPINs: what is understood at every question is no PIN, and costs no try.
func TestCommandsForPINs(t *testing.T) {
	s := newStage(t, nil)
	room := &says{SimulatedRoom: s.players, pins: []string{"Help.", "undo", "648219", "QUIT"}, words: []string{" "}}
	s.Room = room
	if err := s.Run(dkektest.Practising(t.Context())); !errors.Is(err, ceremony.ErrStopped) {
		t.Errorf("it ended with %v", err)
	}
	for _, told := range []string{
		"An answer is wanted here",
		"Expected is the new SO-PIN of the device primary, 16 hex digits, which is not shown as it is typed.",
		"There is nothing to take back or to leave at this question.",
	} {
		if strings.Count(room.told.String(), told) != 1 {
			t.Errorf("%q was not told once:\n%s", told, room.told.String())
		}
	}
	if len(room.pins) > 0 {
		t.Errorf("%q was not asked for", room.pins)
	}
}

// TestCommandsForExceptions: what is understood at every question has not happened.
func TestCommandsForExceptions(t *testing.T) {
	s := newStage(t, nil)
	var told []string
	s.players.Shown = func(text string) { told = append(told, text) }
	s.Room = &answers{s.players, map[string][]string{
		"Press <enter> to begin": {"exception"},
		"What has happened":      {"Help.", "undo", "exception", "Left the door open", "quit"},
		"Time by the watch":      {"exception"},
	}}
	if err := s.Run(dkektest.Practising(t.Context())); !errors.Is(err, ceremony.ErrStopped) {
		t.Fatalf("it ended with %v", err)
	}
	var exceptions []string
	for _, e := range entriesOf(t, s.evidence()) {
		if e.Kind == transcript.Exception {
			exceptions = append(exceptions, e.Text)
		}
	}
	if want := []string{"Left the door open"}; !slices.Equal(exceptions, want) {
		t.Errorf("the exceptions are %q, %q was expected", exceptions, want)
	}
	for _, text := range []string{"Expected is what was not as planned", "There is nothing to take back or to leave at this question."} {
		if !strings.Contains(strings.Join(told, "\n"), text) {
			t.Errorf("%q was not told: %q", text, told)
		}
	}
}
