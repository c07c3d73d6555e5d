package plan

import (
	"fmt"
	"strconv"
	"time"

	"conclave/ceremony/step"
)

// NoBag stands in place of a number where a thing was not put into a bag.
const NoBag = "none"

// DrillOf is the plan of a drill: the check, years later, that custody still
// holds.
func (p *Plan) DrillOf(drill Sequel, now time.Time) *Plan {
	d := p.sequel(string(Checking), now)
	d.Drill = &drill
	return d
}

// Kept are the names of the devices that hold the keys after the ceremony.
func (p *Plan) Kept() []string {
	if p.Custody.EraseStandby {
		return []string{p.Custody.Device}
	}
	return []string{p.Custody.Device, p.Custody.Standby}
}

// openBag says how a thing is taken out of its bag.
func (p script) openBag(thing string) string {
	switch number := p.Sequel().Number(thing); number {
	case "": // there was none, or it is one of several
		return "See that the bag of " + thing + " is closed and has its number; open it."
	case NoBag:
		return "Take out " + thing + ", which was not put into a bag."
	default:
		return fmt.Sprintf("See that the bag of %s is closed and has the number %s; open it.", thing, number)
	}
}

// BagSteps says, by thing as in Bags, in which step of a drill, or of an emergency, its
// bag is opened; nil for a change, where it is opened when it is wanted.
func (p *Plan) BagSteps() map[string]string {
	if !p.LeavesBackup() {
		return nil
	}
	steps := map[string]string{}
	for _, thing := range p.MediaBags() {
		steps[thing] = script{p}.inspect().ID
	}
	for _, name := range p.Kept() {
		steps[TheDevice(name)] = script{p}.compare(name).ID
	}
	for i, name := range p.People.Custodians {
		steps[Sheet(name)] = script{p}.loneSheet(i + 1).ID
	}
	for _, sheet := range p.PINSheets() {
		steps[sheet.Thing] = step.PINs.ID()
	}
	return steps
}

// drill are the steps of a drill.
func (p script) drill() []step.Step {
	steps := []step.Step{p.open()}
	for i := range p.People.Custodians {
		steps = append(steps, p.loneSheet(i+1))
	}
	steps = append(steps, p.inspect(), p.openBackup())
	for _, name := range p.Kept() {
		steps = append(steps, p.compare(name))
	}
	return append(append(steps, p.lookAtPINs()...), p.seal(), p.close())
}

func (p script) loneSheet(custodian int) step.Step {
	name := p.People.Custodians[custodian-1]
	return step.Step{
		ID: step.LoneSheet.ID(strconv.Itoa(custodian)), Action: step.LoneSheet, Object: strconv.Itoa(custodian), Title: "Check the sheet of " + name, By: step.Administrator, Called: []int{custodian},
		Do: []string{
			p.openBag(Sheet(name)),
			name + " comes to the screen alone, and types the code of the sheet.",
		},
		Expect: []string{"The sheet agrees with the record of the set. No key comes into being."},
	}
}

func (p script) inspect() step.Step {
	s := step.Step{
		ID: step.Inspect.ID(), Action: step.Inspect, Title: "Look at the backup", By: step.Administrator,
		Expect: []string{"Share file and wrapped keys are, bit by bit, what was recorded when they were made."},
	}
	for _, thing := range p.MediaBags() {
		s.Do = append(s.Do, p.openBag(thing))
	}
	if p.Custody.Media > 0 {
		s.Do = append(s.Do, "Put in each backup medium that is here, and type the folder that it appears as.")
		s.Expect = append(s.Expect, "It is so on every medium.")
	} else {
		s.Do = append(s.Do, "Put in each backup medium; the program reads the one it was told about.")
	}
	return s
}

func (p script) openBackup() step.Step {
	return step.Step{
		ID: step.OpenBackup.ID(), Action: step.OpenBackup, Title: "Open the backup on a device that is thrown away", By: step.Custodians, Called: p.first(),
		Do: []string{
			fmt.Sprintf("%d custodians come to the screen one after the other; each types the code of their sheet.", p.Custody.Threshold),
		},
		Expect: []string{"Every key is restored, has the public key that was recorded when it was made, and signs. The device is destroyed."},
	}
}

func (p script) compare(device string) step.Step {
	return step.Step{
		ID: step.Compare.ID(device), Action: step.Compare, Object: device, Title: "Look at the device " + device, By: step.Administrator,
		Do:     []string{p.openBag(TheDevice(device)), "Put the device into a reader, if it is a card. No PIN is needed."},
		Expect: []string{"Serial number, key check value and public keys are those that were recorded."},
	}
}
