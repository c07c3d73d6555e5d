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

// resetRetryCounter is RESET RETRY COUNTER. Option bit 0 allows it, bit 5
// allows it to leave the PIN as it is.
func (c *Card) resetRetryCounter(cmd apdu.Command) ([]byte, error) {
	if wire.PINReference(cmd.P2) != wire.UserPIN || !c.state.initialised() {
		return nil, apdu.ReferenceNotFound
	}
	if cmd.P1 > resetVerified {
		return nil, apdu.WrongP1P2
	}
	if err := c.mayReset(cmd.P1); err != nil {
		return nil, err
	}
	so, newPIN, err := splitReset(cmd)
	if err != nil {
		return nil, err
	}
	v := c.session.vault
	if cmd.P1 == resetWithSOAndPIN || cmd.P1 == resetWithSO {
		if v, err = c.checkPIN(wire.SOPIN, so); err != nil {
			return nil, err
		}
		defer v.close()
	} else if !c.session.so {
		return nil, apdu.SecurityNotSatisfied
	}
	if cmd.P1 == resetWithSO || cmd.P1 == resetVerified {
		return nil, c.resetTries()
	}
	return nil, c.setPIN(wire.UserPIN, newPIN, v)
}

func (c *Card) mayReset(p1 byte) error {
	options := wire.Options(c.state.Options)
	if options&wire.OptionResetRetryCounter == 0 {
		return apdu.CommandNotAllowed
	}
	keepsPIN := p1 == resetWithSO || p1 == resetVerified
	if keepsPIN && options&wire.OptionResetWithoutPIN == 0 {
		return apdu.CommandNotAllowed
	}
	return nil
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

func (c *Card) resetTries() error {
	return c.update(func(t *transaction) error {
		t.state.User.Tries = t.state.User.MaxTries
		return t.saveState()
	})
}
