package ceremony

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/custody"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/wire"
)

// sealing is the sealing of SO-PINs under the quorum, and what is done with sealed ones.
type sealing struct{ *proceedings }

// sealPIN gives a device a random SO-PIN that is sealed in the backup. It is on disk
// before the device has it, so that it is never lost.
func (p sealing) sealPIN(ctx context.Context, name string) (done, error) {
	h, err := p.devices.get(name)
	if err != nil {
		return done{}, err
	}
	opened, who, err := p.openBackups(ctx, name)
	if err != nil {
		return done{}, err
	}
	defer opened.Wipe()
	d, err := dkek.New(opened.Share)
	if err != nil {
		return done{}, err
	}
	defer d.Wipe()
	sum, err := p.giveSealed(ctx, h, name, d)
	if err != nil {
		return done{}, err
	}
	p.devices.close() // no one stays logged in as the SO
	return done{"the device " + name + " has an SO-PIN that no one has seen; custodians " + who + " have sealed it", step.SealPINFacts{Sealed: sum, KCV: opened.KCV.String(), Custodians: who}}, nil
}

// giveSealed gives a device the SO-PIN that is sealed in the backup, or sealed now.
func (p sealing) giveSealed(ctx context.Context, h *hsm.HSM, name string, d *dkek.DKEK) (step.Sum, error) {
	path := p.backups.sealedPIN(name)
	sealed, content, err := custody.ReadSealedPIN(path)
	interrupted := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		sealed, content, err = p.newSealed(h, name, d)
	}
	if err != nil {
		return "", err
	}
	if serial := p.serial(name); sealed.Device != serial {
		return "", fmt.Errorf("%s is of the device %s; that of %s was expected", path, sealed.Device, serial)
	}
	pin, err := sealed.Open(d)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	defer pin.Wipe()
	sum := sumOf(sha256.Sum256(content))
	if err := p.log.note(transcript.Note, "", "the SO-PIN of the device "+name+" is sealed, and the device is given it now", step.NoteFacts{Sealed: sum}); err != nil {
		return "", err
	}
	return sum, p.giveSOPIN(ctx, h, name, pin, d, interrupted)
}

// soPIN asks for the SO-PIN of a device: the present one of a device that has one. What
// is sealed, custodians open.
func (p sealing) soPIN(ctx context.Context, name string, h *hsm.HSM) (entry, error) {
	if p.Plan.Change == nil || p.Plan.Renews(plan.TheDevice(name)) || !slices.Contains(p.Plan.SealedPINs(), name) {
		return p.people.soPIN(ctx, name, h)
	}
	opened, _, err := p.openBackups(ctx, name)
	if err != nil {
		return nil, err
	}
	defer opened.Wipe()
	d, err := dkek.New(opened.Share)
	if err != nil {
		return nil, err
	}
	defer d.Wipe()
	pin, err := p.openSealed(name, d)
	if err != nil {
		return nil, err
	}
	defer pin.Wipe()
	return entry{secret.Bytes(hex.EncodeToString(pin))}, nil
}

// openSealed opens the SO-PIN that a device has, and that is sealed.
func (p sealing) openSealed(name string, d *dkek.DKEK) (secret.Bytes, error) {
	present := p.present()
	path := present.sealedPIN(name)
	sealed, _, err := custody.ReadSealedPIN(path)
	if err != nil {
		return nil, err
	}
	pin, err := sealed.Open(d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return pin, nil
}

// openAll opens the sealed SO-PINs of all devices.
func (p sealing) openAll(share secret.Bytes) error {
	d, err := dkek.New(share)
	if err != nil {
		return err
	}
	defer d.Wipe()
	for _, device := range p.Plan.SealedPINs() {
		pin, err := p.openSealed(device, d)
		if err != nil {
			return err
		}
		pin.Wipe()
	}
	return nil
}

// present is where the SO-PINs are sealed that devices have: in the backup, or in that of
// before where a change seals others. With a new DKEK they are in the folder of the
// change, sealed under it.
func (p sealing) present() backup {
	switch p.Plan.Kind() {
	case plan.Rekey:
		return backup{p.Dir.present()}
	case plan.ChangePIN:
		return p.old
	}
	return p.backups
}

// serial is that of a device that was prepared.
func (p *proceedings) serial(name string) string {
	return of[step.PrepareFacts](p.log, step.Prepare.ID(name)).Serial
}

// inspectSealed compares the sealed SO-PINs in a backup with the hashes in the ceremony's
// transcript.
func (p sealing) inspectSealed(b backup) (map[string]step.Sum, error) {
	sums := map[string]step.Sum{}
	for _, device := range p.Plan.SealedPINs() {
		path := b.sealedPIN(device)
		_, content, err := custody.ReadSealedPIN(path)
		if content == nil {
			return nil, err
		}
		sums[device] = sumOf(sha256.Sum256(content))
		if err := asRecorded(path, sums[device], of[step.SealPINFacts](p.log, step.SealPIN.ID(device)).Sealed, ""); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// newSealed seals a random SO-PIN, and sees that it is on disk.
func (p sealing) newSealed(h *hsm.HSM, name string, d *dkek.DKEK) (*custody.SealedPIN, []byte, error) {
	random, err := h.Random(8)
	if err != nil {
		return nil, nil, err
	}
	defer clear(random)
	sealed, err := custody.SealPIN(h, d, p.serial(name), random)
	if err != nil {
		return nil, nil, err
	}
	path := p.backups.sealedPIN(name)
	content, err := sealed.Bytes()
	if err == nil {
		err = safefile.Create(path, content)
	}
	if err != nil {
		return nil, nil, err
	}
	written, err := safefile.Reread(path, custody.MaxSealedPIN)
	if err == nil && !bytes.Equal(written, content) {
		err = fmt.Errorf("%s reads back with another content than was written; is the disk faulty?", path)
	}
	return sealed, content, err
}

// giveSOPIN sets a new SO-PIN in place of the present one, and sees that the device takes
// it. An interrupted attempt may have set it.
func (p sealing) giveSOPIN(ctx context.Context, h *hsm.HSM, name string, pin secret.Bytes, d *dkek.DKEK, interrupted bool) error {
	var wrong *hsm.PINError
	if interrupted {
		if err := h.Login(wire.SOPIN, pin); err == nil || !errors.As(err, &wrong) {
			return err
		}
	}
	present, err := p.presentSOPIN(ctx, h, name, d)
	if err != nil {
		return err
	}
	defer present.Wipe()
	if err := h.ChangePIN(wire.SOPIN, present, pin); err != nil {
		return err
	}
	return h.Login(wire.SOPIN, pin)
}

// presentSOPIN is the SO-PIN that a device has until it is given a sealed one: one that is
// sealed too, or that someone types who was there when the device was prepared.
func (p sealing) presentSOPIN(ctx context.Context, h *hsm.HSM, name string, d *dkek.DKEK) (secret.Bytes, error) {
	if kind := p.Plan.Kind(); kind == plan.Rekey || kind == plan.ChangePIN {
		return p.openSealed(name, d)
	}
	return p.people.right(ctx, h, p.people.pinOf(name, wire.SOPIN))
}
