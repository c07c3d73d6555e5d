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
	old, value := secret.Bytes(cmd.Data[:oldLength]), secret.Bytes(cmd.Data[oldLength:])
	g, err := c.checkPIN(ref, old)
	if err != nil {
		return nil, err
	}
	defer g.vault.close()
	return nil, c.setPIN(ref, value, g)
}

// setPIN makes value the PIN that opens the vault of the grant. A device whose
// options were changed meanwhile has other PINs.
func (c *Card) setPIN(ref wire.PINReference, value secret.Bytes, g grant) error {
	var made pin
	if err := made.set(ref, value, g.vault, c.config.PINCost); err != nil {
		return err
	}
	return c.update(func(t *transaction) error {
		if !g.holds(&t.state) {
			return apdu.ConditionsNotSatisfied
		}
		p := t.state.pin(ref)
		if !goodPIN(ref, value, p.MaxTries) {
			return apdu.WrongData
		}
		made.MaxTries = p.MaxTries
		made.refill()
		*p = made // it is not a transport PIN any more
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
