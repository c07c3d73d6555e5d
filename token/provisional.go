package token

import (
	"conclave/token/cryptoki"
	"conclave/wire"
)

// addProvisional makes the pair of a key that was generated on the device for a session
// its objects: the key dies with the session, unless it is copied to the token before.
func (s *Session) addProvisional(ref byte, key *wire.PublicKey, public, private cryptoki.Template) (publicKey, privateKey cryptoki.Handle, err error) {
	return 0, 0, cryptoki.FunctionNotSupported
}
