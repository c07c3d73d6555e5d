package runbook_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"conclave/ca"
	"conclave/ceremony/plan"
	"conclave/ceremony/runbook"
	"conclave/ceremony/step"
	"conclave/internal/typeset/typesettest"
)

// usual is a ceremony of five custodians that makes two keys, and signs a root
// and a CRL.
func usual() runbook.Book {
	start := time.Date(2027, 1, 15, 10, 0, 0, 0, time.FixedZone("", 3600))
	p := &plan.Plan{
		Format: plan.Format, Ceremony: "Example Root Key Ceremony 2027", Place: "Example Trust, Musterstraße 1, Berlin, room 2.14", Start: start,
		People: plan.People{
			Administrator: "Ada Lindqvist", Witnesses: []string{"Bruno Okafor", "Chiara Rossi"},
			Custodians: []string{"Dmitri Petrov", "Ελένη Ψυχογιού", "Farid Haddad", "Grace O’Neill", "Hana Nováková"},
		},
		Devices:   []plan.Device{{Name: "root-1", Serial: "DENK0104405"}, {Name: "root-2", Serial: "DENK0104406"}},
		Custody:   &plan.Custody{Threshold: 3, Device: "root-1", Standby: "root-2", Printer: "ceremony-laser"},
		Keys:      []plan.Key{{Name: "root", Type: "ec:secp384r1"}, {Name: "timestamp", Type: "rsa:4096"}},
		Retention: plan.Retention{Years: 10, DrillMonths: 12},
	}
	root := plan.Certificate{Name: "root", Key: "root"}
	root.Subject = ca.Name{CommonName: "Example Root CA", Organization: "Example Trust", Country: "DE"}
	root.Profile, root.NotBefore, root.NotAfter = "root", start.UTC(), start.UTC().AddDate(20, 0, 0)
	p.Certificates = []plan.Certificate{root}
	crl := plan.CRL{Name: "root-1", Issuer: "root"}
	crl.ThisUpdate, crl.NextUpdate = start.UTC(), start.UTC().AddDate(1, 0, 0)
	p.CRLs = []plan.CRL{crl}
	return book(p)
}

func book(p *plan.Plan) runbook.Book {
	return runbook.Book{
		Plan: p, Made: time.Date(2026, 12, 20, 8, 30, 0, 0, time.UTC), Tool: "1.4.0",
		Materials: []runbook.Material{
			material("The plan", "plan.json", 1), material("The program", "conclave 1.4.0, linux/amd64", 2),
			{Name: "Request of the issuing authority", Detail: "issuing.csr", SHA256: sha256.Sum256([]byte{3})},
			{Name: "Backup medium", Detail: "USB, 2 of them, new"},
		},
	}
}

func material(name, detail string, seed byte) runbook.Material {
	m := runbook.Material{Name: name, Detail: detail, SHA256: sha256.Sum256([]byte{seed})}
	for i, b := range m.SHA256 {
		m.Words = append(m.Words, fmt.Sprintf("word%c%02x", 'a'+i%26, b))
	}
	return m
}

// large has names as long as a plan allows, 20 custodians and 60 steps.
func large() runbook.Book {
	b := usual()
	p := b.Plan
	p.Ceremony, p.Place = fill("Ceremony of long names ")[:69]+"Z", strings.Repeat("W", 100)
	p.People.Administrator, p.People.Witnesses[0] = fill("Administrator Maria Theresia "), strings.Repeat("M", 100)
	p.People.Custodians = nil
	for i := range 20 {
		p.People.Custodians = append(p.People.Custodians, fill(fmt.Sprintf("%d. Custodian Amalia Walburga ", i+1)))
	}
	for i := 2; len(p.Steps()) < 60; i++ {
		p.Keys = append(p.Keys, plan.Key{Name: fmt.Sprintf("key-%d", i), Type: "ec:secp256r1"})
	}
	return b
}

// fill repeats a text to 100 characters.
func fill(text string) string { return strings.Repeat(text, 10)[:99] + "Z" }

// practice is the usual ceremony's rehearsal.
func practice() runbook.Book {
	b := usual()
	r, err := b.Plan.Rehearsal()
	if err != nil {
		panic(err)
	}
	b.Plan = r
	return b
}

func each(t *testing.T, test func(t *testing.T, b runbook.Book)) {
	for name, b := range map[string]runbook.Book{"usual": usual(), "large": large(), "practice": practice(), "no custody": signing()} {
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
}

// signing is a ceremony that makes no key: it signs a CRL with an existing one.
func signing() runbook.Book {
	b := usual()
	p := b.Plan
	p.Custody, p.Keys, p.People.Custodians, p.Place = nil, nil, nil, ""
	p.Devices = p.Devices[:1]
	p.Certificates = []plan.Certificate{{Name: "root", File: "root.pem", Device: "root-1"}}
	p.Register = "register.sqlite"
	return b
}

func html(t *testing.T, b runbook.Book) []byte {
	t.Helper()
	page, err := runbook.HTML(b)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func pdf(t *testing.T, b runbook.Book) []byte {
	t.Helper()
	pages, err := runbook.PDF(b)
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// squeeze gives a text as it is compared: without the spaces, which come and go
// where lines are broken.
func squeeze(text string) string {
	return strings.Join(strings.Fields(norm.NFKC.String(text)), "")
}

// wantInOrder looks for texts one after the other.
func wantInOrder(t *testing.T, text string, wanted []string) {
	t.Helper()
	rest := squeeze(text)
	for _, want := range wanted {
		_, after, found := strings.Cut(rest, squeeze(want))
		if !found {
			t.Fatalf("%q is missing, or not in its place; what comes there is %.200q", want, rest)
		}
		rest = after
	}
}

// stepTexts are everything that is said about the steps, in order.
func stepTexts(p *plan.Plan) (all []string) {
	for i, s := range p.Steps() {
		all = append(all, fmt.Sprint(i+1)+s.Title, "Begins: "+p.Lead(s.By))
		if s.By == step.Custodians {
			all = append(all, "who calls the custodians: "+p.Who(s.By))
		}
		all = append(all, s.Do...)
		if len(s.Expect) > 0 {
			all = append(all, "You must see")
			all = append(all, s.Expect...)
		}
		if len(s.Write) > 0 {
			all = append(all, "Write down")
			all = append(all, s.Write...)
		}
		all = append(all, "Time", "Administrator's initials", "Witness's initials", "Exception no.")
	}
	return all
}

// allTexts are those, and what comes before and after.
func allTexts(b runbook.Book) []string {
	p := b.Plan
	all := []string{"Key ceremony runbook", p.Ceremony, p.Place, "2027, 09:00 UTC (10:00 at UTC+01:00)", "20 December 2026, 08:30 UTC, by conclave 1.4.0", "People"}
	all = append(all, p.Everyone()...)
	all = append(all, "Devices")
	for _, d := range p.Devices {
		all = append(all, d.Name, d.Serial)
	}
	all = append(all, "Agenda", "UTC+01", "UTC", "10:00", "09:00", "Open the ceremony", "no one else", "End: ", "Who does what", "Ceremony administrator", p.People.Administrator, "all steps", "Never", "Witness who compares", p.People.Witnesses[0])
	if p.Custody != nil {
		all = append(append(all, "Custodians"), p.People.Custodians...)
	}
	all = append(all, "Bill of materials")
	for _, m := range b.Materials {
		all = append(all, m.Name, m.Detail)
		if m.SHA256 != [32]byte{} {
			all = append(all, fmt.Sprintf("%x", m.SHA256))
		}
		for i, word := range m.Words {
			all = append(all, fmt.Sprint(i+1), word)
		}
	}
	all = append(append(all, "Before you begin", "Steps"), stepTexts(p)...)
	if p.Custody != nil {
		all = append(append(all, "Where the sheets go"), p.People.Custodians...)
	}
	all = append(append(all, "Closing", "31", "32", "Signatures"), p.Everyone()...)
	return append(all, "conclave ceremony verify EVIDENCE --key FINGERPRINT --closing CLOSING", "for 10 years: until 15 January 2037",
		"Exception sheet", "What was decided", "What was decided")
}

func TestTheSameBookGivesTheSameBytes(t *testing.T) {
	firstPage, firstPDF := html(t, usual()), pdf(t, usual())
	for range 5 {
		if !bytes.Equal(firstPage, html(t, usual())) || !bytes.Equal(firstPDF, pdf(t, usual())) {
			t.Fatal("two runbooks of one plan differ")
		}
	}
	other := usual()
	other.Materials[0].SHA256[0]++
	if bytes.Equal(firstPage, html(t, other)) || bytes.Equal(firstPDF, pdf(t, other)) {
		t.Error("another hash gives the same runbook")
	}
}

func TestRefusesAnIncompleteBook(t *testing.T) {
	for want, spoil := range map[string]func(*runbook.Book){
		"plan: it is missing":            func(b *runbook.Book) { b.Plan = nil },
		"materials: at least two":        func(b *runbook.Book) { b.Materials = b.Materials[:1] },
		"materials[2].name":              func(b *runbook.Book) { b.Materials[2].Name = "" },
		"materials[0].sha256":            func(b *runbook.Book) { b.Materials[0].SHA256 = [32]byte{} },
		"materials[1].words: 31":         func(b *runbook.Book) { b.Materials[1].Words = b.Materials[1].Words[:31] },
		"made":                           func(b *runbook.Book) { b.Made = time.Time{} },
		"tool":                           func(b *runbook.Book) { b.Tool = "" },
		"people.witnesses: at least one": func(b *runbook.Book) { b.Plan.People.Witnesses = nil },
		"custody.standby: \"root-9\" is not one of the": func(b *runbook.Book) { b.Plan.Custody.Standby = "root-9" },
	} {
		b := usual()
		spoil(&b)
		for name, form := range map[string]func(runbook.Book) ([]byte, error){"HTML": runbook.HTML, "PDF": runbook.PDF} {
			if content, err := form(b); err == nil || content != nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; an error with %q was expected", name, err, want)
			}
		}
	}
}

// sequel is what drills and changes of the usual ceremony go on from; one thing was not
// put into a bag.
func sequel(p *plan.Plan) plan.Sequel {
	var bags []plan.Bag
	for i, thing := range p.Bags() {
		bags = append(bags, plan.Bag{Thing: thing, Number: fmt.Sprintf("B%03d", i+1)})
	}
	bags[2].Number = plan.NoBag
	return plan.Sequel{Closing: strings.Repeat("ab", 32), Bags: bags}
}

func drill() runbook.Book {
	b := usual()
	b.Plan = b.Plan.DrillOf(sequel(b.Plan), b.Made)
	return b
}

// TestEveryKindOfChangeHasAnAgenda: all of its steps are in it, each person has a part,
// and those who hand in their sheets know that they must come.
func TestEveryKindOfChangeHasAnAgenda(t *testing.T) {
	for _, kind := range plan.Kinds() {
		b := usual()
		change := plan.Change{Kind: kind, Sequel: sequel(b.Plan)}
		if kind == plan.ReplaceDevice {
			change.Device = "root-2"
		}
		b.Plan = b.Plan.ChangeOf(change, b.Made)
		b.Plan.Devices[0].UserPIN = &plan.PIN{Kept: plan.ByKeeper, By: b.Plan.People.Custodians[4]}
		left := b.Plan.People.Custodians[0]
		if b.Plan.Change.Before != nil {
			b.Plan.People.Custodians[0] = "Ivo Marin"
		}
		text := typesettest.Run(t, pdf(t, b), "pdftotext", "-raw", "-", "-")
		text, _, _ = strings.Cut(text, "Bill of materials")
		wanted := []string{"Agenda"}
		for _, s := range b.Plan.Steps() {
			wanted = append(wanted, s.Title)
		}
		wanted = append(wanted, "End: ", "Who does what", b.Plan.People.Administrator, b.Plan.People.Witnesses[1])
		if b.Plan.Change.Before != nil {
			wanted = append(wanted, "Custodians until now", left, "step", "Hand in the sheet.")
		}
		for i, name := range b.Plan.People.Custodians {
			wanted = append(wanted, fmt.Sprint(i+1), name, "steps ")
		}
		wantInOrder(t, text, append(wanted, "Never"))
		html(t, b)
	}
}

// TestDrill: the paper of a drill is for what is there, and not for what a
// ceremony makes.
func TestDrill(t *testing.T) {
	page := string(html(t, drill()))
	for _, want := range []string{"The backup media in their bags", "Is compared with what was recorded", "and your sheet in its bag, closed", "Open the backup on a device that is thrown away",
		"See that the bag of the device root-1 is closed and has the number B001; open it.", "Take out the backup media, which was not put into a bag.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, not := range []string{"Backup media, new and empty", "Makes the keys"} {
		if strings.Contains(page, not) {
			t.Errorf("the page says %q", not)
		}
	}
}
