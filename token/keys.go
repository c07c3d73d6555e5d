package token

import "conclave/token/cryptoki"

// GenerateKey makes a secret key in a session.
func (s *Session) GenerateKey(m cryptoki.Mechanism, t cryptoki.Template) (cryptoki.Handle, error) {
	return 0, cryptoki.MechanismInvalid
}

// GenerateKeyPair makes a key pair on the device.
func (s *Session) GenerateKeyPair(m cryptoki.Mechanism, public, private cryptoki.Template) (publicKey, privateKey cryptoki.Handle, err error) {
	return 0, 0, cryptoki.MechanismInvalid
}

// WrapKey wraps a key.
func (s *Session) WrapKey(m cryptoki.Mechanism, wrapping, key cryptoki.Handle) ([]byte, error) {
	return nil, cryptoki.MechanismInvalid
}

// UnwrapKey brings a wrapped key in.
func (s *Session) UnwrapKey(m cryptoki.Mechanism, unwrapping cryptoki.Handle, wrapped []byte, t cryptoki.Template) (cryptoki.Handle, error) {
	return 0, cryptoki.MechanismInvalid
}

// DeriveKey derives a secret key in a session.
func (s *Session) DeriveKey(m cryptoki.Mechanism, base cryptoki.Handle, t cryptoki.Template) (cryptoki.Handle, error) {
	return 0, cryptoki.MechanismInvalid
}
