package card

import (
	"errors"

	"conclave/apdu"
	"conclave/card/store"
	"conclave/internal/secret"
	"conclave/wire"
)

// changeReferenceData is CHANGE REFERENCE DATA (ISO 7816-4 section 11.6.7):
// the old PIN, then the new one. It ends transport PIN mode.
func (c *Card) changeReferenceData(cmd apdu.Command) ([]byte, error) {
	ref, err := c.pinReference(cmd)
	if err != nil {
		return nil, err
	}
	oldLength := min(c.state.pin(ref).Length, len(cmd.Data))
	old, value := secret.Bytes(cmd.Data[:oldLength]), secret.Bytes(cmd.Data[oldLength:])
	g, err := c.checkPIN(ref, old)
	if err != nil {
		return nil, err
	}
	defer g.vault.close()
	set, err := c.setPIN(ref, value, g)
	if err != nil {
		return nil, err
	}
	if *c.session.granted(ref) == nil { // a change is not a login
		set.vault.close()
		return nil, nil
	}
	c.session.logIn(set)
	return nil, nil
}

// setPIN makes value the PIN in the place of the grant's, and gives what it opens:
// a vault with another key, so that who has an earlier copy of the device, and the
// PIN of then, can read nothing that is written from now on.
func (c *Card) setPIN(ref wire.PINReference, value secret.Bytes, g *grant) (*grant, error) {
	if ref == wire.SOPIN {
		return c.setSOPIN(value, g)
	}
	return c.setUserPIN(value, g)
}

// setUserPIN seals all records under a new storage key. The old one is in the
// vault of the user PIN, or in the escrow.
func (c *Card) setUserPIN(value secret.Bytes, g *grant) (*grant, error) {
	fresh, err := newVault()
	if err != nil {
		return nil, err
	}
	return c.replacePIN(grant{ref: wire.UserPIN, vault: fresh}, value, g, func(t *transaction) error {
		if g.ref == wire.UserPIN {
			return t.rekey(g.vault, fresh)
		}
		old, err := g.vault.storageKey(t, &t.state)
		if err != nil {
			return err
		}
		defer old.close()
		return t.rekey(old, fresh)
	})
}

// setSOPIN makes a new vault for the SO-PIN. In format 1 it is the user's, and
// stays.
func (c *Card) setSOPIN(value secret.Bytes, g *grant) (*grant, error) {
	if !c.state.sealed() {
		same, err := openVault(g.vault.key.Clone())
		if err != nil {
			return nil, err
		}
		return c.replacePIN(grant{ref: wire.SOPIN, vault: same}, value, g, func(*transaction) error { return nil })
	}
	fresh, err := newVault()
	if err != nil {
		return nil, err
	}
	return c.replacePIN(grant{ref: wire.SOPIN, vault: fresh}, value, g, func(t *transaction) error {
		return t.refurnish(g, fresh)
	})
}

// replacePIN sets a PIN, in one transaction with what else changes. A device whose
// PINs were changed meanwhile has others.
func (c *Card) replacePIN(set grant, value secret.Bytes, g *grant, change func(*transaction) error) (*grant, error) {
	err := set.pin.set(set.ref, value, set.vault, c.config.PINCost)
	if err == nil {
		err = c.update(func(t *transaction) error {
			p := t.state.pin(set.ref)
			switch {
			case !g.holds(&t.state):
				return apdu.ConditionsNotSatisfied
			case !goodPIN(set.ref, value, p.MaxTries):
				return apdu.WrongData
			}
			if err := change(t); err != nil {
				return err
			}
			set.pin.MaxTries = p.MaxTries
			set.pin.refill()
			*p = set.pin // it is not a transport PIN any more
			t.saveState()
			return nil
		})
	}
	if err != nil {
		set.vault.close()
		return nil, err
	}
	c.scrub()
	return &set, nil
}

// rekey seals under a new storage key what the old one opens. What it does not
// open stays as it is.
func (t *transaction) rekey(old, fresh *vault) error {
	if err := t.state.checkMAC(old); err != nil {
		return err
	}
	if !t.state.sealed() {
		if err := t.leaveFormat1(old); err != nil {
			return err
		}
	}
	t.vault = fresh
	for _, kind := range []store.Kind{kindKey, kindProtected} {
		ids, err := t.List(kind)
		if err != nil {
			return err
		}
		if err := t.reseal(old, kind, ids...); err != nil {
			return err
		}
	}
	if err := t.reseal(old, kindDevice, recordInbox, recordDKEK); err != nil {
		return err
	}
	return t.escrow()
}

func (t *transaction) reseal(old *vault, kind store.Kind, ids ...uint16) error {
	for _, id := range ids {
		plain, err := old.get(t, kind, id)
		switch {
		case errors.Is(err, errSealBroken), errors.Is(err, errRecordChanged), errors.Is(err, store.ErrNotFound):
			continue
		case err != nil:
			return err
		}
		err = t.vault.put(t, kind, id, plain)
		plain.Wipe()
		if err != nil {
			return err
		}
	}
	return nil
}

// leaveFormat1 makes the vault that was the user's and the SO-PIN's the latter's
// alone.
func (t *transaction) leaveFormat1(shared *vault) error {
	deviceKey, err := shared.get(t, kindKey, 0)
	if err != nil {
		return err
	}
	defer deviceKey.Wipe()
	if err := t.takeStock(); err != nil {
		return err
	}
	return t.furnish(shared, deviceKey)
}

// goodPIN says whether a PIN may be set beside that retry counter.
func goodPIN(ref wire.PINReference, value secret.Bytes, retries int) bool {
	if ref == wire.SOPIN {
		return len(value) == soPINLen
	}
	return len(value) >= minUserPIN && len(value) <= maxUserPIN && retries >= 1 && retries <= maxRetries(len(value))
}
