package ceremony

import (
	"context"
	"errors"
	"fmt"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/hsm"
	"conclave/wire"
)

// sessions are the devices that are open, by name in the plan. Who is logged in stays so
// until the device is closed.
type sessions struct {
	Devices
	plan     *plan.Plan
	people   *people
	log      *log
	open     map[string]*hsm.HSM
	loggedIn map[string]bool
}

// get opens a device, and checks that it is the one it was.
func (d *sessions) get(name string) (*hsm.HSM, error) {
	if h := d.open[name]; h != nil {
		return h, nil
	}
	conn, err := d.Connect(*d.plan.FindDevice(name))
	if err != nil {
		return nil, fmt.Errorf("device %s: %w", name, err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("device %s: %w", name, err), conn.Close())
	}
	if err := d.identify(name, h); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if d.open == nil {
		d.open, d.loggedIn = map[string]*hsm.HSM{}, map[string]bool{}
	}
	d.open[name] = h
	return h, nil
}

// identify compares a device's serial number with the plan's, and with what it
// was when the device was prepared.
func (d *sessions) identify(name string, h *hsm.HSM) error {
	identity, err := h.Device()
	if err != nil {
		return fmt.Errorf("device %s: %w", name, err)
	}
	before := of[step.PrepareFacts](d.log, step.Prepare.ID(name)).Serial
	if d.plan.Renews(plan.TheDevice(name)) { // it is another one
		if replaced := evidence.Of[step.PrepareFacts](d.log.before, step.Prepare.ID(name)).Serial; identity.Serial == replaced {
			return fmt.Errorf("device %s has serial number %s, and is the one that is to be replaced; put in the one that takes its place; an embedded one is deleted first: conclave hsm delete %s", name, replaced, name)
		}
		before = evidence.Of[step.PrepareFacts](d.log.facts, step.Prepare.ID(name)).Serial
	}
	for _, want := range []string{d.plan.FindDevice(name).Serial, before} {
		if want != "" && identity.Serial != want {
			return fmt.Errorf("device %s has serial number %s, and %s was expected; is it another device?", name, identity.Serial, want)
		}
	}
	return nil
}

// login lets the user log in, unless they are.
func (d *sessions) login(ctx context.Context, name string) (*hsm.HSM, error) {
	h, err := d.get(name)
	if err != nil || d.loggedIn[name] {
		return h, err
	}
	pin, err := d.people.right(ctx, h, d.people.pinOf(name, wire.UserPIN))
	if err != nil {
		return nil, err
	}
	pin.Wipe()
	d.loggedIn[name] = true
	return h, nil
}

// close closes all, so that the next use opens them again.
func (d *sessions) close() {
	for _, h := range d.open {
		h.Close() // what it was to do is done, or has failed
	}
	d.open, d.loggedIn = nil, nil
}
