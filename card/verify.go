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
	if ref == wire.SOPIN {
		c.session.logIn(g)
		return nil, nil
	}
	return nil, c.logUserIn(g, secret.Bytes(cmd.Data))
}

// logUserIn logs in with a PIN that was right, and brings what the device holds
// under the storage key: all of it on a device of format 1, and a DKEK.
func (c *Card) logUserIn(g *grant, value secret.Bytes) error {
	if g.pin.Format != pinFormat {
		set, err := c.setUserPIN(value, g)
		g.vault.close()
		if err != nil {
			return err
		}
		c.config.Log.Info("the device's file was brought to the present format")
		g = set
	}
	c.session.logIn(g)
	if err := c.load(); err != nil {
		return err
	}
	if err := c.keepDKEK(); err != nil {
		c.config.Log.Error("the DKEK cannot be taken out of the inbox; keys can be used, and neither be wrapped nor unwrapped", "error", err)
	}
	return nil
}

func (c *Card) pinStatus(ref wire.PINReference) error {
	if *c.session.granted(ref) != nil {
		return nil
	}
	return c.state.pin(ref).status()
}
