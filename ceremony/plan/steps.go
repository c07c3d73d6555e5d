package plan

import (
	"fmt"
	"strings"
	"time"
)

// Action is what a step does.
type Action string

// The actions.
const (
	Open        Action = "open"        // begin the transcript, under a new ceremony key
	RollCall    Action = "roll-call"   // note who is here
	Prepare     Action = "prepare"     // identify a device, and initialise it if it is for custody
	Share       Action = "share"       // make the DKEK share file and the custodians' sheets
	Import      Action = "import"      // give a device the DKEK, with custodians
	Generate    Action = "generate"    // make a key
	Backup      Action = "backup"      // wrap a key to a file
	Restore     Action = "restore"     // prove the backup on the standby device
	Certify     Action = "certify"     // issue a certificate
	List        Action = "list"        // sign a CRL
	Erase       Action = "erase"       // erase the standby device
	Copy        Action = "copy"        // copy the backup to media
	Seal        Action = "seal"        // put everything into numbered bags
	CloseAction Action = "close"       // assemble the evidence
	LoneSheet   Action = "lone-sheet"  // one custodian, alone, checks their sheet
	Inspect     Action = "inspect"     // compare the backup with what was recorded
	OpenBackup  Action = "open-backup" // open all of the backup on a device that is thrown away
	Compare     Action = "compare"     // compare a device with what was recorded
)

// Role is a part in a ceremony.
type Role string

// The roles.
const (
	Administrator Role = "ceremony administrator"
	Witness       Role = "witness"
	Custodians    Role = "custodians"
)

// Step is a step of a ceremony, as the runbook prints it and the screen shows
// it.
type Step struct {
	ID     string // of this step in the transcript
	Action Action
	Object string // the name of what it is done to; of custodians, the number
	Title  string
	By     Role
	Do     []string // what people do, in order
	Expect []string // what must be seen
	Write  []string // what is written down by hand
}

// Who gives the names of those who play a role.
func (p *Plan) Who(r Role) string {
	switch r {
	case Administrator:
		return p.People.Administrator
	case Witness:
		return p.People.Witnesses[0]
	}
	return strings.Join(p.People.Custodians, ", ")
}

// Lead is who begins a step of a role's: where there are several, the
// administrator calls them.
func (p *Plan) Lead(r Role) string {
	if r == Custodians {
		return p.People.Administrator
	}
	return p.Who(r)
}

// Steps are all steps of the ceremony, in order. The plan must have passed
// Check.
func (p *Plan) Steps() []Step {
	if p.Drill != nil {
		return p.drill()
	}
	steps := []Step{p.open(), p.rollCall()}
	for _, d := range p.Devices {
		if p.Custody == nil || d.Name != p.Custody.Standby {
			steps = append(steps, p.prepare(d))
		}
	}
	if p.Custody != nil {
		steps = append(steps, p.custody()...)
	}
	for _, c := range p.Certificates {
		if c.File == "" {
			steps = append(steps, p.certify(c))
		}
	}
	for _, c := range p.CRLs {
		steps = append(steps, p.list(c))
	}
	if p.Custody != nil {
		if p.Custody.EraseStandby {
			steps = append(steps, p.erase())
		}
		steps = append(steps, p.seal())
	}
	return append(steps, p.close())
}

// custody is everything that makes keys and proves that they cannot be lost.
// Nothing is signed before that.
func (p *Plan) custody() []Step {
	c := p.Custody
	steps := []Step{p.share(), p.importInto(c.Device, "the first")}
	for _, k := range p.Keys {
		steps = append(steps, p.generate(k), p.backup(k))
	}
	return append(steps, p.prepare(*p.FindDevice(c.Standby)), p.importInto(c.Standby, "the last"), p.restore(), p.copies())
}

func (p *Plan) open() Step {
	return Step{
		ID: "open", Action: Open, Title: "Open the ceremony", By: Administrator,
		Do: []string{
			"Compare the clock of the computer with a watch.",
			"Read the words of the plan, of the program and of the files that come with the plan from the screen; " + p.Who(Witness) + " compares them with the runbook.",
			"Read the words of the ceremony key from the screen; " + p.Who(Witness) + " writes them into the runbook, under Ceremony key.",
		},
		Expect: []string{"The words are those printed in the bill of materials."},
		Write:  []string{"Time by the watch"},
	}
}

func (p *Plan) rollCall() Step {
	var do []string
	for _, name := range p.Everyone() {
		do = append(do, name+" is here and has shown a proof of identity.")
	}
	return Step{ID: "roll-call", Action: RollCall, Title: "Call the roll", By: Administrator, Do: do,
		Expect: []string{"Everyone is here. Who is absent is written down as an exception."}}
}

// Everyone gives the names of all who must come.
func (p *Plan) Everyone() []string {
	all := append([]string{p.People.Administrator}, p.People.Witnesses...)
	return append(all, p.People.Custodians...)
}

func (p *Plan) prepare(d Device) Step {
	s := Step{ID: "prepare-" + d.Name, Action: Prepare, Object: d.Name, Title: "Prepare the device " + d.Name, By: Administrator}
	if d.Embedded {
		s.Do = append(s.Do, "The embedded device "+d.Name+" is opened; if there is none it is made.")
	} else {
		s.Do = append(s.Do, "Take the device out of its bag, and put it into a reader.")
	}
	if d.Serial != "" {
		s.Do = append(s.Do, p.Who(Witness)+" compares the serial number on the screen with the runbook.")
	} else {
		s.Do = append(s.Do, p.Who(Witness)+" writes the serial number into the runbook.")
	}
	s.Expect = []string{"Serial number: " + orWritten(d.Serial)}
	s.Write = []string{"Serial number"}
	if p.Custody != nil && (d.Name == p.Custody.Device || d.Name == p.Custody.Standby) {
		s.Title += ", and initialise it"
		s.Do = append(s.Do, "Type the SO-PIN and the user PIN, each twice. They are not shown.")
		s.Expect = append(s.Expect, "The device proves that its certificate is its own. It holds no key, and waits for one DKEK share.")
	}
	return s
}

func orWritten(text string) string {
	if text == "" {
		return "(write it down)"
	}
	return text
}

func (p *Plan) share() Step {
	s := Step{ID: "share", Action: Share, Title: "Make the DKEK share file and the sheets", By: Custodians}
	how := "copies the sheet from the screen by hand, and reads its code back"
	if p.Custody.Printer != "" {
		how = "takes the sheet from the printer, and reads its code back"
	}
	for i, name := range p.People.Custodians {
		s.Do = append(s.Do, fmt.Sprintf("Custodian %d, %s, comes to the screen alone, %s.", i+1, name, how))
	}
	s.Expect = []string{
		fmt.Sprintf("Any %d of %d custodians open the share file, proved with every subset or with 10000 of them.", p.Custody.Threshold, len(p.People.Custodians)),
		"The share file opens with what was read back.",
	}
	s.Write = []string{"Set", "Key check value"}
	return s
}

func (p *Plan) importInto(device, which string) Step {
	return Step{
		ID: "import-" + device, Action: Import, Object: device, Title: "Give the DKEK to the device " + device, By: Custodians,
		Do: []string{
			fmt.Sprintf("%d custodians come to the screen one after the other, %s of the list if they can; each types the code of their sheet.", p.Custody.Threshold, which),
		},
		Expect: []string{"The key check value of the device is that of the share file."},
	}
}

func (p *Plan) generate(k Key) Step {
	return Step{
		ID: "key-" + k.Name, Action: Generate, Object: k.Name, Title: "Generate the key " + k.Name, By: Administrator,
		Do: []string{
			"Type the user PIN of the device " + p.Custody.Device + ", if it is asked for.",
			"Read the words of the public key aloud; " + p.Who(Witness) + " types the last one.",
		},
		Expect: []string{"Type " + k.Type + "; the device attests that it made the key."},
		Write:  []string{"Public key, the first four words"},
	}
}

func (p *Plan) backup(k Key) Step {
	return Step{
		ID: "backup-" + k.Name, Action: Backup, Object: k.Name, Title: "Back up the key " + k.Name, By: Administrator,
		Do: []string{"Type the user PIN of the device " + p.Custody.Device + ", if it is asked for.",
			"Read the words of the wrapped key aloud; " + p.Who(Witness) + " types the last one."},
		Expect: []string{"The wrapped key is under the key check value of the share file."},
		Write:  []string{"Wrapped key, the first four words"},
	}
}

func (p *Plan) restore() Step {
	return Step{
		ID: "restore", Action: Restore, Object: p.Custody.Standby, Title: "Prove the backup on the device " + p.Custody.Standby, By: Administrator,
		Do:     []string{"Type the user PIN of the device " + p.Custody.Standby + ", if it is asked for."},
		Expect: []string{"Each key is restored, has the same public key, and signs what verifies with it."},
	}
}

func (p *Plan) copies() Step {
	return Step{
		ID: "copy", Action: Copy, Title: "Copy the backup to media", By: Administrator,
		Do: []string{
			"Put in each backup medium in turn, and type the folder that it is seen as.",
			"Type done when all media are written.",
		},
		Expect: []string{"Each copy is read back, and is the same. Two media at least, kept in two places."},
		Write:  []string{"Number of copies"},
	}
}

// date is how papers write a day.
func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func (p *Plan) certify(c Certificate) Step {
	return Step{
		ID: "certificate-" + c.Name, Action: Certify, Object: c.Name, Title: "Issue the certificate " + c.Name, By: Administrator,
		Do: []string{
			"Read what is to be signed; " + p.Who(Witness) + " compares it with the runbook, and agrees.",
			"Type the user PIN, if it is asked for.",
			"Read the words of the certificate aloud; " + p.Who(Witness) + " types the last one.",
		},
		Expect: []string{"Profile " + string(c.Profile) + ", linted without a finding above notice", "Signed by " + signedBy(c.Issuer)},
		Write:  []string{"Serial number, the last eight digits", "Certificate, the first four words"},
	}
}

func signedBy(issuer string) string {
	if issuer == "" {
		return "itself"
	}
	return "the key of the certificate " + issuer
}

func (p *Plan) list(c CRL) Step {
	return Step{
		ID: "crl-" + c.Name, Action: List, Object: c.Name, Title: "Sign the CRL " + c.Name, By: Administrator,
		Do: []string{
			"Read what is to be signed; " + p.Who(Witness) + " compares it with the runbook, and agrees.",
			"Type the user PIN, if it is asked for.",
			"Read the words of the CRL aloud; " + p.Who(Witness) + " types the last one.",
		},
		Expect: []string{"Signed by " + signedBy(c.Issuer)},
		Write:  []string{"CRL number", "CRL, the first four words"},
	}
}

func (p *Plan) erase() Step {
	return Step{
		ID: "erase", Action: Erase, Object: p.Custody.Standby, Title: "Erase the device " + p.Custody.Standby, By: Administrator,
		Do:     []string{"Type the SO-PIN of the device " + p.Custody.Standby + "."},
		Expect: []string{"The device holds no key and no DKEK."},
	}
}

func (p *Plan) seal() Step {
	s := Step{ID: "seal", Action: Seal, Title: "Seal the bags", By: Witness,
		Expect: []string{"Each bag is closed before its number is typed. Where a thing gets no bag, type none."}}
	for _, thing := range p.Bags() {
		s.Do = append(s.Do, "Put into a bag, and type its number: "+thing+".")
		s.Write = append(s.Write, "Bag of "+thing)
	}
	return s
}

// Media are the backup media, as a thing that goes into a bag.
const Media = "the backup media"

// TheDevice is a device as a thing that goes into a bag.
func TheDevice(name string) string { return "the device " + name }

// Sheet is a custodian's sheet as a thing that goes into a bag.
func Sheet(custodian string) string { return "the sheet of " + custodian }

// Bags are the things that go into bags of their own.
func (p *Plan) Bags() (things []string) {
	for _, name := range p.Kept() {
		things = append(things, TheDevice(name))
	}
	things = append(things, Media)
	for _, name := range p.People.Custodians {
		things = append(things, Sheet(name))
	}
	return things
}

func (p *Plan) close() Step {
	return Step{
		ID: "close", Action: CloseAction, Title: "Close the ceremony", By: Administrator,
		Do: []string{
			"Read the exceptions aloud; everyone agrees that there were no others.",
			"Put photographs into the folder that the screen names, if there are any.",
			"Read the words of the closing aloud; " + p.Who(Witness) + " writes them on the last page.",
			"Everyone signs the last page.",
		},
		Expect: []string{"The evidence verifies. The ceremony key is destroyed."},
		Write:  []string{"Time by the watch"},
	}
}
