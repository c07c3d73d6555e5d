package token

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"runtime"

	"sync"

	"conclave/apdu"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/link"
	"conclave/wire"
)

// openDevice is the device of a token. One that is embedded is opened several times, so
// that several commands run at once, and its PIN is compared once for all of them; a
// card in a reader is opened once.
type openDevice struct {
	serial  string
	connect func() (*worker, error)
	workers chan *worker // nil for one that is not open yet
	// access is held for reading by those who use a worker, and for writing by those who
	// change who is logged in.
	access sync.RWMutex
	first  *worker // as which the others are logged in
	unlock *unlock // nil if no user is logged in
	// epoch is another number when a login has ended that was not ended by a logout:
	// another process has set another PIN, say. Who logged in before is not logged in.
	epoch uint64
}

// worker is a session with a device. Its card is nil for one in a reader.
type worker struct {
	*hsm.HSM
	card *device.Embedded
}

func (w *worker) close() {
	w.HSM.Close()
	if w.card != nil {
		w.card.Close()
	}
}

func connectEmbedded(home device.Home, name string) (*worker, error) {
	card, err := home.OpenCard(name, "PKCS#11", nil)
	if err != nil {
		return nil, err
	}
	h, err := hsm.Open(link.Direct(card))
	if err != nil {
		return nil, errors.Join(err, card.Close())
	}
	return &worker{h, card}, nil
}

func connectReader(home device.Home, name string) (*worker, error) {
	conn, err := home.Open(name)
	if err != nil {
		return nil, err
	}
	h, err := hsm.Open(conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &worker{h, nil}, nil
}

// newDevice opens a device for the first time.
func newDevice(connect func() (*worker, error)) (*openDevice, error) {
	first, err := connect()
	if err != nil {
		return nil, err
	}
	d := &openDevice{connect: connect, first: first}
	if d.serial, err = first.Serial(); err != nil {
		first.close()
		return nil, err
	}
	d.workers = make(chan *worker, d.count())
	d.fill()
	return d, nil
}

// count is how many workers there are at most.
func (d *openDevice) count() int {
	if d.first.card == nil {
		return 1
	}
	return max(2, runtime.GOMAXPROCS(0))
}

// fill puts the first worker into the queue, and places for those to come.
func (d *openDevice) fill() {
	d.workers <- d.first
	for len(d.workers) < cap(d.workers) {
		d.workers <- nil
	}
}

// empty takes all workers out of the queue, and closes those that are not kept. No one
// is using one.
func (d *openDevice) empty(keep *worker) {
	for range cap(d.workers) {
		if w := <-d.workers; w != nil && w != keep {
			w.close()
		}
	}
}

func (d *openDevice) close() {
	d.access.Lock()
	defer d.access.Unlock()
	d.empty(nil)
	d.unlock = nil
	secret.Forget()
}

// use lends a session with the device, in which the user is logged in if the device is
// unlocked. Several may be lent at once.
func (d *openDevice) use(fn func(*hsm.HSM) error) error {
	d.access.RLock()
	defer d.access.RUnlock()
	w := <-d.workers
	defer func() { d.workers <- w }()
	if w == nil {
		more, err := d.more()
		if err != nil {
			return err
		}
		w = more
	}
	return fn(w.HSM)
}

// more is another worker, logged in as the first.
func (d *openDevice) more() (*worker, error) {
	w, err := d.connect()
	if err == nil && d.unlock != nil {
		if err = w.card.LogInAs(d.first.card.Card); err != nil {
			w.close()
		}
	}
	return w, err
}

// alone runs fn while no one uses the device, with its first session.
func (d *openDevice) alone(fn func(*hsm.HSM) error) error {
	d.access.Lock()
	defer d.access.Unlock()
	return fn(d.first.HSM)
}

// logIn compares the user PIN, unless the device is unlocked already and the PIN is
// known to be the one that did it. A wrong PIN costs a try, and ends no login of
// others but on a card in a reader.
func (d *openDevice) logIn(pin secret.Bytes) error {
	d.access.Lock()
	defer d.access.Unlock()
	if d.stillUnlocked() && d.unlock.opens(pin) {
		return nil
	}
	w := d.first
	if w.card != nil {
		var err error
		if w, err = d.connect(); err != nil {
			return err
		}
	}
	if err := w.Login(wire.UserPIN, pin); err != nil {
		if w.card != nil {
			w.close()
		} else {
			d.forget()
		}
		return err
	}
	d.empty(w)
	d.first, d.unlock = w, newUnlock(pin)
	d.fill()
	return nil
}

// stillUnlocked says whether the login holds: another process may have set another PIN,
// or a card was reset.
func (d *openDevice) stillUnlocked() bool {
	if d.unlock == nil {
		return false
	}
	s, err := d.first.Status()
	if err == nil && s.User.Verified {
		return true
	}
	d.forget()
	return false
}

// forget takes note that the user is not logged in any more.
func (d *openDevice) forget() {
	if d.unlock != nil {
		d.unlock, d.epoch = nil, d.epoch+1
	}
}

// lock ends the user's login, for all.
func (d *openDevice) lock() error {
	d.access.Lock()
	defer d.access.Unlock()
	d.empty(d.first)
	defer d.fill()
	d.unlock = nil
	err := d.first.Logout()
	secret.Forget()
	return err
}

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

// refused says whether an error is the card's refusal for want of a login.
func refused(err error) bool { return errors.Is(err, apdu.SecurityNotSatisfied) }
