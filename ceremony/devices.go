package ceremony

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/custody"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/wire"
)

// devices are the open ones, by name in the plan. Who is logged in stays so
// until the device is closed.
type devices struct {
	performance *performance
	open        map[string]*hsm.HSM
	loggedIn    map[string]bool
}

// get opens a device, and checks that it is the one it was.
func (d *devices) get(name string) (*hsm.HSM, error) {
	if h := d.open[name]; h != nil {
		return h, nil
	}
	conn, err := d.performance.Devices.Connect(*d.performance.Plan.FindDevice(name))
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
func (d *devices) identify(name string, h *hsm.HSM) error {
	identity, err := h.Device()
	if err != nil {
		return fmt.Errorf("device %s: %w", name, err)
	}
	before := of[step.PrepareFacts](d.performance, step.Prepare.ID(name)).Serial
	for _, want := range []string{d.performance.Plan.FindDevice(name).Serial, before} {
		if want != "" && identity.Serial != want {
			return fmt.Errorf("device %s has serial number %s, and %s was expected; is it another device?", name, identity.Serial, want)
		}
	}
	return nil
}

// login lets the user log in, unless they are.
func (d *devices) login(ctx context.Context, name string) (*hsm.HSM, error) {
	h, err := d.get(name)
	if err != nil || d.loggedIn[name] {
		return h, err
	}
	p := d.performance
	var problem error
	for {
		pin, err := p.typed(ctx, PINQuestion{Who: p.Plan.People.Administrator, What: "user PIN of the device " + name, PIN: wire.UserPIN, Problem: problem})
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
			return nil, fmt.Errorf("%w; set it anew with the SO-PIN, in another terminal: conclave hsm pin reset", problem)
		case wrong.Tries < 2: // the last try is not for a slip of the finger
			return nil, fmt.Errorf("%w; look it up before it is tried once more", problem)
		}
	}
}

// close closes all, so that the next use begins anew.
func (d *devices) close() {
	for _, h := range d.open {
		h.Close() // what it was to do is done, or has failed
	}
	d.open, d.loggedIn = nil, nil
}

// prepare identifies a device, and initialises it if it is for custody.
func (p *performance) prepare(ctx context.Context, name string) (done, error) {
	h, err := p.devices.get(name)
	if errors.Is(err, fs.ErrNotExist) && p.Plan.FindDevice(name).Embedded {
		if _, err = p.Devices.Create(name); err == nil {
			h, err = p.devices.get(name)
		}
	}
	if err != nil {
		return done{}, err
	}
	identity, err := h.Device()
	if err != nil {
		return done{}, err
	}
	if err := p.work.put(evidence.DeviceFile(name), identity.Content); err != nil {
		return done{}, err
	}
	p.Room.Tell("Serial number: " + identity.Serial + "; its certificate is by " + identity.Chain.Issuer())
	if err := p.agree(ctx, p.Plan.Who(step.Witness), "Is this the serial number in the runbook, or is it written there now?"); err != nil {
		return done{}, err
	}
	text, facts := "the device "+name+" has serial number "+identity.Serial, step.PrepareFacts{Serial: identity.Serial, Certificates: sumOf(sha256.Sum256(identity.Content))}
	if p.Plan.Custody == nil || name != p.Plan.Custody.Device && name != p.Plan.Custody.Standby {
		return done{text, facts}, nil
	}
	if err := p.initialize(ctx, name, h, identity.Serial); err != nil {
		return done{}, err
	}
	text += ", proves that its certificate is its own, holds no key, and waits for one DKEK share"
	proof, err := h.ProveDevice(evidence.ProofPurpose(p.key.Fingerprint(), name))
	if err != nil {
		return done{}, fmt.Errorf("the device %s does not prove that its certificate is its own: %w", name, err)
	}
	facts.Proof = sumOf(sha256.Sum256(proof))
	return done{text, facts}, safefile.Replace(p.work.evidence(evidence.ProofFile(name)), proof)
}

// initialize initialises a device for one DKEK share. Keys on it are lost only
// after a person has typed its serial number.
func (p *performance) initialize(ctx context.Context, name string, h *hsm.HSM, serial string) error {
	if err := p.mayErase(ctx, name, h, serial); err != nil {
		return err
	}
	init := wire.Initialization{Options: wire.OptionResetRetryCounter, Retries: 3, DKEKShares: 1}
	var err error
	if init.SOPIN, err = p.soPIN(ctx, name, h); err != nil {
		return err
	}
	defer init.SOPIN.Wipe()
	if init.UserPIN, err = p.newPIN(ctx, name); err != nil {
		return err
	}
	defer init.UserPIN.Wipe()
	if err := h.Initialize(init, ""); err != nil {
		return err
	}
	journal, err := p.journal(serial)
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

func (p *performance) mayErase(ctx context.Context, name string, h *hsm.HSM, serial string) error {
	keys, err := h.Keys()
	if err != nil || len(keys) == 0 {
		return err
	}
	typed, err := p.words(ctx, p.Plan.People.Administrator, fmt.Sprintf("The device %s holds %d keys, which are lost when it is initialised. To go on, type its serial number (%s)", name, len(keys), serial), serial)
	if err != nil {
		return err
	}
	if typed != serial {
		return fmt.Errorf("its serial number was not typed; the device %s is as it was", name)
	}
	return p.note(transcript.Note, p.Plan.People.Administrator, fmt.Sprintf("agreed to lose the %d keys on the device %s", len(keys), name), nil)
}

// soPIN asks for the SO-PIN: the present one of a device that has one.
func (p *performance) soPIN(ctx context.Context, name string, h *hsm.HSM) (secret.Bytes, error) {
	status, err := h.Status()
	if err != nil {
		return nil, err
	}
	q := PINQuestion{What: "new SO-PIN of the device " + name + ", 16 hex digits", PIN: wire.SOPIN, Fresh: true}
	if status.Initialised {
		q.What, q.Fresh = "present SO-PIN of the device "+name+", 16 hex digits", false
	}
	return p.secret(ctx, q, hsm.ParseSOPIN)
}

func (p *performance) newPIN(ctx context.Context, name string) (secret.Bytes, error) {
	q := PINQuestion{What: "new user PIN of the device " + name + ", 6 to 16 characters", PIN: wire.UserPIN, Fresh: true}
	return p.secret(ctx, q, func(pin secret.Bytes) (secret.Bytes, error) { return pin, hsm.CheckUserPIN(pin) })
}

// typed asks for a PIN. The words that are no answer but a wish are none here
// either: they must not cost a try, nor become the PIN.
func (p *performance) typed(ctx context.Context, q PINQuestion) (secret.Bytes, error) {
	for {
		pin, err := p.Room.Secret(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, word := range []string{wordException, wordStop} {
			if bytes.EqualFold(pin, []byte(word)) {
				if _, err := p.wish(ctx, q.Who, word); err != nil {
					return nil, err
				}
				pin = nil
			}
		}
		if pin != nil {
			return pin, nil
		}
	}
}

// secret asks the administrator for a PIN until parse takes it.
func (p *performance) secret(ctx context.Context, q PINQuestion, parse func(secret.Bytes) (secret.Bytes, error)) (secret.Bytes, error) {
	q.Who = p.Plan.People.Administrator
	for {
		typed, err := p.typed(ctx, q)
		if err != nil {
			return nil, err
		}
		pin, err := parse(typed)
		if err == nil {
			return pin, nil
		}
		q.Problem = err
	}
}

// erase erases the standby device.
func (p *performance) erase(ctx context.Context, name string) (done, error) {
	h, err := p.devices.get(name)
	if err != nil {
		return done{}, err
	}
	so, err := p.soPIN(ctx, name, h)
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
	init := wire.Initialization{Options: wire.OptionResetRetryCounter, Retries: 3, DKEKShares: wire.NoDKEK, UserPIN: pin, SOPIN: so}
	if err := h.Initialize(init, ""); err != nil {
		return done{}, err
	}
	p.devices.close()
	return done{"the device " + name + " holds no key and no DKEK", step.NoFacts{}}, p.erased(name)
}

// erased looks at a device as whoever finds it will.
func (p *performance) erased(name string) error {
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

// journal is that of the DKEK shares in a device, for this act.
func (p *performance) journal(serial string) (*custody.Journal, error) {
	return custody.OpenJournal(p.work.imports(), serial, 0)
}

// kcv is the key check value of the share file.
func (p *performance) kcv() string { return of[step.ShareFacts](p, step.Share.ID()).KCV }

// checkKCV compares a device's DKEK with the share file's.
func (p *performance) checkKCV(status *wire.DKEKStatus) error {
	if status.Outstanding != 0 {
		return fmt.Errorf("the device still waits for %d DKEK shares", status.Outstanding)
	}
	if kcv := dkek.KCV(status.KCV).String(); kcv != p.kcv() {
		return fmt.Errorf("the device's DKEK has key check value %s, and the share file %s", kcv, p.kcv())
	}
	return nil
}
