package card

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"

	"conclave/apdu"
	"conclave/dkek"
	"conclave/internal/secret"
	"conclave/wire"
)

// initializeDevice is INITIALIZE DEVICE. It erases all keys and files and sets
// new PINs; a device that was initialised before wants its current SO-PIN.
// Without data it reports the free memory and the version.
func (c *Card) initializeDevice(cmd apdu.Command) ([]byte, error) {
	if cmd.P1 != 0 || cmd.P2 != 0 {
		return nil, apdu.WrongP1P2
	}
	if len(cmd.Data) == 0 {
		return deviceInfo(), nil
	}
	init, err := parseInitialization(cmd.Data)
	if err != nil {
		return nil, err
	}
	var present *grant // none if the device has no SO-PIN yet
	if c.state.initialised() {
		if present, err = c.checkPIN(wire.SOPIN, init.SOPIN); err != nil {
			return nil, err
		}
		defer present.vault.close()
	}
	c.session.end()
	return nil, c.startAnew(present, init)
}

// startAnew erases the device. The user is logged in afterwards (observed on a
// Nitrokey HSM 2, version 4.1), unless the PIN has to be changed first.
func (c *Card) startAnew(present *grant, init wire.Initialization) error {
	v, err := newVault()
	if err != nil {
		return err
	}
	so, err := newVault()
	if err != nil {
		return err
	}
	defer so.close()
	fresh, err := c.freshState(v, so, init)
	if err == nil {
		err = c.erase(present, v, so, fresh, init.DKEKShares)
	}
	if err != nil || fresh.User.Transport {
		v.close()
		return err
	}
	c.session.logIn(&grant{wire.UserPIN, fresh.User, v})
	return nil
}

// freeMemory is what the device says it has left, in bytes. Its store has no
// bound of its own; the figure is that of a new real device, and hosts only
// show it.
const freeMemory = 76 << 10

// deviceInfo is four bytes of free memory and the version (observed on
// pico-hsm 6.6).
func deviceInfo() []byte {
	return append(binary.BigEndian.AppendUint32(nil, freeMemory), 0, Version().Major, Version().Minor)
}

// parseInitialization checks all there is to check before the SO-PIN is
// touched, so that a mistake costs no try.
func parseInitialization(b []byte) (wire.Initialization, error) {
	init, err := wire.ParseInitialization(b)
	const known = wire.OptionResetRetryCounter | wire.OptionTransportPIN | wire.OptionUnblockOnly | wire.OptionLog
	switch {
	case errors.Is(err, wire.ErrUnknownField):
		return init, apdu.FunctionNotSupported
	case err != nil:
		return init, apdu.WrongData
	case init.Options&^known != 0, init.PublicKeys != nil, init.Biometrics[0] != nil, init.Biometrics[1] != nil:
		return init, apdu.FunctionNotSupported
	case !goodPIN(wire.SOPIN, init.SOPIN, soPINTries), !goodPIN(wire.UserPIN, init.UserPIN, init.Retries):
		return init, apdu.WrongData
	}
	return init, nil
}

// erase puts the new state in place of everything but the device key and its
// certificate. The storage key is new: what the old one sealed is gone even
// from copies of the file, for whoever has only the new PINs.
func (c *Card) erase(present *grant, v, so *vault, fresh state, shares int) error {
	err := c.update(func(t *transaction) error {
		if t.state.initialised() && (present == nil || !present.holds(&t.state)) {
			return apdu.ConditionsNotSatisfied // initialised by another process meanwhile
		}
		deviceKey, err := t.takeDeviceKey(present)
		if err != nil {
			return err
		}
		defer deviceKey.Wipe()
		if err := t.startOver(v, fresh); err != nil {
			return err
		}
		if err := v.put(t, kindKey, 0, deviceKey); err != nil {
			return err
		}
		if err := t.furnish(so, deviceKey); err != nil {
			return err
		}
		if err := t.escrow(); err != nil {
			return err
		}
		return t.enableDKEK(shares)
	})
	if err == nil {
		c.scrub()
	}
	return err
}

func (c *Card) freshState(v, so *vault, init wire.Initialization) (state, error) {
	epoch := make([]byte, 16)
	rand.Read(epoch)
	s := state{
		Epoch:   hex.EncodeToString(epoch),
		Options: uint16(init.Options),
		User:    pin{MaxTries: init.Retries, Transport: init.Options&wire.OptionTransportPIN != 0},
		SO:      pin{MaxTries: soPINTries},
	}
	if err := s.User.set(wire.UserPIN, init.UserPIN, v, c.config.PINCost); err != nil {
		return s, err
	}
	return s, s.SO.set(wire.SOPIN, init.SOPIN, so, c.config.PINCost)
}

// startOver clears the store, but for the certificate of the device, which belongs
// to it and not to its owner.
func (t *transaction) startOver(v *vault, fresh state) error {
	certificate, err := t.Get(kindFile, uint16(wire.EFDevAut))
	if err != nil {
		return err
	}
	if err := t.Clear(); err != nil {
		return err
	}
	fresh.Log = t.state.Log
	t.state, t.vault = fresh, v
	t.saveState()
	return putDeviceFiles(t, certificate)
}

// takeDeviceKey reads the device key's record: from the vault of a PIN, or as the
// factory left it.
func (t *transaction) takeDeviceKey(present *grant) (secret.Bytes, error) {
	if present == nil {
		return t.Get(kindDevice, recordFactoryKey)
	}
	return present.deviceKey(t, &t.state)
}

// enableDKEK sets up the import of shares, or makes the random DKEK of a
// device whose keys are never to be restored elsewhere.
func (t *transaction) enableDKEK(shares int) (err error) {
	if shares == wire.NoDKEK {
		return nil
	}
	t.state.DKEK = dkekState{Enabled: true, Shares: shares}
	if shares > 0 {
		t.state.Inbox, err = t.vault.newBox(t, recordInbox)
		return err
	}
	random := make(secret.Bytes, dkek.ShareSize)
	defer random.Wipe()
	rand.Read(random)
	return t.completeDKEK(random)
}
