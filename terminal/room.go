package terminal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/pgpwords"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/internal/secret"
	"conclave/internal/tty"
	"conclave/quorum/paper"
)

// Room is a terminal that the people of a ceremony come to.
type Room struct {
	custody.Custodians // on the screen, or on paper
	Screen             *Screen
	Printer            *Paper // nil where sheets are written by hand
}

// ShowStep implements ceremony.Room.
func (r *Room) ShowStep(n, of int, s step.Step) {
	t := r.Screen.terminal
	rule := 60
	if columns, _ := t.Size(); columns > 0 {
		rule = min(rule, columns)
	}
	t.Printf("\n%s\n%s\n", strings.Repeat("-", rule), tty.Heading(s.Heading(n, of)))
	for _, line := range s.Do {
		t.Printf("  [ ] %s\n", line)
	}
	for _, line := range s.Expect {
		t.Printf("   =  %s\n", line)
	}
	t.Printf("At a question that begins with a name: exception, to write one down; entered NAME, left NAME; stop, to go on another time; help.\n")
}

// Answer implements ceremony.Room.
func (r *Room) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	if words := q.Aloud(); words != nil {
		r.Screen.terminal.Printf("\n%s, %sSHA-256 in words, to be read aloud:\n", q.Label, firstBytes(len(q.Sum)))
		showWords(r.Screen.terminal.Output, words, q.Sum)
	}
	prompt := q.Who + ": " + q.Text
	if q.Wants == ceremony.YesNo {
		prompt += " (yes/no)"
	}
	r.Screen.terminal.Discard() // what was typed ahead answers no question that was not there
	text, err := r.Screen.line(ctx, prompt+": ")
	if err == nil && q.Wants == ceremony.WriteDown {
		r.Screen.terminal.Clear() // what is asked for now is on paper
	}
	return text, err
}

// firstBytes says how much of a hash is there, where that is not all.
func firstBytes(n int) string {
	if n == sha256.Size {
		return ""
	}
	return fmt.Sprintf("the first %d bytes of ", n)
}

// ShowWords shows a hash in lines of four words, or fewer, as it is read aloud, with its
// bytes.
func ShowWords(out *tty.Output, sum []byte) { showWords(out, pgpwords.Words(sum), sum) }

// showWords shows words of a hash. Of one that is left out the byte is not shown either.
func showWords(out *tty.Output, words []string, sum []byte) {
	columns, _ := out.Size()
	out.Unbroken(wordLines(words, sum, columns))
}

func wordLines(words []string, sum []byte, columns int) (lines []string) {
	const number, word, digits = 7, 12, 2 // the columns that each takes
	begin, some := "  %2d  ", 4
	for columns > 0 && some > 1 && number+some*(word+digits) > columns {
		some /= 2
	}
	if some == 1 {
		begin = "%2d "
	}
	for i := 0; i < len(words); i += some {
		end := min(i+some, len(words))
		shown := ""
		for j := i; j < end; j++ {
			if words[j] == ceremony.LeftOut {
				shown += "__"
			} else {
				shown += fmt.Sprintf("%02x", sum[j])
			}
		}
		lines = append(lines, fmt.Sprintf(begin+"%-*s %s", i+1, some*word, strings.Join(words[i:end], " "), shown))
	}
	return lines
}

// PrintPIN implements ceremony.Room.
func (r *Room) PrintPIN(ctx context.Context, sheet paper.PINSheet) error {
	if r.Printer == nil {
		return errors.New("there is no printer for the PIN sheet")
	}
	document, err := paper.PINPDF(sheet)
	if err != nil {
		return err
	}
	defer clear(document)
	return r.Printer.print(ctx, sheet.Person+": your PIN sheet", "leaves the step undone", document)
}

// Secret implements ceremony.Room.
func (r *Room) Secret(_ context.Context, q ceremony.PINQuestion) (secret.Bytes, error) {
	t := r.Screen.terminal
	if q.Problem != nil {
		t.Refuse(q.Problem)
	}
	t.Discard() // it would cost a try
	for {
		first, err := t.Secret(q.Who + ": " + q.What + ": ")
		if err != nil || q.Check == nil || ceremony.IsCommand(first) {
			return first, err
		}
		if err := q.Check(first); err != nil { // before it is typed again
			first.Wipe()
			t.Printf("Not accepted: %v\n", err)
			continue
		}
		var command secret.Bytes
		same, err := tty.TypedAgain(first, func() (secret.Bytes, error) {
			again, err := t.Secret(q.Who + ": " + cmp.Or(q.Again, "the same again") + ": ")
			if ceremony.IsCommand(again) {
				command = again.Clone()
			}
			return again, err
		})
		if err != nil || command != nil {
			return command, err
		}
		if same {
			return first, nil
		}
		t.Printf("The two entries differ.\n")
	}
}
