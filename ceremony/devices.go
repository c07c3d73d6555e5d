package ceremony

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/wire"
)

// preparing makes a device ready for a ceremony, and erases it.
type preparing struct{ *proceedings }

// prepare identifies a device, and initialises it if it is for custody.
func (p preparing) prepare(ctx context.Context, name string) (done, error) {
	if p.Plan.Change != nil && !p.Plan.Renews(plan.TheDevice(name)) {
		if err := changing(p).takeOut(ctx, name, map[string]string{}); err != nil {
			return done{}, err
		}
	}
	h, err := p.devices.get(name)
	if errors.Is(err, fs.ErrNotExist) && p.Plan.FindDevice(name).Embedded {
		if _, err = p.Devices.Create(name); err == nil {
			h, err = p.devices.get(name)
		}
	}
	if err != nil {
		return done{}, err
	}
	facts, err := p.identify(ctx, name, h)
	if err != nil {
		return done{}, err
	}
	text := "the device " + name + " has serial number " + facts.Serial
	if !p.Plan.Initialises(name) {
		return done{text, facts}, nil
	}
	facts.PINs, facts.TypedBy = p.Plan.PINFacts(name)
	if err := p.initialize(ctx, name, h, facts.Serial); err != nil {
		return done{}, err
	}
	text += ", proves that its certificate is its own, holds no key, and waits for one DKEK share"
	proof, err := h.ProveDevice(evidence.ProofPurpose(p.key.Fingerprint(), name))
	if err != nil {
		return done{}, fmt.Errorf("the device %s does not prove that its certificate is its own: %w", name, err)
	}
	facts.Proof = sumOf(sha256.Sum256(proof))
	return done{text, facts}, safefile.Replace(p.Dir.evidence(evidence.ProofFile(name)), proof)
}

// identify keeps a device's certificates, and lets the witness compare its serial number.
func (p preparing) identify(ctx context.Context, name string, h *hsm.HSM) (facts step.PrepareFacts, err error) {
	identity, err := h.Device()
	if err != nil {
		return facts, err
	}
	status, err := h.Status()
	if err == nil {
		err = p.Plan.FindDevice(name).CheckFirmware(status.Version.String())
	}
	if err == nil {
		err = p.Dir.put(evidence.DeviceFile(name), identity.Content)
	}
	if err != nil {
		return facts, fmt.Errorf("device %s: %w", name, err)
	}
	p.people.Tell("Serial number: " + identity.Serial + "; its certificate is by " + identity.Chain.Issuer())
	facts = step.PrepareFacts{Serial: identity.Serial, Certificates: sumOf(sha256.Sum256(identity.Content)), Version: status.Version.String()}
	return facts, p.people.agree(ctx, p.Plan.Who(step.Witness), "Is this the serial number in the runbook, or is it written there now?")
}

// initialize initialises a device for one DKEK share. Keys on it are lost only
// after a person has typed its serial number.
func (p preparing) initialize(ctx context.Context, name string, h *hsm.HSM, serial string) error {
	if err := p.mayErase(ctx, name, h, serial); err != nil {
		return err
	}
	so, err := sealing(p).soPIN(ctx, name, h)
	if err != nil {
		return err
	}
	defer so.wipe()
	user, err := p.people.enter(ctx, p.people.pinOf(name, wire.UserPIN), false, nil)
	if err != nil {
		return err
	}
	defer user.wipe()
	if err := p.setUp(h, name, serial, so, user); err != nil {
		return err
	}
	if err := p.handOut(ctx, p.people.pinOf(name, wire.UserPIN), serial, user); err != nil {
		return err
	}
	return p.handOut(ctx, p.people.pinOf(name, wire.SOPIN), serial, so)
}

// setUp initialises a device with PINs that were typed, and logs in to it.
func (p preparing) setUp(h *hsm.HSM, name, serial string, so, user entry) (err error) {
	init := wire.UsualInitialization(nil, nil, 1)
	init.Options |= wire.LogOption(serial)
	if init.SOPIN, err = so.value(wire.SOPIN); err != nil {
		return err
	}
	defer init.SOPIN.Wipe()
	if init.UserPIN, err = user.value(wire.UserPIN); err != nil {
		return err
	}
	defer init.UserPIN.Wipe()
	if err := h.Initialize(init, ""); err != nil {
		return err
	}
	journal, err := p.Dir.journal(serial)
	if err != nil {
		return err
	}
	if err := journal.Clear(); err != nil {
		return err
	}
	if err := h.Login(wire.UserPIN, init.UserPIN); err != nil {
		return err
	}
	p.devices.loggedIn[name] = true
	return nil
}

func (p preparing) mayErase(ctx context.Context, name string, h *hsm.HSM, serial string) error {
	keys, err := h.Keys()
	if err != nil || len(keys) == 0 {
		return err
	}
	typed, err := p.people.words(ctx, p.Plan.People.Administrator, fmt.Sprintf("The device %s holds %d keys, which are lost when it is initialised. To go on, type its serial number (%s)", name, len(keys), serial), serial)
	if err != nil {
		return err
	}
	if typed != serial {
		return fmt.Errorf("its serial number was not typed; the device %s is as it was", name)
	}
	return p.log.note(transcript.Note, p.Plan.People.Administrator, fmt.Sprintf("agreed to lose the %d keys on the device %s", len(keys), name), nil)
}

// erase erases the standby device.
func (p preparing) erase(ctx context.Context, name string) (done, error) {
	h, err := p.devices.get(name)
	if err != nil {
		return done{}, err
	}
	typed, err := sealing(p).soPIN(ctx, name, h)
	if err != nil {
		return done{}, err
	}
	defer typed.wipe()
	so, err := typed.value(wire.SOPIN)
	if err != nil {
		return done{}, err
	}
	defer so.Wipe()
	random, err := h.Random(8) // a PIN that no one knows
	if err != nil {
		return done{}, err
	}
	pin := secret.Bytes(fmt.Sprintf("%x", random))
	defer pin.Wipe()
	init := wire.UsualInitialization(pin, so, wire.NoDKEK)
	if err := h.Initialize(init, ""); err != nil {
		return done{}, err
	}
	p.devices.close()
	return done{"the device " + name + " holds no key and no DKEK", step.NoFacts{}}, p.checkErased(name)
}

// checkErased looks at a device as whoever finds it will.
func (p preparing) checkErased(name string) error {
	h, err := p.devices.get(name)
	if err != nil {
		return err
	}
	keys, err := h.Keys()
	if err == nil && len(keys) > 0 {
		err = fmt.Errorf("the device %s still lists %d keys", name, len(keys))
	}
	return err
}
