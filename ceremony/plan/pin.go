package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony/step"
	"conclave/wire"
)

// PIN says who types a PIN of a device, and how it is kept. What the PIN is stands in
// no plan.
type PIN struct {
	Comment string  `json:"comment,omitempty"`
	Kept    Keeping `json:"kept"`
	By      string  `json:"by,omitempty"`   // who types it; the administrator, if it is empty
	With    string  `json:"with,omitempty"` // who types the second half of one that is split
}

// Keeping is how a PIN is kept.
type Keeping string

// The ways. The sheets of OnSheet and InHalves are put into bags.
const (
	ByKeeper Keeping = "keeper" // by whoever types it
	OnSheet  Keeping = "sheet"  // on a sheet of its own
	InHalves Keeping = "split"  // on two sheets, of two people who see one half each
	ByQuorum Keeping = "quorum" // sealed in the backup, where the custodians' quorum opens it
)

// PINOf gives who types a PIN of a device, and how it is kept: what the plan says, or
// what holds where it says nothing.
func (p *Plan) PINOf(device string, ref wire.PINReference) PIN {
	pin := PIN{Kept: ByKeeper}
	if planned := p.FindDevice(device).plannedPIN(ref); planned != nil {
		pin = *planned
	}
	pin.By = cmp.Or(pin.By, p.People.Administrator)
	return pin
}

func (d *Device) plannedPIN(ref wire.PINReference) *PIN {
	if ref == wire.SOPIN {
		return d.SOPIN
	}
	return d.UserPIN
}

// Typists are those who type a PIN, or a half of it, in order.
func (k PIN) Typists() []string {
	if k.Kept == InHalves {
		return []string{k.By, k.With}
	}
	return []string{k.By}
}

// PINs are those of a device.
func PINs() []wire.PINReference { return []wire.PINReference{wire.UserPIN, wire.SOPIN} }

// PINName is what a PIN is called.
func PINName(ref wire.PINReference) string {
	if ref == wire.SOPIN {
		return "SO-PIN"
	}
	return "user PIN"
}

// Part is what someone types: a PIN, or a half of it.
func (k PIN) Part(typist int, ref wire.PINReference) string {
	if k.Kept != InHalves {
		return PINName(ref)
	}
	return [...]string{"first half of the ", "second half of the "}[typist] + PINName(ref)
}

// What is that part, of a device.
func (k PIN) What(typist int, device string, ref wire.PINReference) string {
	return k.Part(typist, ref) + " of " + TheDevice(device)
}

// Form is what someone types looks like.
func (k PIN) Form(ref wire.PINReference) string {
	switch half := k.Kept == InHalves; {
	case ref == wire.SOPIN && half:
		return "8 hex digits"
	case ref == wire.SOPIN:
		return "16 hex digits"
	case half:
		return "3 to 8 characters"
	}
	return "6 to 16 characters"
}

// OnPaper says whether there are sheets with the PIN.
func (k PIN) OnPaper() bool { return k.Kept == OnSheet || k.Kept == InHalves }

// PINSheet is a sheet with a PIN of a device, or with half of it.
type PINSheet struct {
	Thing  string // that goes into a bag
	Part   string // that is on it
	Who    string // types it
	Device string
	Size   int // in characters, at most
}

// maxPIN is how many characters a PIN has at most.
const maxPIN = 16

// PINSheets are the sheets of the PINs that are set in the ceremony.
func (p *Plan) PINSheets() (sheets []PINSheet) {
	for _, d := range p.Devices {
		if !p.Initialises(d.Name) {
			continue
		}
		for _, ref := range PINs() {
			pin := p.PINOf(d.Name, ref)
			for i, who := range pin.Typists() {
				if pin.OnPaper() {
					sheets = append(sheets, PINSheet{"the " + pin.What(i, d.Name, ref), pin.Part(i, ref), who, d.Name, maxPIN / len(pin.Typists())})
				}
			}
		}
	}
	return sheets
}

// DeviceBags are a device and the sheets of its PINs, as things that go into bags.
func (p *Plan) DeviceBags(device string) []string {
	things := []string{TheDevice(device)}
	for _, sheet := range p.PINSheets() {
		if sheet.Device == device {
			things = append(things, sheet.Thing)
		}
	}
	return things
}

// Initialises says whether the ceremony initialises a device, and so sets its PINs.
func (p *Plan) Initialises(device string) bool {
	return p.Custody != nil && (device == p.Custody.Device || device == p.Custody.Standby)
}

// setPINs say who types the PINs of a device that is initialised, and in which form.
func (p script) setPINs(d Device) (lines []string) {
	if d.UserPIN == nil && d.SOPIN == nil {
		return []string{"Type the SO-PIN and the user PIN, each twice. They are not shown."}
	}
	how := map[Keeping]string{
		ByKeeper: "twice, and keeps it", ByQuorum: "twice; the custodians seal another one in its place",
		OnSheet: "writes it on its PIN sheet, and types it again from there", InHalves: "writes it on its PIN sheet, and types it again from there",
	}
	if p.Custody.Printer != "" {
		how[OnSheet], how[InHalves] = "twice, and takes its sheet from the printer", "twice, and takes its sheet from the printer"
	}
	for _, ref := range []wire.PINReference{wire.SOPIN, wire.UserPIN} {
		pin := p.PINOf(d.Name, ref)
		for i, who := range pin.Typists() {
			lines = append(lines, fmt.Sprintf("%s types the %s, %s, %s. The others look away; it is not shown.", who, pin.What(i, d.Name, ref), pin.Form(ref), how[pin.Kept]))
		}
	}
	return lines
}

// typing says who types the present PIN of a device.
func (p script) typing(device string, ref wire.PINReference) string {
	pin, what := p.PINOf(device, ref), "the "+PINName(ref)+" of "+TheDevice(device)
	switch {
	case p.FindDevice(device).plannedPIN(ref) == nil:
		return "Type " + what
	case pin.Kept == InHalves:
		return pin.By + " and " + pin.With + " type a half each of " + what
	}
	return pin.By + " types " + what
}

// userPIN is typing for a user PIN that may not be asked for.
func (p script) userPIN(device string) string {
	return p.typing(device, wire.UserPIN) + ", if it is asked for."
}

// sealPIN is the step in which a device gets an SO-PIN that no one knows, if the plan wants
// one.
func (p script) sealPIN(device string, called []int) []step.Step {
	pin := p.PINOf(device, wire.SOPIN)
	if pin.Kept != ByQuorum {
		return nil
	}
	present := pin.By + " types the SO-PIN that was typed when the device was prepared."
	if kind := p.Kind(); kind == Rekey || kind == ChangePIN {
		present = "No one types the present SO-PIN: it is sealed, and opened with the backup."
	}
	return []step.Step{{
		ID: step.SealPIN.ID(device), Action: step.SealPIN, Object: device, Title: "Seal the SO-PIN of " + TheDevice(device), By: step.Custodians, Called: called,
		Do: []string{
			fmt.Sprintf("%d custodians come to the screen one after the other; each types the code of their sheet.", p.Custody.Threshold),
			present,
		},
		Expect: []string{"The device has a random SO-PIN. It is in the backup, sealed under the DKEK, and no one has seen it."},
	}}
}

// SealedPINs are the devices whose SO-PINs are sealed in the backup.
func (p *Plan) SealedPINs() (devices []string) {
	for _, d := range p.Devices {
		if p.Initialises(d.Name) && p.PINOf(d.Name, wire.SOPIN).Kept == ByQuorum {
			devices = append(devices, d.Name)
		}
	}
	return devices
}

// lookAtPINs is the step of a drill that looks at the bags of PINs, if there are any. No
// PIN is needed, and none is seen.
func (p script) lookAtPINs() []step.Step {
	s := step.Step{
		ID: step.PINs.ID(), Action: step.PINs, Title: "Look at the bags of the PINs", By: step.Administrator,
		Expect: []string{"Each bag is closed and has its number. It stays closed."},
	}
	for _, sheet := range p.PINSheets() {
		if number := p.Sequel().Number(sheet.Thing); number != NoBag {
			s.Do = append(s.Do, fmt.Sprintf("See that the bag of %s is closed and has the number %s; do not open it.", sheet.Thing, number))
		}
	}
	if len(p.PINSheets()) == 0 {
		return nil
	}
	return []step.Step{s}
}

// PINFacts say of a device that is initialised how each of its PINs is kept and who
// types it, by the PIN's name; nothing of another device.
func (p *Plan) PINFacts(device string) (kept, typedBy map[string]string) {
	kept, typedBy = map[string]string{}, map[string]string{}
	if p.Initialises(device) {
		for _, ref := range PINs() {
			pin := p.PINOf(device, ref)
			kept[PINName(ref)], typedBy[PINName(ref)] = string(pin.Kept), strings.Join(pin.Typists(), ", ")
		}
	}
	return kept, typedBy
}

// pins checks who types the PINs of a device, and how they are kept.
func (c *checker) pins(field string, d Device) {
	user, so := field+".userPIN", field+".soPIN"
	c.pin(user, d.UserPIN)
	c.pin(so, d.SOPIN)
	erased := c.plan.Custody != nil && c.plan.Custody.EraseStandby && d.Name == c.plan.Custody.Standby
	if d.UserPIN != nil {
		switch kept := d.UserPIN.Kept; {
		case kept == ByQuorum:
			c.say(user+".kept", "%q is for the SO-PIN, which is seldom needed; %q, %q or %q was expected", kept, ByKeeper, OnSheet, InHalves)
		case kept != ByKeeper && erased:
			c.say(user+".kept", "%q; the device is erased in the end, and this PIN with it: %q was expected", kept, ByKeeper)
		}
	}
	switch {
	case d.SOPIN == nil:
	case !c.plan.Initialises(d.Name):
		c.say(so, "this ceremony does not initialise the device, and asks for no SO-PIN; leave it out")
	case d.SOPIN.Kept == ByQuorum && erased:
		c.say(so+".kept", "%q; the SO-PIN erases the device in the end, and the custodians would have to come once more: %q, %q or %q was expected", ByQuorum, ByKeeper, OnSheet, InHalves)
	}
}

// pin checks one PIN: how it is kept, and that its people are the plan's.
func (c *checker) pin(field string, pin *PIN) {
	if pin == nil {
		return
	}
	if !slices.Contains([]Keeping{ByKeeper, OnSheet, InHalves, ByQuorum}, pin.Kept) {
		c.say(field+".kept", "%q; %q, %q, %q or %q was expected", pin.Kept, ByKeeper, OnSheet, InHalves, ByQuorum)
	}
	for _, who := range []struct{ field, name string }{{field + ".by", pin.By}, {field + ".with", pin.With}} {
		if who.name != "" && !slices.Contains(c.plan.Everyone(), who.name) {
			c.say(who.field, "%q is not one of the plan's people", who.name)
		}
	}
	by := cmp.Or(pin.By, c.plan.People.Administrator)
	switch {
	case pin.Kept != InHalves && pin.With != "":
		c.say(field+".with", "only a PIN that is kept as %q has someone else who types a half of it", InHalves)
	case pin.Kept == InHalves && pin.With == "":
		c.say(field+".with", "it is missing; the name of who types the second half was expected")
	case pin.With == by:
		c.say(field+".with", "%s types the first half; another one was expected for the second", by)
	}
}
