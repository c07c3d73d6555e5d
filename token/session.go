package token

import (
	"sync"

	"conclave/hsm"
	"conclave/token/cryptoki"
)

// Session is a session of an application with a token. Calls that belong to one
// session come one after the other; those of several at once.
type Session struct {
	application *Application
	slot        *slot
	number      uint64
	writable    bool

	mu         sync.Mutex
	operations map[Operation]*operation // under way
}

// Close ends the session, what is under way in it, and its objects.
func (s *Session) Close() {
	s.mu.Lock()
	s.operations = nil
	s.mu.Unlock()
	a := s.application
	a.mu.Lock()
	delete(a.sessions, s.number)
	a.mu.Unlock()
	s.destroyObjects()
}

// asUser lends a session with the device to what needs the user's login.
func (s *Session) asUser(fn func(*hsm.HSM) error) error {
	if user, loggedIn := s.application.user(s.slot); !loggedIn || user != cryptoki.User {
		return cryptoki.UserNotLoggedIn
	}
	return s.slot.use(fn)
}

// Random gives n bytes of the token's random number generator.
func (s *Session) Random(n int) (random []byte, err error) {
	err = s.slot.use(func(h *hsm.HSM) error {
		random, err = h.Random(n)
		return err
	})
	return random, err
}
