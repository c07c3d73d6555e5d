package token

import "conclave/token/cryptoki"

// Create makes an object from its attributes.
func (s *Session) Create(t cryptoki.Template) (cryptoki.Handle, error) {
	return 0, cryptoki.FunctionNotSupported
}

// Copy copies an object, with the attributes of the template in place of its own.
func (s *Session) Copy(h cryptoki.Handle, t cryptoki.Template) (cryptoki.Handle, error) {
	return 0, cryptoki.FunctionNotSupported
}

// Destroy destroys an object.
func (s *Session) Destroy(h cryptoki.Handle) error { return cryptoki.FunctionNotSupported }

// Set changes attributes of an object.
func (s *Session) Set(h cryptoki.Handle, t cryptoki.Template) error {
	return cryptoki.FunctionNotSupported
}
