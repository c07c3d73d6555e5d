package card

import (
	"bytes"
	"crypto/rand"

	"conclave/apdu"
	"conclave/internal/secret"
	"conclave/wire"
)

// Lengths and retry counters of the PINs. The user PIN's rules are those that
// OpenSC's sc-hsm-tool names; here the card itself holds them.
const (
	minUserPIN = 6
	maxUserPIN = 16
	soPINLen   = 8
	soPINTries = 15
)

// maxRetries is the greatest retry counter that a user PIN of that many bytes
// may have: the shorter the PIN, the fewer guesses.
func maxRetries(pinLength int) int {
	switch {
	case pinLength <= 6:
		return 3
	case pinLength == 7:
		return 5
	}
	return 10
}

// pin is a PIN as the device keeps it: the storage key under a key derived
// from the PIN. The PIN is right when that opens.
type pin struct {
	Cost    PINCost
	Salt    []byte
	Wrapped []byte
	// Length lets CHANGE REFERENCE DATA tell the old PIN from the new one:
	// the command has them one after the other with nothing in between.
	Length          int
	Tries, MaxTries int
	Transport       bool // must be changed before its first use
}

// set makes value the PIN that opens the vault, with all tries left. It takes
// as long as a login: see PINCost.
func (p *pin) set(ref wire.PINReference, value secret.Bytes, v *vault, cost PINCost) error {
	salt := make([]byte, 16)
	rand.Read(salt)
	wrapper, err := openVault(cost.derive(value, salt))
	if err != nil {
		return err
	}
	defer wrapper.close()
	p.Cost, p.Salt, p.Length = cost, salt, len(value)
	p.Wrapped = wrapper.seal(kindDevice, uint16(ref), v.key)
	p.Tries = p.MaxTries
	return nil
}

// unlock opens the vault, or fails where value is not the PIN.
func (p *pin) unlock(ref wire.PINReference, value secret.Bytes) (*vault, error) {
	wrapper, err := openVault(p.Cost.derive(value, p.Salt))
	if err != nil {
		return nil, err
	}
	defer wrapper.close()
	key, err := wrapper.open(kindDevice, uint16(ref), p.Wrapped)
	if err != nil {
		return nil, err
	}
	return openVault(key)
}

// status is the answer to an empty VERIFY.
func (p *pin) status() apdu.Status {
	switch {
	case p.Tries == 0:
		return apdu.AuthenticationBlocked
	case p.Transport:
		return apdu.ReferenceDataUnusable
	}
	return apdu.TriesLeft(p.Tries)
}

func (s *state) pin(ref wire.PINReference) *pin {
	if ref == wire.SOPIN {
		return &s.SO
	}
	return &s.User
}

// grant is what a PIN that was right has opened.
type grant struct {
	ref   wire.PINReference
	pin   pin // as the device held it when it was compared
	vault *vault
}

// holds says whether the PIN is still the device's: another process may have
// changed it, or initialised the device, since it was compared.
func (g grant) holds(s *state) bool { return bytes.Equal(s.pin(g.ref).Wrapped, g.pin.Wrapped) }

// checkPIN compares a PIN. One try is taken off, durably, before the PIN is
// compared: a loss of power while it is compared costs the try and gains
// nothing. A wrong PIN is a logout.
func (c *Card) checkPIN(ref wire.PINReference, value secret.Bytes) (grant, error) {
	g, err := c.comparePIN(ref, value)
	if err != nil {
		c.session.logOut(ref)
	}
	return g, err
}

func (c *Card) comparePIN(ref wire.PINReference, value secret.Bytes) (grant, error) {
	taken, err := c.takeTry(ref)
	if err != nil {
		return grant{}, err
	}
	v, err := taken.unlock(ref, value)
	if err != nil {
		if taken.Tries == 0 {
			return grant{}, apdu.AuthenticationBlocked
		}
		return grant{}, apdu.TriesLeft(taken.Tries)
	}
	g := grant{ref, taken, v}
	if err := c.giveTriesBack(g); err != nil {
		v.close()
		return grant{}, err
	}
	return g, nil
}

func (c *Card) takeTry(ref wire.PINReference) (taken pin, err error) {
	err = c.update(func(t *transaction) error {
		p := t.state.pin(ref)
		if !t.state.initialised() {
			return apdu.ReferenceNotFound
		}
		if p.Tries == 0 {
			return apdu.AuthenticationBlocked
		}
		p.Tries--
		taken = *p
		return t.saveState()
	})
	return taken, err
}

// giveTriesBack sets the counter of the PIN that was right to its maximum.
func (c *Card) giveTriesBack(g grant) error {
	return c.update(func(t *transaction) error {
		if !g.holds(&t.state) {
			return apdu.ConditionsNotSatisfied
		}
		p := t.state.pin(g.ref)
		p.Tries = p.MaxTries
		return t.saveState()
	})
}
