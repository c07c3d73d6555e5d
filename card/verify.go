package card

import (
	"conclave/apdu"
	"conclave/internal/secret"
	"conclave/wire"
)

// pinReference reads P1-P2 of the commands that carry a PIN. References 85 and
// 86 are a PIN pad's: 6A88 tells a host that there is none.
func (c *Card) pinReference(cmd apdu.Command) (wire.PINReference, error) {
	ref := wire.PINReference(cmd.P2)
	switch {
	case ref != wire.UserPIN && ref != wire.SOPIN:
		return 0, apdu.ReferenceNotFound
	case cmd.P1 != 0:
		return 0, apdu.WrongP1P2
	case !c.state.initialised():
		return 0, apdu.ReferenceNotFound
	}
	return ref, nil
}

// verify is VERIFY (ISO 7816-4 section 11.6.6). Without data it asks for the
// status of the PIN.
func (c *Card) verify(cmd apdu.Command) ([]byte, error) {
	ref, err := c.pinReference(cmd)
	if err != nil {
		return nil, err
	}
	if len(cmd.Data) == 0 {
		return nil, c.pinStatus(ref)
	}
	if p := c.state.pin(ref); p.Transport {
		return nil, apdu.ReferenceDataUnusable
	}
	g, err := c.checkPIN(ref, secret.Bytes(cmd.Data))
	if err != nil {
		return nil, err
	}
	c.session.logIn(g, c.state.Epoch)
	return nil, nil
}

func (c *Card) pinStatus(ref wire.PINReference) error {
	if ref == wire.UserPIN && c.session.user || ref == wire.SOPIN && c.session.so {
		return nil
	}
	return c.state.pin(ref).status()
}
