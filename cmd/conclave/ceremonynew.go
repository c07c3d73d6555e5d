package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"conclave/ceremony/plan"
	"conclave/internal/typed"
	"conclave/wire"
)

type ceremonyNew struct {
	answering
	Plan string `arg:"" complete:"files:json" help:"File to write."`
}

// Run asks what a root with one issuing CA needs, and writes the plan. What is
// rarer is added with an editor.
func (cmd ceremonyNew) Run(c *console) error {
	out, err := c.reserveOutput(cmd.Plan, planRoom, false)
	if err != nil {
		return err
	}
	defer out.release()
	q := &questions{console: c}
	p := q.answers().Plan()
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
	return c.answerWritten(out, planAnswer{out}, "Plan written to %s. Next: conclave ceremony check %s\n", cmd.Plan, cmd.Plan)
}

// planAnswer is a plan that was made.
type planAnswer struct{ output }

// planRoom is more than a plan made of these answers needs.
const planRoom = 64 << 10

// questions asks at the terminal; after an error it asks nothing more.
type questions struct {
	console *console
	err     error
}

// ask asks for a line, and again until parse takes it. An empty answer is the
// usual one.
func (q *questions) ask(question, usual string, parse func(string) error) string {
	prompt := question + ": "
	if usual != "" {
		prompt = fmt.Sprintf("%s [%s]: ", question, usual)
	}
	for q.err == nil {
		text, err := q.console.prompts.Line(prompt)
		if err != nil {
			q.err = err
			return ""
		}
		if text = typed.Text(text); text == "" {
			text = usual
		}
		if err := parse(text); err != nil {
			q.console.note("%v", err)
			continue
		}
		return text
	}
	return ""
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
	_, err := wire.ParseKeyType(text)
	return err
}

func (q *questions) number(question string, usual, least, most int) (n int) {
	q.ask(question, strconv.Itoa(usual), func(text string) (err error) {
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
	a.Country = q.ask("Its country, two letters", "", twoLetters)
	a.Ceremony = q.ask("Name of the ceremony", a.Organization+" key ceremony", something)
	a.Place = q.ask("Place", "", anything)
	a.Start = q.start()
	a.People.Administrator = q.ask("Ceremony administrator, who operates the computer", "", something)
	a.People.Witnesses = q.names("Witnesses, the first of whom compares and initials", 1)
	a.People.Custodians = q.names("Key custodians, three at least", 3)
	total := len(a.People.Custodians)
	a.Threshold = q.number("How many of them together restore the key", total/2+1, 2, max(2, total))
	a.Printer = q.unless("none", "CUPS queue that prints the sheets; none to copy them by hand", "none")
	a.Primary, a.Standby = q.serial("primary"), q.serial("standby")
	q.authorities(&a)
	a.RetentionYears = q.number("Years that the evidence is kept", 25, 1, 100)
	return a
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
	today := time.Now().UTC().Truncate(24 * time.Hour).Add(9 * time.Hour)
	q.ask("Planned start, UTC", today.Format("2006-01-02 15:04"), func(text string) (err error) {
		if start, err = time.ParseInLocation("2006-01-02 15:04", text, time.UTC); err != nil {
			return errors.New("a date and a time such as 2027-01-15 09:00 was expected")
		}
		return nil
	})
	return start
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
