package terminal

import (
	"context"
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/pgpwords"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/internal/secret"
	"conclave/internal/tty"
)

// Room is a terminal that the people of a ceremony come to.
type Room struct {
	custody.Custodians // on the screen, or on paper
	Screen             *Screen
}

// ShowStep implements ceremony.Room.
func (r *Room) ShowStep(n, of int, s step.Step) {
	t := r.Screen.terminal
	t.Printf("\n%s\nStep %d of %d: %s\n", strings.Repeat("-", 60), n, of, s.Title)
	for _, line := range s.Do {
		t.Printf("  [ ] %s\n", line)
	}
	for _, line := range s.Expect {
		t.Printf("   =  %s\n", line)
	}
	t.Printf("At a question that begins with a name: exception, to write one down; stop, to go on another time; help.\n")
}

// Answer implements ceremony.Room.
func (r *Room) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	if q.Wants == ceremony.LastWord {
		r.Screen.terminal.Printf("\n%s, SHA-256 in words, to be read aloud:\n%s", q.Label, WordLines(q.Sum))
	}
	prompt := q.Who + ": " + q.Text
	if q.Wants == ceremony.YesNo {
		prompt += " (yes/no)"
	}
	r.Screen.terminal.Discard() // what was typed ahead answers no question that was not there
	return r.Screen.line(ctx, prompt+": ")
}

// WordLines writes a hash in lines of four words, as it is read aloud, with its
// bytes.
func WordLines(sum []byte) string {
	var text strings.Builder
	words := pgpwords.Words(sum)
	for i := 0; i < len(words); i += 4 {
		fmt.Fprintf(&text, "  %2d  %-48s %x\n", i+1, strings.Join(words[i:min(i+4, len(words))], " "), sum[i:min(i+4, len(words))])
	}
	return text.String()
}

// Secret implements ceremony.Room.
func (r *Room) Secret(_ context.Context, q ceremony.PINQuestion) (secret.Bytes, error) {
	t := r.Screen.terminal
	if q.Problem != nil {
		t.Printf("Not accepted: %v\n", q.Problem)
	}
	t.Discard() // it would cost a try
	for {
		first, err := t.Secret(q.Who + ": " + q.What + ": ")
		if err != nil || !q.Fresh || ceremony.IsCommand(string(first)) {
			return first, err
		}
		same, err := tty.TypedAgain(first, func() (secret.Bytes, error) { return t.Secret(q.Who + ": the same again: ") })
		if err != nil {
			return nil, err
		}
		if same {
			return first, nil
		}
		t.Printf("The two entries differ.\n")
	}
}
