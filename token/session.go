package token

import (
	"conclave/hsm"
	"conclave/token/cryptoki"
)

// Session is a session of an application with a token. Calls that belong to one
// session come one after the other; those of several at once.
type Session struct {
	application *Application
	slot        *slot
	token       uint64 // that was in the slot
	number      uint64
	writable    bool

	operations operations // under way
}

// Close ends the session, what is under way in it, and its objects.
func (s *Session) Close() {
	s.operations.close()
	s.destroyObjects()
	if s.application.drop(s) {
		s.slot.leave(s.token)
	}
}

// Token tells of the session's token, as it is now.
func (s *Session) Token() (TokenInfo, error) {
	if info := s.slot.look().Token; info != nil {
		return *info, nil
	}
	return TokenInfo{}, cryptoki.TokenNotPresent
}

// asUser lends a session with the device to what needs the user's login.
func (s *Session) asUser(fn func(*hsm.HSM) error) error {
	l, loggedIn := s.application.login(s.slot)
	if !loggedIn || l.user != cryptoki.User {
		return cryptoki.UserNotLoggedIn
	}
	return s.slot.judge(l.device, l.device.use(fn))
}

// judgePIN gives PKCS#11's word for what came of a command with a PIN, and takes note of
// the tries that are left.
func (s *Session) judgePIN(d *openDevice, err error) error {
	rv := s.slot.judge(d, err)
	if err != nil && rv != cryptoki.DeviceRemoved {
		rv = translatePIN(err)
	}
	s.slot.look()
	return rv
}

// Random gives n bytes of the token's random number generator.
func (s *Session) Random(n int) (random []byte, err error) {
	err = s.slot.use(func(h *hsm.HSM) error {
		random, err = h.Random(n)
		return err
	})
	return random, err
}
