package token

import (
	"errors"
	"sync"

	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/token/cryptoki"
)

// Application is a program that uses the library: its logins, its sessions, and the
// objects of these. It is safe for concurrent use.
type Application struct {
	library   *Library
	loggingIn sync.Mutex // held by one login at a time
	went      departed

	mu       sync.Mutex
	sessions map[uint64]*Session
	logins   map[SlotID]login
	objects  map[cryptoki.Handle]*object // of sessions
	aliases  map[cryptoki.Handle]uint16  // how many of a key have been made
}

// login is who is logged in to a slot, and since when.
type login struct {
	user    cryptoki.UserType
	device  *openDevice
	epoch   uint64   // of the device; a user's login lasts as long
	officer *officer // nil for the user
}

// holds says whether the login has not ended by itself.
func (l login) holds(s *slot) bool {
	if l.officer != nil {
		return s.device.Load() == l.device && !l.officer.over.Load()
	}
	return s.device.Load() == l.device && l.epoch == l.device.epoch.Load()
}

func (l login) end() {
	if l.officer != nil {
		l.device.logOutOfficer(l.officer)
	} else {
		l.device.logOut(l.epoch)
	}
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

// drop takes a session off the list. It says whether it was there.
func (a *Application) drop(s *Session) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.sessions[s.number] == s
	if found {
		delete(a.sessions, s.number)
	}
	return found
}

// Session gives the session with a number that the program chose, and opens it if
// there is none. The error is SessionHandleInvalid if it is another slot's, and
// DeviceRemoved if the token that it was opened with is not there any more.
func (a *Application) Session(number uint64, id SlotID, writable bool) (*Session, error) {
	a.mu.Lock()
	s := a.sessions[number]
	a.mu.Unlock()
	if s == nil {
		var err error
		if s, err = a.begin(number, id, writable); err != nil {
			return nil, err
		}
	}
	switch {
	case s.slot.id != id:
		return nil, cryptoki.SessionHandleInvalid
	case s.slot.token.Load() != s.token:
		return nil, cryptoki.DeviceRemoved
	}
	return s, nil
}

// begin opens a session, unless another call has done so meanwhile.
func (a *Application) begin(number uint64, id SlotID, writable bool) (*Session, error) {
	slot, err := a.library.slot(id)
	if err != nil {
		return nil, err
	}
	token, err := slot.join()
	if err != nil {
		return nil, translate(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.sessions[number]; s != nil {
		slot.leave(token)
		return s, nil
	}
	s := &Session{application: a, slot: slot, token: token, number: number, writable: writable}
	a.sessions[number] = s
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

// Login logs the program in to a slot: the user, or the security officer. A login that is
// ContextSpecific is the user's, again, for what is under way in the session.
func (s *Session) Login(user cryptoki.UserType, pin secret.Bytes) error {
	a := s.application
	a.loggingIn.Lock()
	defer a.loggingIn.Unlock()
	switch now, loggedIn := a.login(s.slot); {
	case user == cryptoki.ContextSpecific:
		return s.confirm(now, pin)
	case user != cryptoki.User && user != cryptoki.SecurityOfficer:
		return cryptoki.UserTypeInvalid
	case loggedIn && now.user == user:
		return cryptoki.UserAlreadyLoggedIn
	case loggedIn:
		return cryptoki.UserAnotherAlreadyLoggedIn
	case user == cryptoki.SecurityOfficer && a.hasReadOnly(s.slot):
		return cryptoki.SessionReadOnlyExists
	}
	d, err := s.slot.open()
	if err != nil {
		return translate(err)
	}
	l := login{user: user, device: d}
	if user == cryptoki.User {
		l.epoch, err = d.logIn(pin)
	} else {
		l.officer, err = d.logInOfficer(pin)
	}
	if err == nil {
		a.enter(s.slot, l)
	}
	return s.admitted(l, err)
}

// confirm compares the PIN for the operations that are under way: it lets those go on
// that want it for each use of their key. A wrong one leaves them waiting.
func (s *Session) confirm(now login, pin secret.Bytes) error {
	waiting := s.operations.all()
	if len(waiting) == 0 {
		return cryptoki.OperationNotInitialized
	}
	if now.device == nil || now.user != cryptoki.User {
		return cryptoki.UserNotLoggedIn
	}
	epoch, err := now.device.logIn(pin)
	if err == nil {
		now.device.logOut(epoch) // the first login goes on
		for _, o := range waiting {
			o.locked = false
		}
	}
	return s.judgePIN(now.device, err)
}

// admitted says what came of a login.
func (s *Session) admitted(l login, err error) error {
	var refused *hsm.PINError
	switch {
	case err == nil && l.user == cryptoki.User:
		s.slot.hasPIN()
		s.slot.cleanUp()
	case l.user == cryptoki.User && errors.As(err, &refused) && s.slot.lacksPIN():
		err = cryptoki.UserPINNotInitialized
	}
	return s.judgePIN(l.device, err)
}

// hasReadOnly says whether the program has a session with a slot that may only read.
func (a *Application) hasReadOnly(s *slot) bool {
	for _, session := range a.openSessions() {
		if session.slot == s && !session.writable {
			return true
		}
	}
	return false
}

// Logout ends the program's login to a slot.
func (s *Session) Logout() error {
	a := s.application
	if _, loggedIn := a.login(s.slot); !loggedIn {
		return cryptoki.UserNotLoggedIn
	}
	a.destroy(func(o *object) bool { return o.session.slot == s.slot && o.is(cryptoki.AttrPrivate) })
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logOut(s.slot.id)
	return nil
}

// enter records a login.
func (a *Application) enter(s *slot, l login) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logins[s.id] = l
}

// logOut is called with the lock.
func (a *Application) logOut(id SlotID) {
	if l, loggedIn := a.logins[id]; loggedIn {
		delete(a.logins, id)
		l.end()
	}
}

// login says who is logged in to a slot.
func (a *Application) login(s *slot) (l login, loggedIn bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, loggedIn = a.logins[s.id]
	if loggedIn && !l.holds(s) {
		a.logOut(s.id)
		return login{}, false
	}
	return l, loggedIn
}
