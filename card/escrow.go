package card

import (
	"conclave/apdu"
	"conclave/card/store"
	"conclave/internal/secret"
	"conclave/wire"
)

// The SO-PIN opens a vault of its own. In it is the device key, which INITIALIZE
// carries over, and, where the options let the SO-PIN set a user PIN, the private
// half of the escrow, to which the storage key is sealed. Where they do not, nothing
// that the SO-PIN opens leads to a key of the user.

const escrowPurpose = "conclave storage key"

// furnish fills a new vault of the SO-PIN.
func (t *transaction) furnish(so *vault, deviceKey []byte) (err error) {
	if err := so.put(t, kindDevice, recordSODeviceKey, deviceKey); err != nil {
		return err
	}
	if !mayReset(wire.Options(t.state.Options), resetWithSOAndPIN) {
		return nil
	}
	t.state.Escrow, err = so.newBox(t, recordEscrow)
	return err
}

// refurnish moves what is in the vault of a SO-PIN to a new one. Nobody who opened
// the old one opens the escrow of the new.
func (t *transaction) refurnish(so *grant, fresh *vault) error {
	deviceKey, err := so.deviceKey(t, &t.state)
	if err != nil {
		return err
	}
	defer deviceKey.Wipe()
	if t.state.Escrow == nil {
		return t.furnish(fresh, deviceKey)
	}
	if t.opened, err = so.vault.storageKey(t, &t.state); err != nil {
		return err
	}
	if err := t.state.checkMAC(t.opened); err != nil {
		return err
	}
	t.vault = t.opened
	if err := t.furnish(fresh, deviceKey); err != nil {
		return err
	}
	return t.escrow()
}

// escrow seals the storage key for the SO-PIN, if that may have it.
func (t *transaction) escrow() error {
	if t.state.Escrow == nil {
		return nil
	}
	sealed, err := sealToBox(t.state.Escrow, escrowPurpose, t.vault.key)
	if err != nil {
		return err
	}
	return t.Put(kindDevice, recordStorageKey, sealed)
}

// storageKey opens the escrow. In format 1 the SO-PIN's vault was the user's.
func (so *vault) storageKey(r store.Reader, s *state) (*vault, error) {
	if !s.sealed() {
		return openVault(so.key.Clone())
	}
	if s.Escrow == nil {
		return nil, apdu.CommandNotAllowed
	}
	sealed, err := r.Get(kindDevice, recordStorageKey)
	if err != nil {
		return nil, err
	}
	key, err := so.openFromBox(r, recordEscrow, escrowPurpose, sealed)
	if err != nil {
		return nil, err
	}
	return openVault(key)
}

// deviceKey reads the device key's record out of the vault of a PIN.
func (g *grant) deviceKey(r store.Reader, s *state) (secret.Bytes, error) {
	if g.ref == wire.SOPIN && s.sealed() {
		return g.vault.get(r, kindDevice, recordSODeviceKey)
	}
	return g.vault.get(r, kindKey, 0)
}
