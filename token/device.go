package token

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"conclave/apdu"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/link"
	"conclave/link/pcsc"
	"conclave/token/cryptoki"
)

// openDevice is the device of a token. One that is embedded is opened several times, so
// that several commands run at once, and its PIN is compared once for all of them; a
// card in a reader is opened once.
type openDevice struct {
	serial   string
	embedded bool
	connect  func() (*worker, error)
	after    timer
	locked   func()        // called when the last login has ended
	places   chan struct{} // as many as sessions may be lent at once

	// comparing is held while a PIN is compared, or another one set.
	comparing sync.Mutex
	// access is held for reading by those who use a worker, and for writing by those who
	// put others in their place.
	access sync.RWMutex
	// epoch is another number when a login has ended that was not ended by a logout:
	// another process has set another PIN, say. Who logged in before is not logged in.
	epoch atomic.Uint64
	// touched counts what may have changed a card in a reader unnoticed.
	touched atomic.Uint64

	observer *observer // nil for a card in a reader

	mu     sync.Mutex // guards the rest
	idle   []*worker
	first  *worker     // as which others are logged in; nil if no user is
	unlock *unlock     // nil if no user is logged in
	users  int         // applications that are
	logins uint64      // how many there were
	tries  int         // of the user PIN, when it was right
	stop   func() bool // the timer that is to lock it; nil for none
	asked  bool        // a PIN was compared on the card in the reader
	closed bool
}

// worker is a session with a device. Its card is nil for one in a reader.
type worker struct {
	*hsm.HSM
	card  *device.Embedded
	leave func() error // ends the connection to a reader, and leaves the card as it is
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
	// The card alone: a signal that waited for a command is no failure of it.
	h, err := hsm.Open(link.Direct(card))
	if err != nil {
		return nil, errors.Join(err, card.Close())
	}
	return &worker{HSM: h, card: card}, nil
}

func connectReader(home device.Home, name string) (*worker, error) {
	conn, err := home.Open(name)
	if err != nil {
		return nil, err
	}
	leave := conn.Close
	if card, ok := conn.(*pcsc.Card); ok {
		leave = card.Leave
	}
	h, err := hsm.Open(conn)
	if err != nil {
		return nil, errors.Join(err, leave())
	}
	return &worker{HSM: h, leave: leave}, nil
}

// newDevice opens a device for the first time.
func newDevice(connect func() (*worker, error), after timer, locked func()) (*openDevice, error) {
	w, err := connect()
	if err != nil {
		return nil, err
	}
	d := &openDevice{connect: connect, after: after, locked: locked, embedded: w.card != nil, places: make(chan struct{}, 1)}
	if d.serial, err = w.Serial(); err != nil {
		w.close()
		return nil, err
	}
	if d.embedded {
		d.observer = &observer{worker: w}
		d.places = make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))
	} else {
		d.idle = []*worker{w}
	}
	return d, nil
}

// observer is a session with an embedded device in which no one ever logs in: so it
// knows how many tries are left, and what others have changed.
type observer struct {
	mu     sync.Mutex
	worker *worker
}

func (o *observer) use(fn func(*worker) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return fn(o.worker)
}

// contents is another value once what a device holds may have changed.
type contents struct {
	device  *openDevice
	version uint64
}

// contents looks whether another process has changed the device, or another session
// here. Of a card in a reader it knows only that another process has used it.
func (d *openDevice) contents() (contents, error) {
	if !d.embedded {
		return contents{d, d.touched.Load()}, nil
	}
	c := contents{device: d}
	err := d.observer.use(func(w *worker) (err error) {
		c.version, err = w.card.Version()
		return err
	})
	return c, err
}

// look asks the device for something that needs no login.
func (d *openDevice) look(fn func(*hsm.HSM) error) error {
	if !d.embedded {
		return d.use(fn)
	}
	return d.observer.use(func(w *worker) error { return fn(w.HSM) })
}

func (d *openDevice) tokenInfo() (info *TokenInfo, err error) {
	err = d.look(func(h *hsm.HSM) error {
		info, err = readTokenInfo(h, d.serial)
		return err
	})
	return info, err
}

// use lends a session with the device, in which the user is logged in if the device is
// unlocked. Several may be lent at once.
func (d *openDevice) use(fn func(*hsm.HSM) error) error {
	d.access.RLock()
	defer d.access.RUnlock()
	d.places <- struct{}{}
	defer func() { <-d.places }()
	w, err := d.take()
	if err != nil {
		return err
	}
	defer d.put(w)
	if err = fn(w.HSM); err != nil {
		d.lapse(w, err)
	}
	return err
}

// take gives the worker that was used last, or one more.
func (d *openDevice) take() (*worker, error) {
	for {
		w, first, err := d.takeIdle()
		if w != nil || err != nil {
			return w, err
		}
		if w, err = d.connect(); err != nil || first == nil {
			return w, err
		}
		if err = w.card.LogInAs(first.card.Card); err == nil {
			return w, nil
		}
		w.close()
		if errors.Is(err, apdu.SecurityNotSatisfied) {
			d.forget()
		} else if d.isFirst(first) {
			return nil, err
		}
	}
}

// takeIdle gives a worker that is open, or the one as which another is to be logged in.
func (d *openDevice) takeIdle() (w, first *worker, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, nil, cryptoki.DeviceRemoved
	}
	if last := len(d.idle) - 1; last >= 0 {
		w, d.idle = d.idle[last], d.idle[:last]
	}
	return w, d.first, nil
}

func (d *openDevice) isFirst(w *worker) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.first == w
}

func (d *openDevice) put(w *worker) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = append(d.idle, w)
}

// replace closes all workers that are not in use, and puts one in their place, or none.
// No one has one in use.
func (d *openDevice) replace(w *worker) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, old := range d.idle {
		if old != w {
			old.close()
		}
	}
	d.idle = nil
	if w != nil {
		d.idle = []*worker{w}
	}
}

func (d *openDevice) close() {
	d.access.Lock()
	defer d.access.Unlock()
	d.mu.Lock()
	wasLocked := d.unlock == nil
	d.closed, d.first, d.unlock = true, nil, nil
	if !d.embedded && !d.asked { // then there is nothing that the card should forget
		for _, w := range d.idle {
			w.leave()
		}
		d.idle = nil
	}
	d.mu.Unlock()
	d.epoch.Add(1)
	d.replace(nil)
	if d.embedded {
		d.observer.worker.close()
	}
	if !wasLocked {
		secret.Forget()
	}
}

// isLocked says whether no user is logged in.
func (d *openDevice) isLocked() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.unlock == nil
}

// lapse looks, after an error, whether the login has ended: by a reset of the card, or
// by another process that has set another PIN, or has initialised the device.
func (d *openDevice) lapse(w *worker, err error) {
	switch {
	case errors.Is(err, apdu.ErrReset):
		d.touched.Add(1)
		w.Logout() // the applet is to be selected again
	case errors.Is(err, apdu.SecurityNotSatisfied):
		if s, err := w.Status(); err == nil && s.User.Verified {
			return // it wants more than a login
		}
	default:
		return
	}
	d.forget()
}

// forget takes note that the user is not logged in any more.
func (d *openDevice) forget() {
	if d.forgotten() {
		secret.Forget()
	}
}

func (d *openDevice) forgotten() (was bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unlock == nil {
		return false
	}
	d.unlock, d.first, d.users = nil, nil, 0
	d.epoch.Add(1)
	if d.embedded {
		for _, w := range d.idle {
			w.close()
		}
		d.idle = nil
	}
	return true
}
