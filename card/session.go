package card

import "conclave/wire"

// session is what the card knows since its last reset. Its zero value is the
// state after one.
type session struct {
	epoch    string // of the device when the first PIN was verified
	vault    *vault // open while a PIN is verified
	user, so bool   // which PINs are
	selected wire.FID
	keys     map[byte]*key // opened, as of the card's version of the store
}

func (s *session) loggedIn() bool { return s.user || s.so }

// end is a logout: it forgets everything.
func (s *session) end() {
	s.forgetKeys()
	if s.vault != nil {
		s.vault.close()
	}
	*s = session{}
}

// forgetKeys closes the opened keys.
func (s *session) forgetKeys() {
	for _, k := range s.keys {
		k.close()
	}
	s.keys = nil
}

// logIn records that a PIN was verified.
func (s *session) logIn(g grant, epoch string) {
	if s.vault != nil {
		s.vault.close()
	}
	s.epoch, s.vault = epoch, g.vault
	if g.ref == wire.UserPIN {
		s.user = true
	} else {
		s.so = true
	}
}

// logOut records that verifying a PIN failed.
func (s *session) logOut(ref wire.PINReference) {
	if ref == wire.UserPIN {
		s.user = false
		s.forgetKeys()
	} else {
		s.so = false
	}
	if !s.loggedIn() {
		selected := s.selected
		s.end()
		s.selected = selected
	}
}
