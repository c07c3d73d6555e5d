package token

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// unlockedTime is how long a device stays unlocked after the last logout, for programs
// that log in for each signature: Argon2id is paid for once.
const unlockedTime = time.Minute

// unlock is what is kept of a PIN that was right: enough to know it again without the
// cost of Argon2id, and worth nothing in another process.
type unlock struct{ key, tag []byte }

func newUnlock(pin secret.Bytes) *unlock {
	u := &unlock{key: make([]byte, 32)}
	rand.Read(u.key)
	u.tag = u.of(pin)
	return u
}

func (u *unlock) of(pin secret.Bytes) []byte {
	m := hmac.New(sha256.New, u.key)
	m.Write(pin)
	return m.Sum(nil)
}

func (u *unlock) opens(pin secret.Bytes) bool { return hmac.Equal(u.tag, u.of(pin)) }

// logIn logs an application in as the user, until logOut or until the epoch ends that
// it gives. The device compares the PIN, unless it is known to be the one that unlocked
// it and nothing would come of it there. A wrong PIN costs a try, and ends no login of
// others but on a card in a reader.
func (d *openDevice) logIn(pin secret.Bytes) (epoch uint64, err error) {
	if len(pin) == 0 || len(pin) > maxUserPIN { // which no device would compare
		return 0, cryptoki.PINIncorrect
	}
	d.comparing.Lock()
	defer d.comparing.Unlock()
	unlocked, err := d.isUnlocked()
	if err != nil {
		return 0, err
	}
	if unlocked {
		if epoch, joined := d.join(pin); joined {
			return epoch, nil
		}
	}
	err = d.apart(func(w *worker) error {
		if err := d.verify(w, wire.UserPIN, pin); err != nil {
			return err
		}
		epoch, err = d.admit(w, pin)
		return err
	})
	return epoch, err
}

// isUnlocked says whether the user is logged in still, and all tries of the PIN are
// left: a right one gives them back, which is the device's to do.
func (d *openDevice) isUnlocked() (bool, error) {
	if d.isLocked() {
		return false, nil
	}
	var s hsm.Status
	err := d.use(func(h *hsm.HSM) (err error) {
		s, err = h.Status()
		return err
	})
	if err == nil && !s.User.Verified {
		d.forget()
	}
	if d.isLocked() { // that may be what the error says
		return false, nil
	}
	if err != nil || !d.embedded {
		return err == nil, err
	}
	tries, err := d.triesLeft()
	d.mu.Lock()
	defer d.mu.Unlock()
	return tries == d.tries, err
}

// join logs in with a PIN that is known.
func (d *openDevice) join(pin secret.Bytes) (epoch uint64, joined bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unlock == nil || !d.unlock.opens(pin) {
		return 0, false
	}
	return d.count(), true
}

// count is called with the lock.
func (d *openDevice) count() (epoch uint64) {
	if d.stop != nil {
		d.stop()
		d.stop = nil
	}
	d.users++
	d.logins++
	return d.epoch.Load()
}

// verify compares a PIN on the device. A wrong one ends the login there.
func (d *openDevice) verify(w *worker, ref wire.PINReference, pin secret.Bytes) error {
	if !d.embedded {
		d.mu.Lock()
		d.asked = true
		d.mu.Unlock()
	}
	err := w.Login(ref, pin)
	for again := 0; again < 3 && errors.Is(err, apdu.ConditionsNotSatisfied); again++ {
		err = w.Login(ref, pin) // another process has set another PIN in between, and no try was taken
	}
	var wrong *hsm.PINError
	if errors.As(err, &wrong) && !d.embedded {
		d.forget()
		d.touched.Add(1)
	}
	return err
}

// apart lends a session that no one else uses: one of its own with an embedded device,
// and the only one with a card in a reader. It stays open if it has become the first.
func (d *openDevice) apart(fn func(*worker) error) error {
	if !d.embedded {
		d.access.Lock()
		defer d.access.Unlock()
		w, err := d.take()
		if err != nil {
			return err
		}
		defer d.put(w)
		if err = fn(w); err != nil {
			d.lapse(w, err)
		}
		return err
	}
	w, err := d.connect()
	if err != nil {
		return err
	}
	if err = fn(w); !d.isFirst(w) {
		w.close()
	}
	return err
}

// admit logs an application in with a PIN that a worker was logged in with. Where the
// device was unlocked before, others go on with what they have.
func (d *openDevice) admit(w *worker, pin secret.Bytes) (epoch uint64, err error) {
	tries := 0
	if d.embedded {
		if tries, err = d.triesLeft(); err != nil {
			return 0, err
		}
	}
	if epoch, joined := d.join(pin); joined {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.tries = tries
		return epoch, nil
	}
	if d.embedded {
		d.access.Lock()
		defer d.access.Unlock()
		d.replace(w)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return 0, cryptoki.DeviceRemoved
	}
	if d.unlock != nil { // with a PIN that was replaced since it was looked at
		d.epoch.Add(1)
	}
	d.first, d.unlock, d.tries, d.users = w, newUnlock(pin), tries, 0
	return d.count(), nil
}

// triesLeft asks an embedded device how many tries the user PIN has.
func (d *openDevice) triesLeft() (tries int, err error) {
	err = d.look(func(h *hsm.HSM) error {
		s, err := h.Status()
		tries = s.User.Tries
		return err
	})
	return tries, err
}

// logOut ends a login of an application as the user. After the last one the device
// stays unlocked for a while.
func (d *openDevice) logOut(epoch uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unlock == nil || d.epoch.Load() != epoch {
		return
	}
	if d.users--; d.users == 0 {
		last := d.logins
		d.stop = d.after(unlockedTime, func() { d.lock(last) })
	}
}

// lock ends the user's login, unless there was another since the last.
func (d *openDevice) lock(last uint64) {
	if d.lockNow(last) {
		secret.Forget()
		d.locked()
	}
}

func (d *openDevice) lockNow(last uint64) bool {
	d.access.Lock()
	defer d.access.Unlock()
	d.mu.Lock()
	stays := d.unlock == nil || d.users > 0 || d.logins != last
	if !stays {
		d.unlock, d.first = nil, nil
	}
	d.mu.Unlock()
	switch {
	case stays:
		return false
	case d.embedded:
		d.replace(nil)
	default:
		d.idle[0].Logout()
	}
	return true
}

// officer is a login of the security officer: in a session of its own with an embedded
// device. The commands for which it is there want the SO-PIN with them.
type officer struct {
	over atomic.Bool // another process has replaced the SO-PIN

	mu     sync.Mutex
	pin    secret.Bytes
	worker *worker // nil with a card in a reader
}

// logInOfficer compares the SO-PIN.
func (d *openDevice) logInOfficer(typed secret.Bytes) (*officer, error) {
	pin, err := hsm.ParseSOPIN(typed)
	if err != nil {
		return nil, cryptoki.PINIncorrect
	}
	d.comparing.Lock()
	defer d.comparing.Unlock()
	o := &officer{pin: pin}
	if !d.embedded {
		err = d.apart(func(w *worker) error { return d.verify(w, wire.SOPIN, pin) })
	} else if o.worker, err = d.connect(); err == nil {
		err = d.verify(o.worker, wire.SOPIN, pin)
	}
	if err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

func (o *officer) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pin.Wipe()
	if o.worker != nil {
		o.worker.close()
		o.worker = nil
	}
	secret.Forget()
}

// logOutOfficer ends a login of the security officer. A card in a reader forgets it,
// unless the user is logged in, too: then it does so with that login.
func (d *openDevice) logOutOfficer(o *officer) {
	o.close()
	if !d.embedded && d.isLocked() {
		d.apart(func(w *worker) error { return w.Logout() })
	}
}

// asOfficer lends the officer's session. An SO-PIN that another process has replaced
// is not tried: that would cost a try.
func (d *openDevice) asOfficer(o *officer, fn func(*worker) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !d.embedded {
		return d.apart(fn)
	}
	if o.worker == nil {
		return cryptoki.UserNotLoggedIn
	}
	if s, err := o.worker.Status(); err != nil || !s.SO.Verified {
		o.over.Store(err == nil)
		return cmp.Or(err, error(cryptoki.UserNotLoggedIn))
	}
	return fn(o.worker)
}
