package token

import "conclave/token/cryptoki"

// directory is the objects of a token, as they were when they were read.
type directory struct {
	objects []*object
}

// Find gives the objects that have all attributes of a template, and that the
// application may see: private ones only after a login.
func (s *Session) Find(t cryptoki.Template) ([]Record, error) { return nil, nil }

// Object gives one object.
func (s *Session) Object(h cryptoki.Handle) (Record, error) {
	o, err := s.object(h)
	if err != nil {
		return Record{}, err
	}
	return o.record(), nil
}

// object finds what a handle names: an object of the token, or of a session of this
// application. The error is ObjectHandleInvalid if the application may not see it.
func (s *Session) object(h cryptoki.Handle) (*object, error) {
	return nil, cryptoki.ObjectHandleInvalid
}

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

// destroyObjects ends the objects of a session.
func (s *Session) destroyObjects() {}
