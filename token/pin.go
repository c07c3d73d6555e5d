package token

import (
	"conclave/internal/secret"
	"conclave/token/cryptoki"
)

// InitToken erases the token of a slot and gives it a label. It has no user PIN until
// InitPIN sets one. A token that was initialised before wants its SO-PIN.
func (a *Application) InitToken(id SlotID, so secret.Bytes, label string) error {
	return cryptoki.FunctionNotSupported
}

// InitPIN sets the user PIN. The security officer must be logged in.
func (s *Session) InitPIN(pin secret.Bytes) error { return cryptoki.FunctionNotSupported }

// SetPIN changes the PIN of who is logged in, the user's if no one is.
func (s *Session) SetPIN(old, pin secret.Bytes) error { return cryptoki.FunctionNotSupported }

func (d *openDevice) logInOfficer(pin secret.Bytes) error { return cryptoki.FunctionNotSupported }
