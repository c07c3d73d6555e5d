package evidence

import (
	"fmt"
	"strings"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// Holder is a person, a device or a medium, and the bag of what is held.
type Holder struct {
	Name string
	Is   string // the serial number of a device, the identity of a medium
	Bag  string // plan.NoBag for none
}

// Custodians are those who have the sheets in force, in order.
func (s State) Custodians() (all []Holder) {
	for _, name := range s.Plan.People.Custodians {
		all = append(all, Holder{name, "", s.bag(plan.Sheet(name))})
	}
	return all
}

// Devices are those that hold the keys.
func (s State) Devices() (all []Holder) {
	for _, name := range s.Plan.Kept() {
		all = append(all, Holder{name, s.Serial(name), s.bag(plan.TheDevice(name))})
	}
	return all
}

// Media are those that hold the backup. Of earlier releases all are in one bag.
func (s State) Media() (all []Holder) {
	var media map[string]string
	if s.Plan.Custody.Media > 0 {
		media = Of[step.CopyFacts](s.Facts, step.Copy.ID()).Media
	}
	for n, thing := range s.Plan.MediaBags() {
		all = append(all, Holder{thing, media[fmt.Sprint(n+1)], s.bag(thing)})
	}
	return all
}

func (s State) bag(thing string) string {
	return (&plan.Sequel{Bags: s.Bags}).Number(thing)
}

// Set and KCV are those of the sheets in force.
func (s State) Set() string { return s.share().Set }

// KCV is the key check value of the DKEK in force.
func (s State) KCV() string { return s.share().KCV }

func (s State) share() step.ShareFacts { return Of[step.ShareFacts](s.Facts, step.Share.ID()) }

// holds says in words who holds what.
func (s State) holds() (lines []string) {
	lines = append(lines, fmt.Sprintf("now: any %d of the custodians of set %s open the share file: %s; key check value %s", s.Plan.Custody.Threshold, s.Set(), listed(s.Custodians()), s.KCV()))
	return append(lines, "now: the keys are in "+listed(s.Devices()), "now: the backup is on "+listed(s.Media()))
}

func listed(holders []Holder) string {
	var all []string
	for _, h := range holders {
		text := h.Name
		if h.Is != "" {
			text += " " + h.Is
		}
		if h.Bag == plan.NoBag {
			text += " (in no bag)"
		} else if h.Bag != "" {
			text += " (bag " + h.Bag + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}
