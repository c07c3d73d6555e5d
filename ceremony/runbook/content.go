package runbook

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// content is what a runbook says, before it has a form.
type content struct {
	Label                            labels
	Name, Place, Start, Made, Digest string
	Quorum                           string // empty without custody
	Practice                         bool
	People                           []person
	Devices                          []device
	Agenda                           agenda
	Words                            []word
	Parts                            []part
	Materials                        []material
	Bring, Rules                     []string
	Steps                            []paperStep
	Custodians                       []custodian // of the sheets that are made
	Exceptions                       int         // pages of exception sheets
	Blanks                           []string    // a line to write on for each word of a hash
	Verify                           []string
	Command                          string
}

type person struct{ Role, Name string }

type custodian struct {
	Number int
	Name   string
}

type device struct{ Name, Serial, Part string }

type material struct {
	Name, Detail string
	Hash         []string // groups of four hexadecimal digits
	Words        []string
}

type paperStep struct {
	step.Step
	Label  labels
	Number int
	Begins string
}

// exceptionSteps are how many steps there is a page of exception sheets for.
const exceptionSteps = 12

func (b Book) content() (content, error) {
	if err := b.check(); err != nil {
		return content{}, err
	}
	p := b.Plan
	c := content{
		Label: label, Name: p.Ceremony, Place: p.Place, Start: moment(p.Start), Practice: p.Practice,
		Made: moment(b.Made) + ", by conclave " + b.Tool, Digest: hex.EncodeToString(b.Materials[0].SHA256[:4]),
		People: people(p), Devices: devices(p), Agenda: agendaOf(p), Parts: parts(p), Bring: bring(p), Rules: rules(p),
		Verify: verify(p), Command: "conclave ceremony verify EVIDENCE --key FINGERPRINT --closing CLOSING",
	}
	if p.Custody != nil {
		c.Quorum = fmt.Sprintf("Any %d of the %d custodians can restore the keys; fewer cannot", p.Custody.Threshold, len(p.People.Custodians))
		for i, name := range p.People.Custodians {
			c.Custodians = append(c.Custodians, custodian{i + 1, name})
		}
	}
	for _, m := range b.Materials {
		c.Materials = append(c.Materials, material{m.Name, m.Detail, groups(m.SHA256), m.Words})
	}
	for i, s := range p.Steps() {
		s.Expect = append(s.Expect, b.Expect[s.ID]...)
		c.Steps = append(c.Steps, paperStep{s, label, i + 1, begins(p, s.By)})
	}
	c.Words, c.Exceptions = words(c.Steps), (len(c.Steps)+exceptionSteps-1)/exceptionSteps
	c.Blanks = make([]string, hashWords)
	return c, nil
}

// moment writes a time in UTC, as the computer shows it, and beside it as the
// clock on the wall does if the plan says its zone.
func moment(t time.Time) string {
	text := t.UTC().Format("Monday 2 January 2006, 15:04 UTC")
	if _, offset := t.Zone(); offset != 0 {
		text += t.Format(" (15:04 at UTC-07:00)")
	}
	return text
}

// groups writes a hash as people compare it; none for one that is missing.
func groups(sum [32]byte) (all []string) {
	if sum == [32]byte{} {
		return nil
	}
	for i := 0; i < len(sum); i += 2 {
		all = append(all, hex.EncodeToString(sum[i:i+2]))
	}
	return all
}

func people(p *plan.Plan) []person {
	all := []person{{"Ceremony administrator", p.People.Administrator}}
	for i, name := range p.People.Witnesses {
		role := "Witness"
		if i == 0 && len(p.People.Witnesses) > 1 {
			role = "First witness"
		}
		all = append(all, person{role, name})
	}
	for i, name := range p.People.Custodians {
		all = append(all, person{fmt.Sprintf("Custodian %d", i+1), name})
	}
	return all
}

func devices(p *plan.Plan) (all []device) {
	for _, d := range p.Devices {
		serial := d.Serial
		if serial == "" {
			serial = "none (embedded)"
		}
		all = append(all, device{d.Name, serial, p.PurposeOf(d.Name)})
	}
	return all
}

// begins says who begins a step.
func begins(p *plan.Plan, r step.Role) string {
	if r == step.Custodians {
		return fmt.Sprintf("%s, %s, who calls the custodians: %s", p.Lead(r), step.Administrator, p.Who(r))
	}
	return p.Who(r) + ", " + string(r)
}

// bring lists what must be in the room.
func bring(p *plan.Plan) []string {
	all := append(bringDevices(p),
		"The computer of the ceremony, with power for the whole of it",
		"A watch that was set today",
		"Pens whose ink cannot be rubbed out",
		"This runbook twice on paper: one for the administrator, one for the witness",
		"Proof of identity for everyone")
	if p.Recording {
		all = append(all, "A camera that records the whole ceremony, and sees no screen and no sheet while a custodian is at the screen")
	}
	switch {
	case p.Custody == nil:
		return all
	case p.Sequel() != nil:
		return append(all, bringToSequel(p)...)
	}
	return append(all, bringForCustody(p)...)
}

// bringDevices is the point for the devices that are not in software.
func bringDevices(p *plan.Plan) []string {
	var names []string
	for _, d := range p.Devices {
		if !d.Embedded {
			names = append(names, d.Name)
		}
	}
	if names == nil {
		return nil
	}
	return []string{"The devices in their bags, and a reader for each: " + strings.Join(names, ", ")}
}

// bringForCustody lists what keys and sheets that are made need.
func bringForCustody(p *plan.Plan) (all []string) {
	for _, path := range p.KeyFiles() {
		all = append(all, "The key file "+path+" beside the plan, and whoever knows its password")
	}
	sheets := fmt.Sprintf("Paper for the %d sheets, which are copied by hand from the screen", len(p.People.Custodians))
	if p.Custody.Printer != "" {
		sheets = fmt.Sprintf("The printer %s with its power and cable, and paper for the %d sheets", p.Custody.Printer, len(p.People.Custodians))
	}
	if pins := p.PINSheets(); len(pins) > 0 && p.Custody.Printer == "" {
		all = append(all, fmt.Sprintf("The blank PIN sheets, %d, printed on one side", len(pins)))
	}
	return append(all, sheets,
		fmt.Sprintf("Envelopes that light does not shine through, %d, one for each sheet", len(p.People.Custodians)),
		fmt.Sprintf("Tamper-evident bags with numbers, %d and some to spare", len(p.Bags())),
		backupMedia(p))
}

// backupMedia says how many are brought.
func backupMedia(p *plan.Plan) string {
	if n := p.Custody.Media; n > 0 {
		return fmt.Sprintf("Backup media, new and empty, %d, marked 1 to %d, to be kept in different places", n, n)
	}
	return "Backup media, new and empty, two or more, to be kept in two places"
}

// bringToSequel lists what a drill, or a change, needs beside that.
func bringToSequel(p *plan.Plan) []string {
	return []string{
		"The folder in which it was prepared, with this plan and what it goes on from",
		"The numbers of the bags are those of the ceremony, drill or change whose closing is " + p.Sequel().Before(),
		"The backup media in their bags, and the sheets of the custodians in theirs",
		fmt.Sprintf("Tamper-evident bags with numbers, %d and some to spare", len(p.Bags())),
	}
}

// rules say how the paper is used.
func rules(p *plan.Plan) []string {
	all := []string{
		fmt.Sprintf("The foot of each page has the same first digits of the plan's SHA-256, enough to see that the page is of this book. %s reads and does; %s compares with this paper.", p.People.Administrator, p.People.Witnesses[0]),
		"Write with a pen. Strike out a mistake with one line, so that it can be read, and put your initials beside it.",
		"Whatever does not go as printed is an exception. Stop, write it on an exception sheet, and put its number at the end of the step.",
		"No PIN, no code and no share is ever written in this runbook.",
	}
	if p.Sequel() == nil {
		all = append(all, "Of keys, certificates and CRLs eight words are read, and four written down. The closing covers all of what they begin: who put another one into the transcript would have to find it, with the same eight words, before the step is over.")
	}
	if p.Custody != nil {
		all = append(all, "While a custodian is at the screen, no one else and no camera sees the screen or the sheet.")
	}
	return all
}

// verify says how evidence is verified later, and what keeps it worth something.
func verify(p *plan.Plan) []string {
	all := []string{
		"EVIDENCE is the folder that was made in the last step. FINGERPRINT stands for the words of the ceremony key, which were written down in step 1; CLOSING for those on this page.",
		fmt.Sprintf("The evidence and this runbook are kept for %s: until %s.", count(p.Retention.Years, "year"), p.KeptUntil().Format("2 January 2006")),
	}
	if p.Custody != nil {
		all = append(all, fmt.Sprintf("Custody is checked in a drill at least every %s: the first one is due by %s.", count(p.Retention.DrillMonths, "month"), p.DrillDue(1).Format("2 January 2006")))
	}
	return all
}

// count writes a number with what it counts.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
