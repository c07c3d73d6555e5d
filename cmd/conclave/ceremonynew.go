package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"conclave/ceremony/plan"
	"conclave/internal/interrupt"
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
	var answers plan.Answers
	q := &questions{console: c, ctx: ctx, script: func(q *questions) { answers = q.answers() }}
	if c.prompts.Interactive() && cmd.Plan != standardOutput {
		if err := q.goOn(cmd.Plan + draftSuffix); err != nil {
			return err
		}
	}
	if err := q.all(); err != nil {
		return err
	}
	p := answers.Plan()
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

func twoLetters(text string) error {
	if len(text) != 2 || strings.ToUpper(text) != text {
		return errors.New("two capital letters were expected (ISO 3166-1)")
	}
	return nil
}

func contactText(text string) error {
	if n := utf8.RuneCountInString(text); n > plan.MaxContact {
		return fmt.Errorf("%d characters; %d at most were expected: it is printed on each sheet", n, plan.MaxContact)
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

// names asks for names, with commas between them, and again until check takes them.
func (q *questions) names(question, usual string, check func([]string) error) (names []string) {
	q.ask(question, usual, func(text string) error {
		names = splitNames(text)
		seen := map[string]bool{}
		for _, name := range names {
			if seen[plan.FoldName(name)] {
				return fmt.Errorf("%s is there twice; add what tells the two apart", name)
			}
			seen[plan.FoldName(name)] = true
		}
		return check(names)
	})
	return names
}

// atLeast wants so many names.
func atLeast(least int) func([]string) error {
	return func(names []string) error {
		if len(names) < least {
			return fmt.Errorf("%d names or more were expected, with commas between them", least)
		}
		return nil
	}
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
	a.Country = q.plain("Its country, two capital letters", "", twoLetters)
	a.Ceremony = q.ask("Name of the ceremony", a.Organization+" key ceremony", something)
	a.Place = q.ask("Place", "", anything)
	a.Start = q.start()
	a.People.Administrator = q.ask("Ceremony administrator, who operates the computer", "", something)
	a.People.Witnesses = q.names("Witnesses, with commas between them; the first compares and initials", "", atLeast(1))
	a.People.Custodians = q.names("Key custodians, three at least, with commas between them", "", atLeast(3))
	total := len(a.People.Custodians)
	a.Threshold = q.number("How many of them together restore the key", total/2+1, 2, max(2, total))
	a.Contact = q.ask("Whom custodians call if a sheet is lost or was seen: name and telephone number or mail; empty for the administrator", "", contactText)
	a.Printer = q.unless("none", "CUPS queue that prints the sheets; none to copy them by hand", "none")
	a.Primary, a.Standby = q.serial("primary"), q.serial("standby")
	a.SOPIN = plan.Keeping(q.choose("How the SO-PINs of both are kept: quorum, sealed for the custodians, or sheet, in bags of their own",
		string(plan.ByQuorum), string(plan.ByQuorum), string(plan.OnSheet)))
	q.authorities(&a)
	a.RetentionYears = q.number("Years that the evidence is kept", 25, 1, 100)
	q.confirm(func() error { return nil })
	return a
}

// confirm shows all answers before anything is made of them, where a person has typed
// them, and checks what would be made.
func (q *questions) confirm(check func() error) {
	if q.draft == "" || len(q.asked) == 0 {
		return
	}
	var all strings.Builder
	for i, a := range q.given {
		if i < len(q.asked) {
			fmt.Fprintf(&all, "  %s: %s\n", a.question, a.text)
		}
	}
	q.tell("\nThe plan will say:\n%s", tty.Lines(all.String()))
	q.ask("Is all of it right? yes writes the plan; back goes to the answer before", "", func(text string) error {
		if typed.Word(text, "yes") == "" {
			return errors.New("yes or back was expected; what else is to be changed can be changed in the plan, with an editor")
		}
		return check()
	})
}

// startForm is how people type when a ceremony begins.
const startForm = "2006-01-02 15:04"

// start asks when the ceremony begins; validity begins at midnight before it.
func (q *questions) start() (start time.Time) {
	now := time.Now().UTC().Truncate(time.Minute)
	q.ask("Planned start, UTC, as in 2027-01-15 09:00", usualStart(now).Format(startForm), func(text string) (err error) {
		start, err = parseStart(text, now)
		return err
	})
	return start
}

func parseStart(text string, now time.Time) (time.Time, error) {
	start, err := time.ParseInLocation(startForm, typed.Clean(text), time.UTC)
	switch {
	case err != nil:
		return start, errors.New("a date and a time such as 2027-01-15 09:00 was expected")
	case start.Before(now):
		return start, fmt.Errorf("that is in the past; it is %s now, UTC", now.Format(startForm))
	}
	return start, nil
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
	a.Public = q.choose("Profile: private, or cabf for a root that browsers are to trust", "private", "private", "cabf") == "cabf"
	a.KeyType = q.plain("Type of the root's key", "ec:secp384r1", keyTypeText)
	a.Root = q.ask("Name of the root", a.Organization+" Root CA", something)
	a.RootYears = q.number("Years that it is valid", 20, 1, 50)
	a.URL = q.plain("URL under which CRL and certificate are published", "http://pki.example.com", something)
	if request := q.unless("none", "File of the issuing CA's request (PKCS #10), beside the plan; none for no issuing CA", "issuing.csr"); request != "" {
		a.Issuing = &plan.IssuingAnswers{
			Request: request,
			Name:    q.ask("Name of the issuing CA, as in the request", a.Organization+" Issuing CA 1", something),
			Years:   q.number("Years that it is valid", 10, 1, 50),
			Domains: splitNames(q.plain("DNS names that it may issue for, such as example.com; empty for any", "", anything)),
		}
	}
	a.CRLMonths = q.number("Months between two CRLs of the root", 12, 1, 24)
}
