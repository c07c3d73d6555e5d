package ceremony

import (
	"context"
	"errors"
	"fmt"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/hsm"
	"conclave/internal/secret"
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
	if change := d.plan.Change; change != nil && change.Renews(plan.TheDevice(name)) { // it is another one
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
	var problem error
	for {
		pin, err := d.people.pin(ctx, PINQuestion{Who: d.plan.People.Administrator, What: "user PIN of the device " + name, PIN: wire.UserPIN, Problem: problem})
		if err != nil {
			return nil, err
		}
		problem = h.Login(wire.UserPIN, pin)
		pin.Wipe()
		var wrong *hsm.PINError
		if problem == nil {
			d.loggedIn[name] = true
			return h, nil
		}
		switch {
		case !errors.As(problem, &wrong):
			return nil, problem
		case wrong.Tries == 0:
			return nil, fmt.Errorf("%w; set it again with the SO-PIN, in another terminal: conclave hsm pin reset", problem)
		case wrong.Tries < 2: // the last try is not for a slip of the finger
			return nil, fmt.Errorf("%w; look it up before it is tried once more", problem)
		}
	}
}

// changePINs lets the administrator change both PINs of a device.
func (d *sessions) changePINs(ctx context.Context, name string, h *hsm.HSM) error {
	if err := d.changePIN(ctx, h, wire.UserPIN, "present user PIN of the device "+name, func() (secret.Bytes, error) { return d.people.newPIN(ctx, name) }); err != nil {
		return err
	}
	return d.changePIN(ctx, h, wire.SOPIN, "present SO-PIN of the device "+name+", 16 hex digits", func() (secret.Bytes, error) { return d.people.newSOPIN(ctx, name) })
}

// changePIN changes one PIN, which costs a try where the present one is wrong.
func (d *sessions) changePIN(ctx context.Context, h *hsm.HSM, ref wire.PINReference, present string, ask func() (secret.Bytes, error)) error {
	q := PINQuestion{What: present, PIN: ref}
	parse := func(pin secret.Bytes) (secret.Bytes, error) { return pin, nil }
	if ref == wire.SOPIN {
		parse = hsm.ParseSOPIN
	}
	old, err := d.people.newSecret(ctx, q, parse)
	if err != nil {
		return err
	}
	defer old.Wipe()
	new, err := ask()
	if err != nil {
		return err
	}
	defer new.Wipe()
	return h.ChangePIN(ref, old, new)
}

// close closes all, so that the next use opens them again.
func (d *sessions) close() {
	for _, h := range d.open {
		h.Close() // what it was to do is done, or has failed
	}
	d.open, d.loggedIn = nil, nil
}
