package ceremony_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"conclave/ceremony"
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
