package card

import (
	"conclave/apdu"
	"conclave/internal/secret"
	"conclave/wire"
)

// LogInAs logs the user in as on another card that was opened on the same device,
// without a PIN: a process that gives a device several commands at once has it open
// several times, and compares the PIN once. It is checked as after a PIN that was
// right. The error is SecurityNotSatisfied if no user is logged in there, or if it is
// another device or has another PIN by now.
func (c *Card) LogInAs(other *Card) (err error) {
	secret.Do(func() { err = c.logInAs(other) })
	return err
}

func (c *Card) logInAs(other *Card) error {
	g, err := other.copyGrant()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		g.vault.close()
		return err
	}
	if !g.holds(&c.state) {
		g.vault.close()
		return apdu.SecurityNotSatisfied
	}
	c.session.logIn(g)
	return c.checkState(&c.state)
}

// copyGrant gives what the user PIN has opened here, to be closed on its own.
func (c *Card) copyGrant() (*grant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refresh(); err != nil {
		return nil, err
	}
	if c.session.user == nil {
		return nil, apdu.SecurityNotSatisfied
	}
	v, err := openVault(c.session.user.vault.key.Clone())
	return &grant{wire.UserPIN, c.session.user.pin, v}, err
}
