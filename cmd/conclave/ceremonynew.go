package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"conclave/ceremony/plan"
	"conclave/custody"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
	"conclave/internal/tty"
	"conclave/internal/typed"
)

type ceremonyNew struct {
	answering
	Plan string `arg:"" complete:"files:json" output:"" help:"File to write."`
}

// Run asks what a root with one issuing CA needs, and writes the plan. What is
// rarer is added with an editor.
func (cmd ceremonyNew) Run(c *console) error {
	out, err := c.reserveOutput(cmd.Plan, planRoom, false)
	if err != nil {
		return err
	}
	defer out.release()
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	q := &questions{console: c, ctx: ctx}
	if c.prompts.Interactive() && cmd.Plan != standardOutput {
		if err := q.goOn(cmd.Plan + draftSuffix); err != nil {
			return err
		}
	}
	p := q.all().Plan()
	if q.err != nil {
		return q.err
	}
	content, err := p.Bytes()
	if err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		c.warn("the plan is not yet right: %v", err)
	}
	if err := c.write(&out, content); err != nil {
		return err
	}
	if err := q.forget(); err != nil {
		c.warn("the plan is written, and the draft of its answers is still there: %v", err)
	}
	return c.answerWritten(out, planAnswer{out}, "Plan written to %s. Next: conclave ceremony check %s\n", cmd.Plan, cmd.Plan)
}

// planAnswer is a plan that was made.
type planAnswer struct{ output }

// planRoom is more than a plan made of these answers needs.
const planRoom = 64 << 10

// draftSuffix ends the name of the file with the answers so far, one on each line.
const draftSuffix = ".answers"

// questions asks at the terminal; after an error it asks nothing more. What was answered
// is not asked again when the questions are gone through anew: that is how one goes back,
// and how one goes on another day.
type questions struct {
	console *console
	ctx     context.Context
	given   []string // answers to the first questions
	asked   []string // the questions gone through
	draft   string   // file of the answers; empty for none
	// counting goes through the questions with the usual answers, and asks none.
	counting bool
	err      error
}

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
	q.given = strings.FieldsFunc(string(content), func(r rune) bool { return r == '\n' })
	for i, text := range q.given {
		q.given[i] = strings.TrimPrefix(text, draftMark) // an empty answer has a line too
	}
	q.console.prompts.Printf("Type back to change the answer before; <enter> takes what stands in brackets. leave ends here: the answers are kept in %s, and the same command goes on.\n", draft)
	if len(q.given) > 0 {
		q.console.prompts.Printf("Answered before: %s.\n", count(len(q.given), "question"))
	}
	return nil
}

// draftMark begins each line of a draft.
const draftMark = "= "

// keep writes the draft.
func (q *questions) keep() error {
	if q.draft == "" {
		return nil
	}
	var content strings.Builder
	for _, text := range q.given {
		content.WriteString(draftMark + text + "\n")
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
func (q *questions) all() plan.Answers {
	for {
		q.asked, q.err = nil, nil
		if a := q.answers(); !errors.Is(q.err, errBack) {
			return a
		}
	}
}

// total is how many questions there are, going by what was answered.
func (q *questions) total() int {
	counted := &questions{console: q.console, given: q.given, draft: q.draft, counting: true}
	counted.answers()
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
	if n < len(q.given) && (q.counting || parse(q.given[n]) == nil) {
		return q.given[n]
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
		q.given = append(q.given, text)
		err = q.keep()
	}
	q.err = err
	return text
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
		switch typed.Word(line, "back", "leave", "quit", "exit", "help") {
		case "back":
			return "", errBack
		case "leave", "quit", "exit":
			return "", custody.ErrQuit
		case "help":
			q.console.prompts.Printf("back asks the question before once more; leave ends here, and the same command goes on another time; <enter> takes what stands in brackets.\n")
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

func twoLetters(text string) error {
	if len(text) != 2 || strings.ToUpper(text) != text {
		return errors.New("two capital letters were expected (ISO 3166-1)")
	}
	return nil
}

func keyTypeText(text string) error {
	var t keyType
	if err := t.UnmarshalText([]byte(text)); err != nil {
		return err
	}
	return t.strong()
}

func (q *questions) number(question string, usual, least, most int) (n int) {
	q.ask(fmt.Sprintf("%s (%d to %d)", question, least, most), strconv.Itoa(usual), func(text string) (err error) {
		if n, err = strconv.Atoi(text); err != nil || n < least || n > most {
			return fmt.Errorf("%d to %d was expected", least, most)
		}
		return nil
	})
	return n
}

// names asks for names, with commas between them.
func (q *questions) names(question string, least int) (names []string) {
	q.ask(question, "", func(text string) error {
		names = splitNames(text)
		seen := map[string]bool{}
		for _, name := range names {
			if seen[plan.FoldName(name)] {
				return fmt.Errorf("%s is there twice; add what tells the two apart", name)
			}
			seen[plan.FoldName(name)] = true
		}
		if len(names) < least {
			return fmt.Errorf("%d names or more were expected, with commas between them", least)
		}
		return nil
	})
	return names
}

func splitNames(text string) (names []string) {
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// answers asks everything.
func (q *questions) answers() (a plan.Answers) {
	a.Organization = q.ask("Name of the organisation", "", something)
	a.Country = q.ask("Its country, two capital letters", "", twoLetters)
	a.Ceremony = q.ask("Name of the ceremony", a.Organization+" key ceremony", something)
	a.Place = q.ask("Place", "", anything)
	a.Start = q.start()
	a.People.Administrator = q.ask("Ceremony administrator, who operates the computer", "", something)
	a.People.Witnesses = q.names("Witnesses, with commas between them; the first compares and initials", 1)
	a.People.Custodians = q.names("Key custodians, three at least, with commas between them", 3)
	total := len(a.People.Custodians)
	a.Threshold = q.number("How many of them together restore the key", total/2+1, 2, max(2, total))
	a.Printer = q.unless("none", "CUPS queue that prints the sheets; none to copy them by hand", "none")
	a.Primary, a.Standby = q.serial("primary"), q.serial("standby")
	q.authorities(&a)
	a.RetentionYears = q.number("Years that the evidence is kept", 25, 1, 100)
	q.confirm()
	return a
}

// confirm shows all answers before anything is made of them, where a person has typed them.
func (q *questions) confirm() {
	if q.err != nil || q.draft == "" {
		return
	}
	if !q.counting && len(q.given) == len(q.asked) {
		q.console.prompts.Printf("\nThe plan will say:\n")
		for i, question := range q.asked {
			q.console.prompts.Printf("  %s: %s\n", question, q.given[i])
		}
	}
	q.ask("Is all of it right? yes writes the plan; back goes to the answer before", "", func(text string) error {
		if !strings.EqualFold(text, "yes") {
			return errors.New("yes or back was expected; what else is to be changed can be changed in the plan, with an editor")
		}
		return nil
	})
}

// unless asks for something that need not exist, and gives nothing where the answer
// is the word for none.
func (q *questions) unless(none, question, usual string) string {
	if text := q.ask(question, usual, something); text != none {
		return text
	}
	return ""
}

// start asks when the ceremony begins; validity begins at midnight before it.
func (q *questions) start() (start time.Time) {
	const form = "2006-01-02 15:04"
	now := time.Now().UTC().Truncate(time.Minute)
	q.ask("Planned start, UTC, as in 2027-01-15 09:00", usualStart(now).Format(form), func(text string) (err error) {
		if start, err = time.ParseInLocation(form, text, time.UTC); err != nil {
			return errors.New("a date and a time such as 2027-01-15 09:00 was expected")
		}
		if start.Before(now) {
			return fmt.Errorf("that is in the past; it is %s now, UTC", now.Format(form))
		}
		return nil
	})
	return start
}

// usualStart is nine o'clock today, or what is left of the day.
func usualStart(now time.Time) time.Time {
	nine, next := now.Truncate(24*time.Hour).Add(9*time.Hour), now.Add(time.Hour).Truncate(time.Hour)
	switch {
	case !nine.Before(now):
		return nine
	case next.Day() != now.Day():
		return now
	}
	return next
}

// serial asks for the serial number of a device; empty for one in software.
func (q *questions) serial(name string) string {
	return q.unless("embedded", "Serial number of the device "+name+", or embedded for one in software", "embedded")
}

// authorities asks for the root and the CA under it.
func (q *questions) authorities(a *plan.Answers) {
	a.Public = q.ask("Profile: private, or cabf for a root that browsers are to trust", "private", func(text string) error {
		if text != "private" && text != "cabf" {
			return errors.New("private or cabf was expected")
		}
		return nil
	}) == "cabf"
	a.KeyType = q.ask("Type of the root's key", "ec:secp384r1", keyTypeText)
	a.Root = q.ask("Name of the root", a.Organization+" Root CA", something)
	a.RootYears = q.number("Years that it is valid", 20, 1, 50)
	a.URL = q.ask("URL under which CRL and certificate are published", "http://pki.example.com", something)
	if request := q.unless("none", "File of the issuing CA's request (PKCS #10), beside the plan; none for no issuing CA", "issuing.csr"); request != "" {
		a.Issuing = &plan.IssuingAnswers{
			Request: request,
			Name:    q.ask("Name of the issuing CA, as in the request", a.Organization+" Issuing CA 1", something),
			Years:   q.number("Years that it is valid", 10, 1, 50),
			Domains: splitNames(q.ask("DNS names that it may issue for, such as example.com; empty for any", "", anything)),
		}
	}
	a.CRLMonths = q.number("Months between two CRLs of the root", 12, 1, 24)
}
