package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"conclave/custody"
	"conclave/internal/safefile"
	"conclave/internal/tty"
	"conclave/internal/typed"
)

// draftSuffix ends the name of the file with the answers so far, one on each line.
const draftSuffix = ".answers"

// questions asks at the terminal; after an error it asks nothing more. What was answered
// is not asked again when the questions are gone through anew: that is how one goes back,
// and how one goes on another day.
type questions struct {
	console *console
	ctx     context.Context
	script  func(*questions) // goes through all of them
	given   []answered       // the first questions, and their answers
	asked   []string         // the questions gone through
	draft   string           // file of the answers; empty for none
	// counting goes through the questions with the usual answers, and asks none.
	counting bool
	err      error
}

// answered is a question with its answer.
type answered struct{ question, text string }

var errBack = errors.New("the question before this one is asked again")

// goOn takes the answers that an earlier time has left.
func (q *questions) goOn(draft string) error {
	q.draft = draft
	content, err := safefile.Read(draft, planRoom)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(content)) {
		question, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), draftMark)
		q.given = append(q.given, answered{question, text})
	}
	q.console.prompts.Printf("Type back to change the answer before; <enter> takes what stands in brackets. leave ends here: the answers are kept in %s, and the same command goes on.\n", draft)
	if len(q.given) > 0 {
		q.console.prompts.Printf("Answered before: %s.\n", count(len(q.given), "question"))
	}
	return nil
}

// draftMark is between question and answer in each line of a draft. An answer is taken
// for the question that it was given to, and no other.
const draftMark = " = "

// keep writes the draft.
func (q *questions) keep() error {
	if q.draft == "" {
		return nil
	}
	var content strings.Builder
	for _, a := range q.given {
		content.WriteString(a.question + draftMark + a.text + "\n")
	}
	return safefile.Replace(q.draft, []byte(content.String()))
}

func (q *questions) forget() error {
	if q.draft == "" {
		return nil
	}
	return os.Remove(q.draft)
}

// all asks everything, from the beginning again after each step back.
func (q *questions) all() error {
	for {
		q.asked, q.err = nil, nil
		if q.script(q); !errors.Is(q.err, errBack) {
			return q.err
		}
	}
}

// total is how many questions there are, going by what was answered.
func (q *questions) total() int {
	counted := &questions{console: q.console, script: q.script, given: q.given, draft: q.draft, counting: true}
	counted.script(counted)
	return len(counted.asked)
}

// ask asks for a line, and again until parse takes it. An empty answer is the
// usual one.
func (q *questions) ask(question, usual string, parse func(string) error) string {
	if q.err != nil {
		return ""
	}
	n := len(q.asked)
	q.asked = append(q.asked, question)
	if n < len(q.given) && q.given[n].question == question && (q.counting || parse(q.given[n].text) == nil) {
		return q.given[n].text
	}
	if q.counting {
		parse(usual)
		return usual
	}
	q.given = q.given[:n] // one that is not taken any more, such as a start that is past
	q.console.prompts.Printf("\n%v\n", tty.Heading(fmt.Sprintf("Question %d of %d", n+1, q.total())))
	text, err := q.typed(prompt(question, usual), usual, parse)
	if errors.Is(err, errBack) {
		q.given = q.given[:max(0, n-1)]
	} else if err == nil {
		q.given = append(q.given, answered{question, text})
		err = q.keep()
	}
	q.err = err
	return text
}

// tell shows what goes with the next question, unless that was answered before.
func (q *questions) tell(format string, args ...any) {
	if q.err == nil && !q.counting && len(q.given) == len(q.asked) {
		q.console.prompts.Printf(format, args...)
	}
}

func prompt(question, usual string) string {
	if usual == "" {
		return question + ": "
	}
	return fmt.Sprintf("%s [%s]: ", question, usual)
}

// typed is a line that parse takes.
func (q *questions) typed(prompt, usual string, parse func(string) error) (string, error) {
	for {
		line, err := q.console.prompts.LineUntil(q.ctx, prompt)
		if err != nil {
			return "", err
		}
		switch typed.Word(line, "back", "undo", "leave", "quit", "exit", "help") {
		case "back", "undo":
			return "", errBack
		case "leave", "quit", "exit":
			return "", custody.ErrQuit
		case "help":
			q.console.prompts.Printf("back, or undo, asks the question before once more; leave, or quit, ends here, and the same command goes on another time; <enter> takes what stands in brackets.\n")
			continue
		}
		text := typed.Text(line)
		if text == "" {
			text = usual
		}
		if err = parse(text); err == nil {
			return text, nil
		}
		q.console.prompts.Refuse(err)
	}
}

func anything(string) error { return nil }

func something(text string) error {
	if text == "" {
		return errors.New("an answer was expected")
	}
	return nil
}

func (q *questions) number(question string, usual, least, most int) (n int) {
	q.ask(fmt.Sprintf("%s (%d to %d)", question, least, most), strconv.Itoa(usual), func(text string) (err error) {
		if n, err = strconv.Atoi(typed.Clean(text)); err != nil || n < least || n > most {
			return fmt.Errorf("%d to %d was expected", least, most)
		}
		return nil
	})
	return n
}

// unless asks for something that need not exist, and gives nothing where the answer
// is the word for none.
func (q *questions) unless(none, question, usual string) string {
	if text := q.ask(question, usual, something); typed.Word(text, none) == "" {
		return text
	}
	return ""
}

// choose asks for one of several words, in any capitals.
func (q *questions) choose(question, usual string, words ...string) string {
	find := func(text string) int {
		text = strings.Trim(typed.Clean(text), ` .'"`)
		return slices.IndexFunc(words, func(word string) bool { return strings.EqualFold(word, text) })
	}
	text := q.ask(question, usual, func(text string) error {
		if find(text) < 0 {
			return fmt.Errorf("one of %v was expected", words)
		}
		return nil
	})
	if i := find(text); i >= 0 {
		return words[i]
	}
	return ""
}

// plain asks for what is read to the letter, in the plain form of each character.
func (q *questions) plain(question, usual string, check func(string) error) string {
	return typed.Clean(q.ask(question, usual, func(text string) error { return check(typed.Clean(text)) }))
}
