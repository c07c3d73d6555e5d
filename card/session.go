package card

import "conclave/wire"

// session is what the card knows since its last reset. Its zero value is the
// state after one.
type session struct {
	user, so *grant // of the PINs that are verified
	selected wire.FID
	keys     map[byte]*key // opened, as of the card's version of the store
}

// vault is the user's. A command that needs the user PIN has one.
func (s *session) vault() *vault {
	if s.user == nil {
		return nil
	}
	return s.user.vault
}

func (s *session) loggedIn() bool { return s.user != nil || s.so != nil }

// end is a logout: it forgets everything.
func (s *session) end() {
	s.logOut(wire.UserPIN)
	s.logOut(wire.SOPIN)
	*s = session{}
}

// forgetKeys closes the opened keys.
func (s *session) forgetKeys() {
	for _, k := range s.keys {
		k.close()
	}
	s.keys = nil
}

func (s *session) granted(ref wire.PINReference) **grant {
	if ref == wire.SOPIN {
		return &s.so
	}
	return &s.user
}

// logIn records that a PIN was verified.
func (s *session) logIn(g *grant) {
	s.logOut(g.ref)
	*s.granted(g.ref) = g
}

// logOut forgets what a PIN has opened.
func (s *session) logOut(ref wire.PINReference) {
	if ref == wire.UserPIN {
		s.forgetKeys()
	}
	if g := s.granted(ref); *g != nil {
		(*g).vault.close()
		*g = nil
	}
}

// expire ends the logins whose PINs are not the device's any more: another
// process has set others, or initialised it.
func (s *session) expire(now *state) (any bool) {
	for _, ref := range []wire.PINReference{wire.UserPIN, wire.SOPIN} {
		if g := *s.granted(ref); g != nil && !g.holds(now) {
			s.logOut(ref)
			any = true
		}
	}
	return any
}
