package ceremony

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// Rehearsal is an act with practice devices, in which trouble happens on
// request. The plan must be one that Plan.Rehearsal has made.
type Rehearsal struct {
	Act
	Troubles []Trouble
	Auto     bool // the room is Players
}

// Run holds the rehearsal to its end; after a power cut it goes on, as people
// would.
func (r Rehearsal) Run(ctx context.Context) error {
	if !r.Plan.Practice {
		return errors.New("this is the plan of a real ceremony, and not of a rehearsal; choose another folder")
	}
	d := &director{Devices: r.Devices, Room: r.Room, auto: r.Auto, troubles: map[Trouble]bool{}}
	if len(r.Plan.People.Custodians) > 0 {
		d.custodian, d.custodians = r.Plan.People.Custodians[0], len(r.Plan.People.Custodians)
	}
	for _, t := range r.Troubles {
		d.troubles[t] = true
	}
	r.Devices, r.Room = d, d
	for {
		powered, cut := context.WithCancel(ctx)
		d.cut = cut
		before := maps.Clone(d.troubles)
		err := r.Act.Run(powered)
		failed := powered.Err() != nil && ctx.Err() == nil && before[PowerCut] && !d.troubles[PowerCut]
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

// sayLeft tells of trouble that never came.
func (d *director) sayLeft() {
	for _, t := range slices.Sorted(maps.Keys(d.troubles)) {
		d.Room.Tell("Not rehearsed, for the plan has no step for it: " + string(t))
	}
}
