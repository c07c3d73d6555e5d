package card

import (
	"conclave/apdu"
	"conclave/internal/secret"
	"conclave/wire"
)

// P1 of RESET RETRY COUNTER (ISO 7816-4 section 11.6.10).
const (
	resetWithSOAndPIN   = 0x00 // SO-PIN, then the new PIN
	resetWithSO         = 0x01 // SO-PIN
	resetVerifiedAndPIN = 0x02 // new PIN; the SO-PIN is verified
	resetVerified       = 0x03 // nothing; the SO-PIN is verified
)

// resetRetryCounter is RESET RETRY COUNTER. Option bit 0 allows it, bit 5 forbids
// it to set a new PIN.
func (c *Card) resetRetryCounter(cmd apdu.Command) ([]byte, error) {
	if wire.PINReference(cmd.P2) != wire.UserPIN || !c.state.initialised() {
		return nil, apdu.ReferenceNotFound
	}
	if cmd.P1 > resetVerified {
		return nil, apdu.WrongP1P2
	}
	if !mayReset(wire.Options(c.state.Options), cmd.P1) {
		return nil, apdu.CommandNotAllowed
	}
	so, value, err := splitReset(cmd)
	if err != nil {
		return nil, err
	}
	g := c.session.so
	if cmd.P1 == resetWithSOAndPIN || cmd.P1 == resetWithSO {
		if g, err = c.checkPIN(wire.SOPIN, so); err != nil {
			return nil, err
		}
		defer g.vault.close()
	} else if g == nil {
		return nil, apdu.SecurityNotSatisfied
	}
	if value == nil {
		return nil, c.resetTries(g)
	}
	return nil, c.resetPIN(value, g)
}

// resetPIN sets the user PIN with the storage key out of the escrow. Who was
// logged in with the one before is not any more.
func (c *Card) resetPIN(value secret.Bytes, so *grant) error {
	set, err := c.setUserPIN(value, so)
	if err != nil {
		return err
	}
	set.vault.close()
	c.session.logOut(wire.UserPIN)
	return nil
}

// mayReset says whether the options allow a form of the command.
func mayReset(options wire.Options, p1 byte) bool {
	if p1 == resetWithSO || p1 == resetVerified {
		return options&wire.OptionResetRetryCounter != 0
	}
	return options&(wire.OptionResetRetryCounter|wire.OptionUnblockOnly) == wire.OptionResetRetryCounter
}

func splitReset(cmd apdu.Command) (so, newPIN secret.Bytes, err error) {
	d := secret.Bytes(cmd.Data)
	switch n := len(d); {
	case cmd.P1 == resetWithSOAndPIN && n > soPINLen:
		return d[:soPINLen], d[soPINLen:], nil
	case cmd.P1 == resetWithSO && n == soPINLen:
		return d, nil, nil
	case cmd.P1 == resetVerifiedAndPIN && n > 0:
		return nil, d, nil
	case cmd.P1 == resetVerified && n == 0:
		return nil, nil, nil
	}
	return nil, nil, apdu.WrongLength
}

// resetTries gives the user PIN its tries back, and leaves the PIN as it is.
func (c *Card) resetTries(g *grant) error {
	return c.update(func(t *transaction) error {
		if !g.holds(&t.state) {
			return apdu.ConditionsNotSatisfied
		}
		t.state.User.refill()
		t.saveState()
		return nil
	})
}
