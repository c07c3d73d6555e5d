package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"conclave/ca"
	"conclave/ceremony/plan"
	"conclave/internal/safefile"
	"conclave/wire"
)

type ceremonyNew struct {
	Plan string `arg:"" help:"File to write."`
}

// Run asks what a root with one issuing CA needs, and writes the plan. What is
// rarer is added with an editor.
func (cmd ceremonyNew) Run(c *console) error {
	if err := safefile.Check(cmd.Plan); err != nil {
		return err
	}
	q := &questions{console: c}
	p := q.plan()
	if q.err != nil {
		return q.err
	}
	content, err := p.Bytes()
	if err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		c.note("conclave: the plan is not yet right: %v", err)
	}
	if err := safefile.Create(cmd.Plan, content); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Plan written to %s. Next: conclave ceremony check %s\n", cmd.Plan, cmd.Plan)
	return nil
}

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
		if text = strings.TrimSpace(text); text == "" {
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

// names asks for names, which commas part.
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

// plan asks everything.
func (q *questions) plan() *plan.Plan {
	p := &plan.Plan{Format: plan.Format}
	organization := q.ask("Name of the organisation", "", something)
	country := q.ask("Its country, two letters", "", twoLetters)
	p.Ceremony = q.ask("Name of the ceremony", organization+" key ceremony", something)
	p.Place = q.ask("Place", "", anything)
	p.Start = q.start()
	p.People.Administrator = q.ask("Ceremony administrator, who operates the computer", "", something)
	p.People.Witnesses = q.names("Witnesses, the first of whom compares and initials", 1)
	p.People.Custodians = q.names("Key custodians, three at least", 3)
	p.Custody = &plan.Custody{Device: "primary", Standby: "standby"}
	total := len(p.People.Custodians)
	p.Custody.Threshold = q.number("How many of them together restore the key", total/2+1, 2, max(2, total))
	if queue := q.ask("CUPS queue that prints the sheets; none to copy them by hand", "none", something); queue != "none" {
		p.Custody.Printer = queue
	}
	p.Devices = []plan.Device{q.device("primary"), q.device("standby")}
	q.authorities(p, organization, country)
	p.Retention = plan.Retention{Years: q.number("Years that the evidence is kept", 25, 1, 100), DrillMonths: 12}
	return p
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

func (q *questions) device(name string) plan.Device {
	serial := q.ask("Serial number of the device "+name+", or embedded for one in software", "embedded", something)
	if serial == "embedded" {
		return plan.Device{Name: name, Embedded: true}
	}
	return plan.Device{Name: name, Serial: serial}
}

// authorities asks for the root and the CA under it.
func (q *questions) authorities(p *plan.Plan, organization, country string) {
	day := p.Start.Truncate(24 * time.Hour)
	public := q.ask("Profile: private, or cabf for a root that browsers are to trust", "private", func(text string) error {
		if text != "private" && text != "cabf" {
			return errors.New("private or cabf was expected")
		}
		return nil
	}) == "cabf"
	p.Keys = []plan.Key{{Name: "root", Type: q.ask("Type of the root's key", "ec:secp384r1", keyTypeText)}}
	root := plan.Certificate{Name: "root", Key: "root", Spec: ca.Spec{
		Profile: ca.Root, Subject: ca.Name{CommonName: q.ask("Name of the root", organization+" Root CA", something), Organization: organization, Country: country},
		NotBefore: day, NotAfter: day.AddDate(q.number("Years that it is valid", 20, 1, 50), 0, 0).Add(-time.Second),
	}}
	base := strings.TrimSuffix(q.ask("URL under which CRL and certificate are published", "http://pki.example.com", something), "/")
	root.Publication = ca.Publication{CRL: base + "/root.crl", Certificate: base + "/root.cer"}
	if public {
		root.Profile = ca.CABFRoot
	}
	p.Certificates = append(p.Certificates, root)
	request := q.ask("File of the issuing CA's request (PKCS #10), beside the plan; none for no issuing CA", "issuing.csr", something)
	if request != "none" {
		p.Certificates = append(p.Certificates, q.issuing(request, root.Spec, organization, public))
	}
	months := q.number("Months between two CRLs of the root", 12, 1, 24)
	p.CRLs = []plan.CRL{{Name: "root-crl-1", Issuer: "root", CRLSpec: ca.CRLSpec{ThisUpdate: day, NextUpdate: day.AddDate(0, months, 0)}}}
}

// issuing asks for the CA under the root.
func (q *questions) issuing(request string, root ca.Spec, organization string, public bool) plan.Certificate {
	none := 0 // an issuing CA has no CA below it
	issuing := plan.Certificate{Name: "issuing", Issuer: "root", Request: request, Spec: ca.Spec{
		Profile: ca.Subordinate, PathLen: &none,
		Subject:   ca.Name{CommonName: q.ask("Name of the issuing CA, as in the request", organization+" Issuing CA 1", something), Organization: organization, Country: root.Subject.Country},
		NotBefore: root.NotBefore, NotAfter: root.NotBefore.AddDate(q.number("Years that it is valid", 10, 1, 50), 0, 0).Add(-time.Second),
	}}
	if public {
		issuing.Profile = ca.CABFSubordinate
	}
	if domains := splitNames(q.ask("DNS names that it may issue for, such as example.com; empty for any", "", anything)); len(domains) > 0 {
		// Names of one kind leave the others open (RFC 5280 section 4.2.1.10).
		issuing.Constraints = &ca.Constraints{PermittedDNS: domains, ExcludedIP: []string{"0.0.0.0/0", "::/0"}}
	}
	return issuing
}
