package ceremony

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// Rehearsal is a ceremony with practice devices, into which faults are injected on
// request. The plan must be one that Plan.Rehearsal has made.
type Rehearsal struct {
	Ceremony
	Faults []Fault
	Auto   bool // the room is a SimulatedRoom
}

// Run holds the rehearsal to its end; after a power cut it goes on, as people
// would.
func (r Rehearsal) Run(ctx context.Context) error {
	if !r.Plan.Practice {
		return errors.New("this is the plan of a real ceremony, and not of a rehearsal; choose another folder")
	}
	d := &injector{Devices: r.Devices, Room: r.Room, auto: r.Auto, faults: map[Fault]bool{}}
	if len(r.Plan.People.Custodians) > 0 {
		d.custodian, d.custodians = r.Plan.People.Custodians[0], len(r.Plan.People.Custodians)
	}
	for _, t := range r.Faults {
		d.faults[t] = true
	}
	r.Devices, r.Room = d, d
	for {
		powered, cut := context.WithCancel(ctx)
		d.cut = cut
		before := maps.Clone(d.faults)
		err := r.Ceremony.Run(powered)
		failed := powered.Err() != nil && ctx.Err() == nil && before[PowerCut] && !d.faults[PowerCut]
		cut()
		if !failed {
			if err == nil {
				d.sayLeft()
			}
			return err
		}
		d.tell("the power is back. The same command goes on with the ceremony.")
	}
}

// sayLeft names the faults that never came.
func (i *injector) sayLeft() {
	for _, t := range slices.Sorted(maps.Keys(i.faults)) {
		i.Room.Tell("Not rehearsed, for the plan has no step for it: " + string(t))
	}
}
