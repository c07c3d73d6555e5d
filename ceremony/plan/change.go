package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave/ceremony/step"
	"conclave/quorum"
)

// Change is what the plan of a change of custody says beside what is to be in force
// afterwards, which the plan has where every plan has it.
type Change struct {
	Kind Kind `json:"kind"`
	Sequel
	// Before are the custodians whose sheets open the share file until the change, where
	// there are new sheets.
	Before *Quorum `json:"before,omitempty"`
	// Device is what is replaced, or whose PINs are changed; empty for all devices.
	Device string `json:"device,omitempty"`
	// Replaces is the serial number of the device that is replaced.
	Replaces string `json:"replaces,omitempty"`
	// Reason is why, in people's own words.
	Reason string `json:"reason,omitempty"`
}

// Quorum are custodians, and how many of them it takes.
type Quorum struct {
	Threshold  int      `json:"threshold"`
	Custodians []string `json:"custodians"`
}

// ChangeOf is the plan of a change: this plan, which is in force, is to be changed by
// whoever calls it as the kind lets it.
func (p *Plan) ChangeOf(change Change, now time.Time) *Plan {
	c := p.sequel(string(change.Kind), now)
	c.People.Custodians, c.Devices = slices.Clone(p.People.Custodians), slices.Clone(p.Devices)
	custody := *p.Custody
	c.Custody, c.Change = &custody, &change
	if change.Kind.MakesSheets() {
		change.Before = &Quorum{p.Custody.Threshold, slices.Clone(p.People.Custodians)}
	}
	if change.Kind == AddMedium && custody.Media > 0 {
		custody.Media++
	}
	return c
}

// sequel is a plan of the same ceremony, of this day.
func (p *Plan) sequel(what string, now time.Time) *Plan {
	s := *p
	s.Ceremony = fmt.Sprintf("%s: %s of %s", p.Ceremony, what, now.UTC().Format(time.DateOnly))
	s.Start, s.Register = now.UTC().Truncate(time.Second), ""
	return &s
}

// Successors are the custodians once some have left and others have come: these take the
// places of those, and stand at the end where there are more of them.
func Successors(custodians, leave, come []string) (next []string, err error) {
	among := func(names []string, name string) bool {
		return slices.ContainsFunc(names, func(other string) bool { return FoldName(other) == FoldName(name) })
	}
	for _, name := range leave {
		if !among(custodians, name) {
			return nil, fmt.Errorf("%s is no custodian; they are %s", name, strings.Join(custodians, ", "))
		}
	}
	for _, name := range custodians {
		switch {
		case !among(leave, name):
			next = append(next, name)
		case len(come) > 0:
			next, come = append(next, come[0]), come[1:]
		}
	}
	next = append(next, come...)
	return next, quorum.CheckNames(next)
}

// Renews says whether a thing is another one after the change than before it.
func (p *Plan) Renews(thing string) bool {
	c := p.Change
	switch {
	case c == nil:
		return false
	case strings.HasPrefix(thing, Sheet("")):
		return c.Kind.MakesSheets()
	case thing == Media, strings.HasPrefix(thing, mediumName):
		return p.RewritesBackup()
	case thing == TheDevice(c.Device):
		return c.Kind == ReplaceDevice
	case strings.Contains(thing, "PIN of "):
		return c.Kind == Rekey || c.Kind.IsOfDevices() && (c.Device == "" || strings.HasSuffix(thing, TheDevice(c.Device)))
	}
	return false
}

// RewritesBackup says whether a change leaves another backup than there was, and other
// media with it: with new sheets, or with an SO-PIN that is sealed anew.
func (p *Plan) RewritesBackup() bool {
	return p.Change != nil && (p.Change.Kind.MakesSheets() || len(p.ResealedPINs()) > 0)
}

// ResealedPINs are the devices that get another SO-PIN, sealed in the backup, in a change.
func (p *Plan) ResealedPINs() (devices []string) {
	for _, device := range p.SealedPINs() {
		if kind := p.Kind(); kind == Rekey || kind.IsOfDevices() && (p.Change.Device == "" || p.Change.Device == device) {
			devices = append(devices, device)
		}
	}
	return devices
}

// LeavesBackup says whether a drill, or an emergency, looks at what there is and leaves
// it as it is. All that such a plan cannot show is an exception.
func (p *Plan) LeavesBackup() bool { return p.Kind() == Checking || p.Kind() == Emergency }

// NeedsBackup says whether the folder of the backup is wanted to carry the plan out.
func (p *Plan) NeedsBackup() bool {
	return p.Kind() != First && (p.Kind() != ChangePIN || p.RewritesBackup())
}

// change are the steps of a change of custody.
func (p script) change() []step.Step {
	steps := []step.Step{p.open(), p.rollCall()}
	if p.Change.Kind == Emergency {
		steps = append(steps, p.decide())
		for i := range p.People.Custodians {
			steps = append(steps, p.loneSheet(i+1))
		}
	}
	if p.NeedsBackup() {
		steps = append(steps, p.inspect())
	}
	switch p.Change.Kind {
	case NewSheets, NewFile:
		steps = append(steps, p.reshare(), p.openBackup(), p.copies())
	case Rekey:
		steps = append(steps, p.reshare(), p.openBackup())
		for _, name := range slices.Backward(p.Kept()) { // the one that proves it first
			steps = append(steps, p.refill(name)...)
		}
		steps = append(steps, p.copies())
	case ChangePIN:
		for _, name := range p.changedPINs() {
			steps = append(append(steps, p.changePIN(name)), p.sealPIN(name, p.first())...)
		}
		steps = append(steps, p.copiesOfSealed()...)
	case ReplaceDevice:
		steps = append(append(steps, p.refill(p.Change.Device)...), p.copiesOfSealed()...)
		steps = append(steps, p.retire())
	case AddMedium:
		steps = append(steps, p.copies())
	case Emergency:
		for _, name := range p.Kept() {
			steps = append(steps, p.compare(name))
		}
		steps = append(steps, p.lookAtPINs()...)
	}
	return append(steps, p.seal(), p.close())
}

// copiesOfSealed is the copying of a backup in which an SO-PIN is sealed anew.
func (p script) copiesOfSealed() []step.Step {
	if !p.RewritesBackup() {
		return nil
	}
	return []step.Step{p.copies()}
}

// changedPINs are the devices whose PINs are changed.
func (p script) changedPINs() []string {
	if p.Change.Device != "" {
		return []string{p.Change.Device}
	}
	return p.Kept()
}

// refill brings all keys of the backup to a device that is initialised for that.
func (p script) refill(device string) []step.Step {
	restore := p.restore()
	restore.ID, restore.Object = step.Restore.ID(device), device
	restore.Title = "Restore the keys to the device " + device
	restore.Do = []string{p.userPIN(device)}
	steps := []step.Step{p.prepare(*p.FindDevice(device)), p.importInto(device, "the first", p.first())}
	return append(append(steps, p.sealPIN(device, p.first())...), restore)
}

func (p script) reshare() step.Step {
	s := p.share()
	before := p.Change.Before
	s.Title = map[Kind]string{
		NewSheets: "Make new sheets for the share file",
		NewFile:   "Put the DKEK share into a new share file, with new sheets",
		Rekey:     "Make a new DKEK with new sheets, and wrap all keys under it",
	}[p.Change.Kind]
	s.Do = append([]string{fmt.Sprintf("Any %d of those who have sheets until now come to the screen one after the other, and type their codes: %s.", before.Threshold, strings.Join(before.Custodians, ", "))}, s.Do...)
	s.Do = append(s.Do, "Keep the old sheets and the old backup until the bags are sealed: until then they are what brings the keys back.")
	return s
}

// destroyOld says what is destroyed once what takes its place was proved and copied.
func (p script) destroyOld() []string {
	switch {
	case p.Kind() == NewSheets:
		return []string{"Collect the old sheets of all who are here, and destroy them: they open the share file as the new ones do."}
	case p.Kind().MakesSheets():
		return []string{"Collect the old sheets of all who are here, and destroy them, and the old copies of the backup."}
	case p.RewritesBackup():
		return []string{"Destroy the old copies of the backup: the SO-PINs that are sealed in them are no longer those of the devices."}
	}
	return nil
}

func (p script) changePIN(device string) step.Step {
	return step.Step{
		ID: step.ChangePIN.ID(device), Action: step.ChangePIN, Object: device, Title: "Change the PINs of the device " + device, By: step.Administrator,
		Do: append(p.openPINs(device), p.openBag(TheDevice(device)), "Put the device into a reader, if it is a card.",
			"Type the present user PIN, and the new one twice; then the SO-PIN in the same way, unless it is sealed: then custodians seal another one in the next step. They are not shown."),
		Expect: []string{"Serial number: " + orBlank(p.FindDevice(device).Serial), "The device takes the new PINs, and the old ones no more."},
	}
}

// openPINs says how the sheets of a device's PINs are taken out of their bags.
func (p script) openPINs(device string) (all []string) {
	for _, sheet := range p.PINSheets() {
		if sheet.Device == device && p.Sequel().Number(sheet.Thing) != "" {
			all = append(all, p.openBag(sheet.Thing))
		}
	}
	return all
}

func (p script) retire() step.Step {
	old := "the device " + p.Change.Device + " of before"
	if p.Change.Replaces != "" {
		old += ", serial number " + p.Change.Replaces
	}
	return step.Step{
		ID: step.Retire.ID(p.Change.Device), Action: step.Retire, Object: p.Change.Device, Title: "Say what becomes of the old device", By: step.Administrator,
		Do:     []string{"If " + old + " is here: destroy it, so that everyone sees it. If it is lost, say so: whoever finds it needs the user PIN, and has three tries."},
		Expect: []string{"What has become of it is written down."},
		Write:  []string{"What has become of it"},
	}
}

func (p script) decide() step.Step {
	return step.Step{
		ID: step.Decide.ID(), Action: step.Decide, Title: "Say what has happened, and decide", By: step.Administrator,
		Do: []string{
			"Say what has happened: " + orUnsaid(p.Change.Reason) + ".",
			"Say who decides what is done about it; that person decides now.",
			"Say by which day the keys must be changed, or that they need not be: no, if fewer than " + strconv.Itoa(p.Custody.Threshold) + " sheets and no device are in strange hands.",
		},
		Expect: []string{"What is left is looked at in the steps that follow. What is not here is an exception, and does not end the ceremony."},
		Write:  []string{"Who decides", "The keys are changed by"},
	}
}

func orUnsaid(reason string) string {
	if reason == "" {
		return "what is lost, since when, and who knows of it"
	}
	return reason
}
