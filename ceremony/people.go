package ceremony

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/secret"
	"conclave/internal/typed"
	"conclave/quorum"
)

// people are those in the room, as they are asked.
type people struct {
	Room
	plan  *plan.Plan
	log   *log
	chain *evidence.Chain // that the ceremony goes on from; nil for none
}

// Words that are not an answer but a command.
const (
	commandException = "exception"
	commandStop      = "stop"
)

// ask asks a question until it is answered.
func (p *people) ask(ctx context.Context, q Question) (string, error) {
	for {
		text, err := p.Room.Answer(ctx, q)
		if err != nil {
			return "", err
		}
		text = typed.Text(text)
		answered, err := p.command(ctx, q.Who, text)
		if err != nil {
			return "", err
		}
		if answered && p.explained(wanted(q.Wants), text) {
			continue
		}
		if answered && (q.Wants != Enter && q.Wants != WriteDown || text == "") {
			return text, nil
		}
		if answered {
			p.Room.Tell("That was not understood: <enter> alone goes on; exception, entered NAME, left NAME and stop are the only other answers here.")
		}
	}
}

// IsCommand says whether what was typed in place of a secret is a command.
func IsCommand(text secret.Bytes) bool { return secretCommand(text) != "" }

func secretCommand(text secret.Bytes) string { return typed.SecretWord(text, commands()...) }

// commands are the words that are understood at every question.
func commands() []string {
	return []string{commandException, commandStop, "quit", "exit", "help", "undo", "leave"}
}

// command obeys a command; anything else is an answer. To quit is to stop here.
func (p *people) command(ctx context.Context, who, text string) (answered bool, err error) {
	switch typed.Word(text, commandException, commandStop, "quit", "exit") {
	case commandException:
		return false, p.exception(ctx, who)
	case "":
		moved, err := p.moved(who, text)
		return !moved, err
	}
	return false, errors.Join(ErrStopped, p.log.note(transcript.Stopped, who, "stopped on request", nil))
}

// wanted says what answers a question.
func wanted(answer Answer) string {
	return map[Answer]string{
		Enter: "<enter> alone, when it is so", YesNo: "yes or no", Words: "an answer in your own words, or as the question says", EnterOr: "<enter> alone, or the word that the question says",
		PaperWord: "the word with that number, as the runbook has it", WriteDown: "<enter> alone, when the words are written down", WrittenWord: "the word with that number, as it was written down",
	}[answer]
}

// explained says what can be typed, if that was asked, or a command that is for
// custodians was given.
func (p *people) explained(what, text string) bool {
	const commands = "Other answers here are exception, to write down what was not as planned; entered NAME or left NAME, when someone comes into the room or goes; and stop or quit, to go on another time."
	switch typed.Word(text, "help", "undo", "leave") {
	case "help":
		p.Room.Tell("Expected is " + what + ". " + commands)
	case "undo", "leave":
		p.Room.Tell("There is nothing to take back or to leave at this question. " + commands)
	default:
		return false
	}
	return true
}

// exception writes down something that was not as planned, and no command; what people
// say of it may begin like entered NAME. An empty line is no exception after all.
func (p *people) exception(ctx context.Context, who string) error {
	for {
		text, err := p.Room.Answer(ctx, Question{Wants: Words, Who: who, Text: "What has happened, in your own words"})
		text = typed.Text(text)
		if err != nil || text == "" {
			return err
		}
		word := typed.Word(text, commands()...)
		switch {
		case word == commandException: // it is what is asked for
			continue
		case word != "":
			if _, err := p.command(ctx, who, word); err != nil {
				return err
			}
			p.explained("what was not as planned, or <enter> alone if nothing was", word)
			continue
		case !looksSecret(text):
			return p.log.noteException(who, text, step.ExceptionFacts{})
		}
		p.Room.Tell("That has a code in it, or a number as long as on a sheet, and was not written down: everyone reads the transcript.")
	}
}

// looksSecret says whether a text may have a line of a sheet in it.
func looksSecret(text string) bool {
	_, err := quorum.ParseCode(text)
	var doubt *quorum.Doubt
	long, _ := regexp.MatchString(`(?:[0-9][ -]?){14,}|(?:[0-9A-Fa-f]{2}:){7,}`, text)
	return err == nil || errors.As(err, &doubt) || long
}

// agree asks for a yes; a no is an error.
func (p *people) agree(ctx context.Context, who, question string) error {
	return p.agreed(ctx, Question{Wants: YesNo, Who: who, Text: question})
}

// yes asks a question that may be answered with no.
func (p *people) yes(ctx context.Context, who, question string) (bool, error) {
	err := p.agree(ctx, who, question)
	var other *refusal
	if errors.As(err, &other) {
		return false, nil
	}
	return err == nil, err
}

// here asks whether someone is here.
func (p *people) here(ctx context.Context, name, question string) error {
	who := p.plan.People.Administrator
	if name == who { // no one vouches for themselves
		who = p.plan.Who(step.Witness)
	}
	return p.agreed(ctx, Question{Wants: YesNo, Who: who, Text: question, About: name})
}

func (p *people) agreed(ctx context.Context, q Question) error {
	for {
		text, err := p.ask(ctx, q)
		if err != nil {
			return err
		}
		switch yes, answered := typed.Yes(text); {
		case yes:
			return nil
		case answered:
			return &refusal{q}
		}
		p.Room.Tell("A yes or a no was expected.")
	}
}

// words asks for something in people's own words, which may not be empty. Usual
// is what a program answers in a rehearsal.
func (p *people) words(ctx context.Context, who, question, usual string) (string, error) {
	for {
		text, err := p.ask(ctx, Question{Wants: Words, Who: who, Text: question, Usual: usual})
		if err != nil || text != "" {
			return text, err
		}
		p.Room.Tell("An answer is wanted here, and <enter> alone is none.")
	}
}

// refusal is the error for an answer of no.
type refusal struct{ question Question }

func (r *refusal) Error() string {
	return fmt.Sprintf("%s has answered no to: %s", r.question.Who, r.question.Text)
}

// readExceptions shows all exceptions, and lets the witness add what is missing.
func (p *people) readExceptions(ctx context.Context) error {
	for {
		n := 0
		for _, e := range p.log.writer.Entries() {
			if e.Kind == transcript.Exception {
				n++
				p.Room.Tell(fmt.Sprintf("Exception %d, %s: %s", n, e.Time.UTC().Format("15:04:05"), e.Text))
			}
		}
		witness := p.plan.Who(step.Witness)
		err := p.agree(ctx, witness, fmt.Sprintf("Exceptions: %d. Is that all?", n))
		var missing *refusal
		if !errors.As(err, &missing) {
			return err
		}
		if err := p.exception(ctx, witness); err != nil {
			return err
		}
	}
}
