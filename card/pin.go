package card

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"errors"

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

// pin is a PIN as the device keeps it: the key of its vault under a key derived
// from the PIN. The PIN is right when that opens. The user PIN's vault is that of
// all records, under the storage key; for the SO-PIN's see furnish.
type pin struct {
	// Format is pinFormat, or 0 for a PIN that was set in format 1 of devices.
	// Wrapped opens for no other.
	Format  int `json:",omitempty"`
	Cost    PINCost
	Salt    []byte
	Wrapped []byte
	// Length lets CHANGE REFERENCE DATA tell the old PIN from the new one:
	// the command has them one after the other with nothing in between.
	Length          int
	Tries, MaxTries int
	// Attempt is the mark of a PIN that is being compared, or was when its
	// process ended. One of the tries is its own: see comparePIN.
	Attempt   []byte `json:",omitempty"`
	Transport bool   // must be changed before its first use
}

// pinFormat is that of a PIN whose device has a sealed state.
const pinFormat = 2

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
	p.Format, p.Cost, p.Salt, p.Length = pinFormat, cost, salt, len(value)
	p.Wrapped = wrapper.seal(kindDevice, p.wrappedID(ref), v.key)
	p.refill()
	return nil
}

func (p *pin) wrappedID(ref wire.PINReference) uint16 { return uint16(p.Format)<<8 | uint16(ref) }

// refill gives all tries back.
func (p *pin) refill() { p.Tries, p.Attempt = p.MaxTries, nil }

// same says whether p and q are one PIN, set at one time.
func (p *pin) same(q *pin) bool { return bytes.Equal(p.Wrapped, q.Wrapped) }

// unlock opens the vault, or fails if the wrapper is not the PIN's.
func (p *pin) unlock(ref wire.PINReference, wrapper *vault) (*vault, error) {
	key, err := wrapper.open(kindDevice, p.wrappedID(ref), p.Wrapped)
	if err != nil {
		return nil, err
	}
	return openVault(key)
}

// status is the answer to an empty VERIFY.
func (p *pin) status() apdu.Status {
	if p.Transport && p.Tries > 0 {
		return apdu.ReferenceDataUnusable
	}
	return triesLeft(p.Tries)
}

// triesLeft is the answer to a wrong PIN.
func triesLeft(n int) apdu.Status {
	if n == 0 {
		return apdu.AuthenticationBlocked
	}
	return apdu.TriesLeft(n)
}

func (s *state) pin(ref wire.PINReference) *pin {
	if ref == wire.SOPIN {
		return &s.SO
	}
	return &s.User
}

// grant is what a right PIN has opened.
type grant struct {
	ref   wire.PINReference
	pin   pin // as the device held it when it was compared
	vault *vault
}

// holds says whether the PIN is still the device's: another process may have
// changed it, or initialised the device, since it was compared.
func (g *grant) holds(s *state) bool { return s.pin(g.ref).same(&g.pin) }

// checkPIN compares a PIN. A wrong one is a logout.
func (c *Card) checkPIN(ref wire.PINReference, value secret.Bytes) (*grant, error) {
	g, err := c.comparePIN(ref, value)
	if err != nil {
		c.session.logOut(ref)
	}
	return g, err
}

// errPINReplaced is for a PIN that another process has replaced since the card
// looked.
var errPINReplaced = errors.New("the PIN was replaced")

// comparePIN derives the key that the PIN stands for, which takes long and
// reveals nothing, and then tries it.
func (c *Card) comparePIN(ref wire.PINReference, value secret.Bytes) (*grant, error) {
	for epoch := c.state.Epoch; ; {
		p := *c.state.pin(ref)
		if p.Tries == 0 {
			return nil, apdu.AuthenticationBlocked
		}
		wrapper, err := openVault(p.Cost.derive(value, p.Salt))
		if err != nil {
			return nil, err
		}
		g := &grant{ref: ref, pin: p}
		err = c.tryPIN(g, wrapper)
		wrapper.close()
		if err == nil {
			return g, nil
		}
		if !errors.Is(err, errPINReplaced) {
			return nil, err
		}
		if err := c.load(); err != nil {
			return nil, err
		}
		if c.state.Epoch != epoch {
			return nil, apdu.ConditionsNotSatisfied
		}
	}
}

// tryPIN compares in three steps, while no other process does: it takes a try
// and writes down for whom, durably; it sees whether the wrapper opens the
// vault; it gives the tries back or takes this one off.
//
// A process can be killed in between, and the next one cannot know whether the
// first has seen what came out. It knows which PIN it was, by its mark. The same
// PIN may be tried once more for the try that was taken, since that tells no one
// anything new: so right PINs are never locked out. Any other PIN takes a try of
// its own, and that of the first is spent: so no one gets more guesses than the
// counter says by killing the process that counts.
func (c *Card) tryPIN(g *grant, wrapper *vault) error {
	return c.store.Alone(func() error {
		defer c.config.hold()()
		if err := c.takeTry(g, wrapper.mark()); err != nil {
			return err
		}
		opened, wrong := g.pin.unlock(g.ref, wrapper)
		left, err := c.settleTry(g, wrong == nil)
		switch {
		case err != nil && opened != nil:
			opened.close()
		case err == nil && wrong == nil:
			g.vault = opened
		case err == nil:
			err = triesLeft(left)
		}
		return err
	})
}

// takeTry writes down whom one of the tries is for. The write is the same whether
// the mark is the one that was there or not: until it is durable nothing shows
// which.
func (c *Card) takeTry(g *grant, mark []byte) error {
	spent := false
	err := c.amend(func(t *transaction) error {
		p := t.state.pin(g.ref)
		if !p.same(&g.pin) {
			return errPINReplaced
		}
		if p.Tries == 0 {
			return apdu.AuthenticationBlocked
		}
		if p.Attempt != nil && !hmac.Equal(p.Attempt, mark) {
			p.Tries-- // that of a process that was killed
		}
		if p.Attempt, spent = mark, p.Tries == 0; spent {
			p.Attempt = nil
		}
		t.saveState()
		return nil
	})
	if err == nil && spent {
		return apdu.AuthenticationBlocked
	}
	return err
}

// settleTry gives all tries back for a PIN that was right, and takes one off for
// one that was not. It tells how many are left.
func (c *Card) settleTry(g *grant, right bool) (left int, err error) {
	err = c.amend(func(t *transaction) error {
		p := t.state.pin(g.ref)
		if !g.holds(&t.state) {
			return apdu.ConditionsNotSatisfied
		}
		if right {
			p.refill()
		} else {
			p.Tries, p.Attempt = p.Tries-1, nil
		}
		left = p.Tries
		t.saveState()
		if !right {
			return c.log(t, triesLeft(left))
		}
		return nil
	})
	return left, err
}
