package custody

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

// proofDevice is the device on which a backup is opened, and which is then destroyed.
const proofDevice = "proof"

// Prove opens each key that the folder has of the device, under the DKEK, on a
// practice device, and lets it sign there. What does not open is NOT BACKED UP from
// then on. Dir is an empty directory for what the practice device needs.
func (b *CardBackup) Prove(ctx context.Context, devices ThrowawayDevices, dir string, d DKEK) (err error) {
	if _, err := devices.Create(proofDevice); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, devices.Delete(proofDevice)) }()
	conn, err := devices.Open(proofDevice)
	if err != nil {
		return err
	}
	h, err := hsm.Open(conn)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	defer h.Close()
	if err := d.load(h, dir); err != nil {
		return err
	}
	for i := range b.Manifest.Keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		if k := &b.Manifest.Keys[i]; k.Current() {
			if err := b.proveKey(h, k, d); err != nil {
				return err
			}
		}
	}
	b.Manifest.Keys = slices.DeleteFunc(b.Manifest.Keys, func(k SavedKey) bool { return k.File == "" })
	return b.write()
}

// load initialises a device whose PINs no one will know, gives it the DKEK and logs in.
func (d DKEK) load(h *hsm.HSM, dir string) error {
	random, err := h.Random(16)
	if err != nil {
		return err
	}
	pin, so := secret.Bytes(fmt.Sprintf("%x", random[:8])), secret.Bytes(random[8:])
	defer pin.Wipe()
	if err := h.Initialize(wire.UsualInitialization(pin, so, len(d.Files)), ""); err != nil {
		return err
	}
	journal := func() (*Journal, error) { return &Journal{path: filepath.Join(dir, proofDevice+".jsonl")}, nil }
	if err := d.Give(h, journal); err != nil {
		return err
	}
	return h.Login(wire.UserPIN, pin)
}

// proveKey notes in the manifest whether a key opens. It fails if the practice device
// cannot say so.
func (b *CardBackup) proveKey(h *hsm.HSM, k *SavedKey, d DKEK) error {
	if k.KCV != d.KCV().String() {
		b.Tell(fmt.Sprintf("%s was not opened: it is under another DKEK, key check value %s", k, k.KCV))
		return nil
	}
	f, err := k.wrapped(b.dir)
	if err != nil {
		return err
	}
	r, err := Restore(h, f, Restoring{Ref: k.Reference})
	if err == nil && k.PublicKey != "" && r.Public.Fingerprint() != k.PublicKey {
		err = errAnotherKey
	}
	var unusable *UnusableError
	switch {
	case errors.Is(err, hsm.ErrDamaged), errors.Is(err, hsm.ErrForeignDKEK), errors.Is(err, errAnotherKey), errors.Is(err, hsm.ErrAnotherKey), errors.As(err, &unusable):
		return b.discard(k, err)
	case errors.Is(err, apdu.FunctionNotSupported):
		b.Tell(fmt.Sprintf("%s was not opened: the practice device does not know its type or its curve", k))
		return nil
	case err != nil:
		return fmt.Errorf("%s, on a practice device: %w", k, err)
	}
	k.Proved = b.now
	told := "and signs"
	if r.NotTried != nil {
		told = fmt.Sprintf("but was not seen to sign: %v", r.NotTried)
	}
	b.Tell(fmt.Sprintf("%s: %s opens on a practice device, %s", k, k.File, told))
	return nil
}

// errAnotherKey is the error for a file that holds another key than it should.
var errAnotherKey = errors.New("the file holds another key than the manifest says")

// discard takes a file that does not open off the list, and its name away, so that
// nothing counts it as a backup.
func (b *CardBackup) discard(k *SavedKey, why error) error {
	path := filepath.Join(b.dir, k.File)
	if err := os.Rename(path, path+notABackup); err != nil {
		return err
	}
	b.miss(NotBackedUp{k.String(), k.Reference, k.PublicKey, fmt.Sprintf("%s does not open on a practice device: %v; it is %s now, and the next run saves the key once more", k.File, why, k.File+notABackup)})
	k.File = ""
	return nil
}

// notABackup ends the name of a file that does not open.
const notABackup = ".bad"
