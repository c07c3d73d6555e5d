package token

import (
	"crypto/rand"
	"encoding/hex"
	"errors"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// InitToken erases the token of a slot and gives it a label. It has no user PIN until
// InitPIN sets one: until then it is one that no one knows. A token that was initialised
// before wants its SO-PIN. It takes as many DKEK shares as before, none at first.
func (a *Application) InitToken(id SlotID, so secret.Bytes, label string) error {
	s, err := a.library.slot(id)
	if err != nil {
		return err
	}
	pin, err := hsm.ParseSOPIN(so)
	if err != nil {
		return cryptoki.PINIncorrect
	}
	defer pin.Wipe()
	return s.initialise(pin, label)
}

// initialise erases the device, which no one may be using.
func (s *slot) initialise(so secret.Bytes, label string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	d, err := s.openNow()
	if err != nil {
		return err
	}
	if s.sessions > 0 || d.hasUsers() {
		return cryptoki.SessionExists
	}
	err = d.initialise(so, label)
	if s.fail(d, err) {
		return cryptoki.DeviceRemoved
	}
	if err == nil {
		s.noPIN, s.directory = true, nil
	}
	s.refresh()
	s.rest()
	return translatePIN(err)
}

func (d *openDevice) hasUsers() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.users > 0
}

func (d *openDevice) initialise(so secret.Bytes, label string) error {
	d.comparing.Lock()
	defer d.comparing.Unlock()
	err := d.apart(func(w *worker) error {
		status, err := w.Status()
		if err != nil {
			return err
		}
		init := wire.UsualInitialization(unknownPIN(), so, wire.NoDKEK)
		defer init.UserPIN.Wipe()
		init.Options |= status.Options & wire.OptionLog
		if status.DKEK != nil {
			init.DKEKShares = status.DKEK.Shares
		}
		return w.Initialize(init, label)
	})
	d.forget()
	d.touched.Add(1)
	if errors.Is(err, apdu.CommandNotAllowed) { // some cards say so
		return cryptoki.PINIncorrect
	}
	return err
}

// unknownPIN is as long as a user PIN may be, and random.
func unknownPIN() secret.Bytes {
	random := make(secret.Bytes, maxUserPIN/2)
	defer random.Wipe()
	rand.Read(random)
	return hex.AppendEncode(nil, random)
}

// InitPIN sets the user PIN. The security officer must be logged in. All users' logins
// end.
func (s *Session) InitPIN(pin secret.Bytes) error {
	l, loggedIn := s.application.login(s.slot)
	if !loggedIn || l.officer == nil {
		return cryptoki.UserNotLoggedIn
	}
	if !goodLength(pin) {
		return cryptoki.PINLenRange
	}
	err := l.device.resetPIN(l.officer, pin)
	if err == nil {
		s.slot.hasPIN()
	}
	return s.judgePIN(l.device, err)
}

func (d *openDevice) resetPIN(o *officer, pin secret.Bytes) error {
	d.comparing.Lock()
	defer d.comparing.Unlock()
	err := d.asOfficer(o, func(w *worker) error { return w.ResetPIN(o.pin, pin) })
	if err == nil {
		d.forget()
	}
	return err
}

func goodLength(pin secret.Bytes) bool { return len(pin) >= minUserPIN && len(pin) <= maxUserPIN }

// SetPIN changes the PIN of who is logged in, the user's if no one is. Logins of others
// with the PIN end.
func (s *Session) SetPIN(old, pin secret.Bytes) error {
	if !s.writable {
		return cryptoki.SessionReadOnly
	}
	l, loggedIn := s.application.login(s.slot)
	if l.officer != nil {
		return s.judgePIN(l.device, l.device.changeSOPIN(l.officer, old, pin))
	}
	if !goodLength(pin) {
		return cryptoki.PINLenRange
	}
	d, err := s.slot.open()
	if err != nil {
		return err
	}
	epoch, err := d.changeUserPIN(old, pin, loggedIn)
	if err == nil {
		s.slot.hasPIN()
		if loggedIn {
			s.application.enter(s.slot, login{user: cryptoki.User, device: d, epoch: epoch})
		}
	}
	return s.judgePIN(d, err)
}

// changeUserPIN compares the old PIN first: CHANGE REFERENCE DATA has both one after the
// other, and would take the end of an old one that is too long for the beginning of
// the new one. Who was logged in stays so; all others' logins end.
func (d *openDevice) changeUserPIN(old, pin secret.Bytes, stay bool) (epoch uint64, err error) {
	d.comparing.Lock()
	defer d.comparing.Unlock()
	err = d.apart(func(w *worker) error {
		err := d.verify(w, wire.UserPIN, old)
		if err == nil || errors.Is(err, hsm.ErrTransportPIN) {
			err = w.ChangePIN(wire.UserPIN, old, pin)
		}
		if err != nil {
			return err
		}
		d.forget()
		if !stay {
			return w.Logout()
		}
		epoch, err = d.admit(w, pin)
		return err
	})
	return epoch, err
}

// changeSOPIN changes the SO-PIN, and the officer stays logged in.
func (d *openDevice) changeSOPIN(o *officer, old, pin secret.Bytes) error {
	before, err := hsm.ParseSOPIN(old)
	if err != nil {
		return cryptoki.PINIncorrect
	}
	defer before.Wipe()
	after, err := hsm.ParseSOPIN(pin)
	if err != nil {
		return badSOPIN(pin)
	}
	d.comparing.Lock()
	defer d.comparing.Unlock()
	return d.asOfficer(o, func(w *worker) error {
		if err := w.ChangePIN(wire.SOPIN, before, after); err != nil {
			after.Wipe()
			return err
		}
		o.pin.Wipe()
		o.pin = after
		return nil
	})
}

// badSOPIN says what is wrong with one that is no SO-PIN.
func badSOPIN(pin secret.Bytes) error {
	if len(pin) != lenSOPIN {
		return cryptoki.PINLenRange
	}
	return cryptoki.PINInvalid
}
