package token

import (
	"sync"

	"conclave/internal/secret"
	"conclave/token/cryptoki"
)

// Application is a program that uses the library: its logins, its sessions, and the
// objects of these. It is safe for concurrent use.
type Application struct {
	library *Library

	mu       sync.Mutex
	sessions map[uint64]*Session
	logins   map[SlotID]login
	objects  map[cryptoki.Handle]*object // of sessions
	aliases  map[cryptoki.Handle]uint16  // how many of a key have been made
}

// login is who is logged in to a slot, and since when.
type login struct {
	user   cryptoki.UserType
	device *openDevice
	epoch  uint64
}

// Application begins to serve a program.
func (l *Library) Application() *Application {
	return &Application{library: l, sessions: map[uint64]*Session{}, logins: map[SlotID]login{}, objects: map[cryptoki.Handle]*object{}, aliases: map[cryptoki.Handle]uint16{}}
}

// Close ends the program's sessions and logins.
func (a *Application) Close() {
	for _, s := range a.openSessions() {
		s.Close()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.logins {
		a.logOut(id)
	}
}

func (a *Application) openSessions() (sessions []*Session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.sessions {
		sessions = append(sessions, s)
	}
	return sessions
}

// Session gives the session with a number that the program chose, and opens it if
// there is none. The error is SessionHandleInvalid if it is another slot's.
func (a *Application) Session(number uint64, id SlotID, writable bool) (*Session, error) {
	a.mu.Lock()
	s := a.sessions[number]
	a.mu.Unlock()
	if s == nil {
		slot, err := a.library.slot(id)
		if err != nil {
			return nil, err
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if s = a.sessions[number]; s == nil {
			s = &Session{application: a, slot: slot, number: number, writable: writable}
			a.sessions[number] = s
		}
	}
	if s.slot.id != id {
		return nil, cryptoki.SessionHandleInvalid
	}
	return s, nil
}

// CloseSessions ends all sessions of a slot, and the login there.
func (a *Application) CloseSessions(id SlotID) {
	for _, s := range a.openSessions() {
		if s.slot.id == id {
			s.Close()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logOut(id)
}

// Login logs the program in to a slot.
func (s *Session) Login(user cryptoki.UserType, pin secret.Bytes) error {
	a := s.application
	switch now, loggedIn := a.user(s.slot); {
	case user == cryptoki.ContextSpecific:
		return cryptoki.OperationNotInitialized
	case user != cryptoki.User && user != cryptoki.SecurityOfficer:
		return cryptoki.UserTypeInvalid
	case loggedIn && now == user:
		return cryptoki.UserAlreadyLoggedIn
	case loggedIn:
		return cryptoki.UserAnotherAlreadyLoggedIn
	}
	d, err := s.slot.open()
	if err != nil {
		return err
	}
	if user == cryptoki.User {
		err = d.logIn(pin)
	} else {
		err = d.logInOfficer(pin)
	}
	if err != nil {
		return translate(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logins[s.slot.id] = login{user, d, d.epoch}
	return nil
}

// Logout ends the program's login to a slot.
func (s *Session) Logout() error {
	a := s.application
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, loggedIn := a.logins[s.slot.id]; !loggedIn {
		return cryptoki.UserNotLoggedIn
	}
	a.logOut(s.slot.id)
	return nil
}

// logOut is called with the lock.
func (a *Application) logOut(id SlotID) { delete(a.logins, id) }

// user says who is logged in to a slot.
func (a *Application) user(s *slot) (user cryptoki.UserType, loggedIn bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, loggedIn := a.logins[s.id]
	if loggedIn && (s.device != l.device || l.epoch != l.device.epoch) {
		delete(a.logins, s.id)
		return 0, false
	}
	return l.user, loggedIn
}
