package custody

import (
	"errors"
	"fmt"
	"path/filepath"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

// proofDevice is the device on which a backup is opened, and which is then destroyed.
const proofDevice = "proof"

// Prove opens each key that the folder has of the device, under the DKEK, on a
// practice device, and lets it sign there. What does not open is NOT BACKED UP from
// then on, so that the next run saves it once more. Dir is an empty directory for
// what the practice device needs.
func (b *CardBackup) Prove(devices ThrowawayDevices, dir string, d DKEK) (err error) {
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
		if k := &b.Manifest.Keys[i]; k.Current() {
			if err := b.proveKey(h, k, d); err != nil {
				return err
			}
		}
	}
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
	var r Restored
	if err == nil {
		r, err = Restore(h, k.Reference, f, false)
	}
	if err == nil && r.Public.Fingerprint() != k.PublicKey {
		err = errors.New("it is the backup of another key")
	}
	if errors.Is(err, apdu.MemoryFailure) {
		return fmt.Errorf("%s, on a practice device: %w", k, err)
	}
	if err != nil {
		k.Until = b.now
		b.miss(NotBackedUp{k.String(), k.Reference, k.PublicKey, fmt.Sprintf("%s does not open on a practice device: %v", k.File, err)})
		return nil
	}
	k.Proved = b.now
	told := "opens on a practice device, and signs"
	if r.NotTried != nil {
		told = fmt.Sprintf("opens on a practice device; it was not seen to sign: %v", r.NotTried)
	}
	b.Tell(fmt.Sprintf("%s: %s %s", k, k.File, told))
	return nil
}
