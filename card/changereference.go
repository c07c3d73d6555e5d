package card

import (
	"conclave/apdu"
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
	old, new := secret.Bytes(cmd.Data[:oldLength]), secret.Bytes(cmd.Data[oldLength:])
	v, err := c.checkPIN(ref, old)
	if err != nil {
		c.session.logOut(ref)
		return nil, err
	}
	defer v.close()
	return nil, c.setPIN(ref, new, v)
}

// setPIN makes new the PIN that opens the vault.
func (c *Card) setPIN(ref wire.PINReference, new secret.Bytes, v *vault) error {
	return c.update(func(t *transaction) error {
		p := t.state.pin(ref)
		if !goodPIN(ref, new, p.MaxTries) {
			return apdu.WrongData
		}
		if err := p.set(ref, new, v, c.config.PINCost); err != nil {
			return err
		}
		p.Transport = false
		return t.saveState()
	})
}

// goodPIN says whether a PIN may be set beside that retry counter.
func goodPIN(ref wire.PINReference, value secret.Bytes, retries int) bool {
	if ref == wire.SOPIN {
		return len(value) == soPINLen
	}
	return len(value) >= minUserPIN && len(value) <= maxUserPIN && retries >= 1 && retries <= maxRetries(len(value))
}
