package ceremony

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"conclave/ceremony/pgpwords"
	"conclave/ceremony/step"
	"conclave/internal/safefile"
	"conclave/internal/typed"
)

// LeftOut stands in place of the word of a hash that the witness has on paper.
const LeftOut = "____"

// Aloud are the words that are shown with a question, to be read aloud; nil for none.
func (q Question) Aloud() []string {
	switch q.Wants {
	case PaperWord:
		words := pgpwords.Words(q.Sum)
		words[q.Word-1] = LeftOut
		return words
	case WriteDown:
		return pgpwords.Words(q.Sum)
	}
	return nil
}

// word is the one that a question asks for.
func (q Question) word() string { return pgpwords.Words(q.Sum)[q.Word-1] }

// onPaper lets a hash be read aloud that was printed beforehand, and the witness type the
// word that the screen leaves out: a witness who has no paper, or another one, cannot.
// Without paper the witness is told how that of the plan in a file is printed.
func (p *people) onPaper(ctx context.Context, label string, sum []byte, path string) error {
	noPaper := "Without paper stop too, and print it: conclave ceremony runbook " + safefile.Quoted(path)
	if p.plan.Practice {
		noPaper = "Without paper type paper"
	}
	q := Question{Wants: PaperWord, Who: p.plan.Who(step.Witness), Label: label, Sum: sum}
	for {
		q.Word = 1 + rand.IntN(len(sum))
		q.Text = fmt.Sprintf("Type word %d, which the screen leaves out, from the paper", q.Word)
		right, err := p.hasWord(ctx, p.ask, q)
		if right || err != nil {
			return err
		}
		p.Room.Tell(fmt.Sprintf("That is not word %d. Read all of them once more: where paper and screen differ, stop. %s.", q.Word, noPaper))
	}
}

// Words that are written down of a hash.
const (
	firstWords = 4  // which the runbook has a line for
	allWords   = 32 // which the runbook has a page for
)

// writeDown lets a hash that did not exist before be read aloud, and the witness write
// down so many words of it. The screen shows none any more when one of them is asked for.
func (p *people) writeDown(ctx context.Context, label string, sum []byte, count int) error {
	return p.writeDownBy(ctx, p.ask, label, sum, count)
}

func (p *people) writeDownBy(ctx context.Context, ask func(context.Context, Question) (string, error), label string, sum []byte, count int) error {
	q := Question{Who: p.plan.Who(step.Witness), Label: label, Sum: sum}
	which := "all words"
	if count == firstWords {
		which = "the first four words"
	}
	for {
		q.Wants, q.Text = WriteDown, "Write "+which+" into the runbook as they are read, and press <enter>; the screen shows them no more then"
		if _, err := ask(ctx, q); err != nil {
			return err
		}
		q.Wants, q.Word = WrittenWord, 1+rand.IntN(count)
		q.Text = fmt.Sprintf("%s: type word %d, as you have written it down", label, q.Word)
		right, err := p.hasWord(ctx, ask, q)
		if right || err != nil {
			return err
		}
		p.Room.Tell(fmt.Sprintf("That is not word %d. They are shown once more; correct what is written.", q.Word))
	}
}

// hasWord asks for a word of a hash. In a rehearsal, for which no one need print
// anything, the program can stand in for the paper.
func (p *people) hasWord(ctx context.Context, ask func(context.Context, Question) (string, error), q Question) (bool, error) {
	if p.plan.Practice {
		q.Text += "; or paper, to be shown it, as this is a rehearsal"
	}
	for {
		text, err := ask(ctx, q)
		if err != nil || !p.plan.Practice || typed.Word(text, "paper") == "" {
			return typed.Word(text, strings.ToLower(q.word())) != "", err
		}
		p.Room.Tell(fmt.Sprintf("The paper has as word %d: %s", q.Word, q.word()))
	}
}
