package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony/step"
	"conclave/wire"
)

// Who gives the names of those who have a role.
func (p *Plan) Who(r step.Role) string {
	switch r {
	case step.Administrator:
		return p.People.Administrator
	case step.Witness:
		return p.People.Witnesses[0]
	}
	return strings.Join(p.People.Custodians, ", ")
}

// Lead is who begins a step for a role: where there are several people, the
// administrator calls them.
func (p *Plan) Lead(r step.Role) string {
	if r == step.Custodians {
		return p.People.Administrator
	}
	return p.Who(r)
}

// Steps are all steps of the ceremony, in order. The plan must have passed
// Check.
func (p *Plan) Steps() []step.Step {
	switch {
	case p.Change != nil:
		return script{p}.change()
	case p.Drill != nil:
		return script{p}.drill()
	}
	return script{p}.ceremony()
}

// script writes the steps of a plan.
type script struct{ *Plan }

// ceremony are the steps of a first ceremony.
func (p script) ceremony() []step.Step {
	steps := []step.Step{p.open(), p.rollCall()}
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
		steps = append(steps, p.signCRL(c))
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
func (p script) custody() []step.Step {
	c := p.Custody
	steps := append([]step.Step{p.share(), p.importInto(c.Device, "the first", p.first())}, p.sealPIN(c.Device, p.first())...)
	for _, k := range p.Keys {
		steps = append(steps, p.generate(k), p.backup(k))
	}
	steps = append(steps, p.prepare(*p.FindDevice(c.Standby)), p.importInto(c.Standby, "the last", p.last()))
	return append(append(steps, p.sealPIN(c.Standby, p.last())...), p.restore(), p.copies())
}

// occasion is what people call what a plan says, at its beginning and its end.
func (p script) occasion() string {
	if p.Kind() == Checking {
		return string(Checking)
	}
	return "ceremony"
}

func (p script) open() step.Step {
	return step.Step{
		ID: step.Open.ID(), Action: step.Open, Title: "Open the " + p.occasion(), By: step.Administrator,
		Do: []string{
			p.Who(step.Witness) + " types the time by a watch; the screen says how far the clock of the computer is from it.",
			"Read the words of the plan, of the program and of the files that come with the plan from the screen; " + p.Who(step.Witness) + " compares them with the runbook, and types from it the word that the screen leaves out.",
			"Read the words of the ceremony key from the screen; " + p.Who(step.Witness) + " writes them into the runbook, under Ceremony key, and types the one that is asked for.",
		},
		Expect: []string{"Watch and clock are no more than five minutes apart.", "The words are those printed in the bill of materials."},
		Write:  []string{"Time by the watch"},
	}
}

func (p script) rollCall() step.Step {
	var do []string
	for _, name := range p.Everyone() {
		do = append(do, name+" is here and has shown a proof of identity.")
	}
	return step.Step{ID: step.RollCall.ID(), Action: step.RollCall, Title: "Call the roll", By: step.Administrator, Called: p.custodians(), Do: do,
		Expect: []string{"Everyone is here. Whoever is absent is written down as an exception."}}
}

// custodians are the numbers of all.
func (p script) custodians() (numbers []int) {
	for i := range p.People.Custodians {
		numbers = append(numbers, i+1)
	}
	return numbers
}

// first and last are as many custodians as restore the keys, from either end of the list:
// between them as many sheets are tried as there can be.
func (p script) first() []int { return p.custodians()[:p.Custody.Threshold] }

func (p script) last() []int {
	return p.custodians()[len(p.People.Custodians)-p.Custody.Threshold:]
}

// Everyone gives the names of all who must come.
func (p *Plan) Everyone() []string {
	all := append([]string{p.People.Administrator}, p.People.Witnesses...)
	return append(all, p.People.Custodians...)
}

// CallsRoll says whether the plan begins with a roll call. In a drill people come one
// after the other.
func (p *Plan) CallsRoll() bool { return p.Drill == nil }

// CalledAgain gives the names of those who must be here whenever the ceremony goes on:
// all who sign at its end, or those who hold the drill.
func (p *Plan) CalledAgain() []string {
	if p.CallsRoll() {
		return p.Everyone()
	}
	return append([]string{p.People.Administrator}, p.People.Witnesses...)
}

func (p script) prepare(d Device) step.Step {
	s := step.Step{ID: step.Prepare.ID(d.Name), Action: step.Prepare, Object: d.Name, Title: "Prepare the device " + d.Name, By: step.Administrator}
	if d.Embedded {
		s.Do = append(s.Do, "The embedded device "+d.Name+" is opened; if it does not exist, it is made.")
	} else {
		s.Do = append(s.Do, "Take the device out of its bag, and put it into a reader.")
	}
	if d.Serial != "" {
		s.Do = append(s.Do, p.Who(step.Witness)+" compares the serial number on the screen with the runbook.")
	} else {
		s.Do = append(s.Do, p.Who(step.Witness)+" writes the serial number into the runbook.")
	}
	s.Expect = []string{"Serial number: " + orBlank(d.Serial)}
	s.Write = []string{"Serial number"}
	if p.Initialises(d.Name) {
		s.Title += ", and initialise it"
		s.Do = append(s.Do, p.setPINs(d)...)
		s.Expect = append(s.Expect, "The device proves that its certificate is its own. It holds no key, and waits for one DKEK share.")
	}
	return s
}

func orBlank(text string) string {
	if text == "" {
		return "(write it down)"
	}
	return text
}

func (p script) share() step.Step {
	s := step.Step{ID: step.Share.ID(), Action: step.Share, Title: "Make the DKEK share file and the sheets", By: step.Custodians, Called: p.custodians()}
	how := "copies the sheet from the screen by hand, and types its code back"
	if p.Custody.Printer != "" {
		how = "takes the sheet from the printer, and types its code back"
	}
	for i, name := range p.People.Custodians {
		s.Do = append(s.Do, fmt.Sprintf("Custodian %d, %s, comes to the screen alone, %s.", i+1, name, how))
	}
	s.Expect = []string{
		fmt.Sprintf("Any %d of %d custodians open the share file, proved with every subset or with 10000 of them.", p.Custody.Threshold, len(p.People.Custodians)),
		"The share file opens with what was typed back.",
	}
	s.Write = []string{"Set", "Key check value"}
	return s
}

func (p script) importInto(device, which string, called []int) step.Step {
	return step.Step{
		ID: step.Import.ID(device), Action: step.Import, Object: device, Title: "Give the DKEK to the device " + device, By: step.Custodians, Called: called,
		Do: []string{
			fmt.Sprintf("%d custodians come to the screen one after the other, %s of the list if they can; each types the code of their sheet.", p.Custody.Threshold, which),
		},
		Expect: []string{"The key check value of the device is that of the share file."},
	}
}

func (p script) generate(k Key) step.Step {
	if k.Import != "" {
		return p.importKey(k)
	}
	return step.Step{
		ID: step.Generate.ID(k.Name), Action: step.Generate, Object: k.Name, Title: "Generate the key " + k.Name, By: step.Administrator,
		Do: []string{
			p.userPIN(p.Custody.Device),
			"Read the first eight words of the public key aloud; " + p.Who(step.Witness) + " writes the first four down, and types the one that is asked for.",
		},
		Expect: []string{"Type " + k.Type + "; the device attests that it made the key."},
		Write:  []string{"Public key, the first four words"},
	}
}

// importKey brings a key to the device in place of generating one.
func (p script) importKey(k Key) step.Step {
	return step.Step{
		ID: step.Generate.ID(k.Name), Action: step.Generate, Object: k.Name, Title: "Import the key " + k.Name + " from " + k.Import, By: step.Custodians, Called: p.first(),
		Do: []string{
			"Type the password of the key file " + k.Import + ", if it is asked for. It is not shown.",
			p.userPIN(p.Custody.Device),
			fmt.Sprintf("%d custodians come to the screen one after the other; each types the code of their sheet.", p.Custody.Threshold),
			"Read the first eight words of the public key aloud; " + p.Who(step.Witness) + " writes the first four down, and types the one that is asked for.",
		},
		Expect: []string{
			"Type " + k.Type + "; the device signs, and the signature verifies with the public key of the file.",
			"The device does not attest this key: it has not made it. " + k.Import + " and its copies are destroyed when the backup is proved, or sealed up.",
		},
		Write: []string{"Public key, the first four words"},
	}
}

func (p script) backup(k Key) step.Step {
	return step.Step{
		ID: step.Backup.ID(k.Name), Action: step.Backup, Object: k.Name, Title: "Back up the key " + k.Name, By: step.Administrator,
		Do: []string{p.userPIN(p.Custody.Device),
			"Read the first eight words of the wrapped key aloud; " + p.Who(step.Witness) + " writes the first four down, and types the one that is asked for."},
		Expect: []string{"The wrapped key is under the key check value of the share file."},
		Write:  []string{"Wrapped key, the first four words"},
	}
}

func (p script) restore() step.Step {
	return step.Step{
		ID: step.Restore.ID(), Action: step.Restore, Object: p.Custody.Standby, Title: "Prove the backup on the device " + p.Custody.Standby, By: step.Administrator,
		Do:     []string{p.userPIN(p.Custody.Standby)},
		Expect: []string{"Each key is restored, has the same public key, and signs what verifies with it."},
	}
}

func (p script) copies() step.Step {
	s := step.Step{
		ID: step.Copy.ID(), Action: step.Copy, Title: "Copy the backup to media", By: step.Administrator,
		Do:     []string{"Put in each backup medium in turn, and type its number on the screen, or the folder that it appears as."},
		Expect: []string{"Each copy is read back, and is the same. At least two media, kept in two places."},
		Write:  []string{"Number of copies"},
	}
	for n := range p.Custody.Media {
		s.Write = append(s.Write, "Mark and identity of "+Medium(n+1))
	}
	if p.Custody.Media == 0 {
		s.Do = append(s.Do, "Type done when all media are written.")
	}
	return s
}

// date is how papers write a day.
func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func (p script) certify(c Certificate) step.Step {
	s := step.Step{
		ID: step.Certify.ID(c.Name), Action: step.Certify, Object: c.Name, Title: "Issue the certificate " + c.Name, By: step.Administrator,
		Do: []string{
			"Read what is to be signed; " + p.Who(step.Witness) + " compares it with the runbook, and agrees.",
			p.userPIN(p.SignedBy(p.FindCertificate(cmp.Or(c.Issuer, c.Name)))),
			"Read the first eight words of the certificate aloud; " + p.Who(step.Witness) + " writes the first four down, and types the one that is asked for.",
		},
		Expect: []string{"Profile " + string(c.Profile) + ", linted without a finding above notice", "Signed by " + signedBy(c.Issuer)},
		Write:  []string{"Serial number, the last eight digits", "Certificate, the first four words"},
	}
	if c.CrossSigns != "" {
		s.Expect = append(s.Expect, "For the root "+c.CrossSigns+": its name and its key")
	}
	if c.Subject.AsInRequest() { // the plan does not say it
		s.Do = slices.Insert(s.Do, 0, "Read the subject aloud, as it is in the request; "+p.Who(step.Witness)+" writes it into the runbook, and asks whether it is the name of the CA that is meant.")
		s.Write = append(s.Write, "Subject")
	}
	return s
}

func signedBy(issuer string) string {
	if issuer == "" {
		return "itself"
	}
	return "the key of the certificate " + issuer
}

func (p script) signCRL(c CRL) step.Step {
	return step.Step{
		ID: step.SignCRL.ID(c.Name), Action: step.SignCRL, Object: c.Name, Title: "Sign the CRL " + c.Name, By: step.Administrator,
		Do: []string{
			"Read what is to be signed; " + p.Who(step.Witness) + " compares it with the runbook, and agrees.",
			p.userPIN(p.SignedBy(p.FindCertificate(c.Issuer))),
			"Read the first eight words of the CRL aloud; " + p.Who(step.Witness) + " writes the first four down, and types the one that is asked for.",
		},
		Expect: []string{"Signed by " + signedBy(c.Issuer)},
		Write:  []string{"CRL number", "CRL, the first four words"},
	}
}

func (p script) erase() step.Step {
	return step.Step{
		ID: step.Erase.ID(), Action: step.Erase, Object: p.Custody.Standby, Title: "Erase the device " + p.Custody.Standby, By: step.Administrator,
		Do:     []string{p.typing(p.Custody.Standby, wire.SOPIN) + "."},
		Expect: []string{"The device holds no key and no DKEK."},
	}
}

// seal puts everything into bags. What stayed in its bag, in a drill or a change, is left
// there.
func (p script) seal() step.Step {
	asked := "Put into a bag, and type its number: "
	s := step.Step{ID: step.Seal.ID(), Action: step.Seal, Title: "Seal the bags", By: step.Witness, Called: p.custodians(),
		Do:     p.destroyOld(),
		Expect: []string{"Each bag is closed before its number is typed. For a thing without a bag, type none."}}
	if p.Sequel() != nil {
		asked = "Put into a new bag, unless the old one stayed closed: "
		s.Expect = append(s.Expect, "What stayed in its bag is not asked for: the bag keeps its number.")
	}
	for _, thing := range p.Bags() {
		s.Do = append(s.Do, asked+thing+".")
		s.Write = append(s.Write, "Bag of "+thing)
	}
	return s
}

// Media are the backup media, as a thing that goes into a bag.
const Media = "the backup media"

// Medium is one of as many backup media as a plan says, as a thing that goes into a
// bag.
func Medium(number int) string { return fmt.Sprint(mediumName, number) }

const mediumName = "backup medium "

// MediaBags are the backup media as they go into bags.
func (p *Plan) MediaBags() (things []string) {
	for n := range p.Custody.Media {
		things = append(things, Medium(n+1))
	}
	if len(things) == 0 {
		return []string{Media}
	}
	return things
}

// TheDevice is a device as a thing that goes into a bag.
func TheDevice(name string) string { return "the device " + name }

// Sheet is a custodian's sheet as a thing that goes into a bag.
func Sheet(custodian string) string { return "the sheet of " + custodian }

// Bags are the things that go into bags of their own.
func (p *Plan) Bags() (things []string) {
	for _, name := range p.Kept() {
		things = append(things, TheDevice(name))
	}
	things = append(things, p.MediaBags()...)
	for _, name := range p.People.Custodians {
		things = append(things, Sheet(name))
	}
	for _, sheet := range p.PINSheets() {
		things = append(things, sheet.Thing)
	}
	return things
}

func (p script) close() step.Step {
	return step.Step{
		ID: step.Close.ID(), Action: step.Close, Title: "Close the " + p.occasion(), By: step.Administrator, Called: p.custodians(),
		Do: []string{
			p.Who(step.Witness) + " types the time by a watch.",
			"Read the exceptions aloud; everyone agrees that there were no others.",
			"Put photographs into the folder that the screen names, if there are any.",
			"Type the file of the recording of the whole ceremony, or the number of the tape; for no recording, type none.",
			"Read the words of the closing aloud; " + p.Who(step.Witness) + " writes them under Closing, and types the one that is asked for.",
			"Everyone signs under Closing.",
		},
		Expect: []string{"The evidence verifies. The ceremony key is destroyed."},
	}
}

// Restores says what the custodians' sheets give back, by the names on the certificates:
// years later no one knows what a file was called.
func (p *Plan) Restores() string {
	var names []string
	for _, k := range p.Keys {
		names = append(names, script{p}.knownAs(k))
	}
	if len(names) == 1 {
		return "the key of " + names[0]
	}
	last := len(names) - 1
	return "the keys of " + strings.Join(names[:last], ", ") + " and " + names[last]
}

// knownAs is the common name in the last certificate of a key that has one, or the
// key's own name.
func (p script) knownAs(k Key) string {
	known := k.Name
	for _, c := range p.Certificates {
		if c.Key == k.Name {
			c.Subject.Map(func(label, value string) string {
				if label == "CN" {
					known = value
				}
				return value
			})
		}
	}
	return known
}
