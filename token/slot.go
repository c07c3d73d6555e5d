package token

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"conclave/apdu"
	"conclave/device"
	"conclave/hsm"
	"conclave/link/pcsc"
	"conclave/token/cryptoki"
)

// SlotInfo is what a slot tells (CK_SLOT_INFO).
type SlotInfo struct {
	ID           SlotID
	Description  string
	Manufacturer string
	Removable    bool       // a reader
	Token        *TokenInfo // nil if there is none
}

// slot is an embedded device or a reader.
type slot struct {
	id      SlotID
	name    string // as device.Home.Open takes it
	reader  bool
	library *Library

	device   atomic.Pointer[openDevice] // nil without a token, and while it is not used
	token    atomic.Uint64              // another number with each token; 0 for none
	happened atomic.Uint64              // the generation in which a token came or went last

	mu        sync.Mutex // guards the rest
	isThere   bool       // listed, and so not gone
	card      pcsc.ReaderState
	sessions  int    // with the token
	resting   bool   // a time is set for closing the device if it is not used
	complaint string // why the device did not open
	// noPIN says that the token was initialised here, and no user PIN was set since.
	noPIN     bool
	unknown   bool // the card is none that there is a token for
	told      told
	directory *directory // nil until it is read
}

// told is what a slot's token has told, and as of when.
type told struct {
	info     *TokenInfo // nil for none
	contents contents
	stamp    device.Stamp
	settled  bool // whether a change since would show in the stamp
}

// manufacturer of the module.
const manufacturer = "Conclave"

// look tells of the slot and its token, which it asks only if something has changed.
func (s *slot) look() SlotInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	i := SlotInfo{ID: s.id, Description: strings.TrimPrefix(s.name, "pcsc:"), Manufacturer: manufacturer, Removable: s.reader}
	if s.told.info != nil {
		info := *s.told.info
		if s.noPIN {
			info.Flags &^= cryptoki.UserPINInitialized
		}
		i.Token = &info
	}
	return i
}

// isListed says whether the slot is there.
func (s *slot) isListed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isThere
}

// list takes note of whether the slot is there. With a slot its token goes.
func (s *slot) list(there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isThere == there {
		return
	}
	s.isThere = there
	s.library.changed()
	if !there {
		s.remove()
	}
}

// notice takes note of what is in a reader.
func (s *slot) notice(now pcsc.ReaderState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.card != now {
		s.remove()
		s.unknown = false
	}
	s.card = now
}

// remove ends the sessions with the token, which is not there any more.
func (s *slot) remove() {
	if d := s.device.Swap(nil); d != nil {
		d.close()
	}
	if s.token.Swap(0) != 0 {
		s.happened.Store(s.library.changed())
	}
	s.sessions, s.noPIN, s.told, s.directory = 0, false, told{}, nil
}

// refresh brings what the token tells up to date.
func (s *slot) refresh() {
	if s.isEmpty() {
		return
	}
	now, stamp := time.Now(), s.stamp()
	if s.isCurrent(stamp) {
		return
	}
	d, err := s.openNow()
	if err != nil {
		return
	}
	next := told{stamp: stamp, settled: stamp.Before(now)}
	if next.contents, err = d.contents(); err == nil {
		next.info, err = d.tokenInfo()
	}
	s.rest()
	if err != nil {
		s.fail(d, err)
		return
	}
	if s.told.info == nil || *s.told.info != *next.info {
		s.library.changed()
	}
	s.told = next
}

// isEmpty says whether there is no token, as far as can be said without opening it.
func (s *slot) isEmpty() bool { return !s.isThere || s.reader && !s.card.Card || s.unknown }

// stamp is that of an embedded device's file.
func (s *slot) stamp() (stamp device.Stamp) {
	if !s.reader {
		stamp, _ = s.library.home.Stamp(s.name) // without one it does not open either
	}
	return stamp
}

// isCurrent says whether nothing has changed since the token told of itself. Where
// another file has the name of an embedded device, it is another token.
func (s *slot) isCurrent(stamp device.Stamp) bool {
	if s.told.info == nil {
		return false
	}
	if !s.reader && !stamp.SameFile(s.told.stamp) {
		s.remove()
		return false
	}
	if d := s.device.Load(); d != nil {
		now, err := d.contents()
		return err == nil && now == s.told.contents
	}
	return !s.reader && s.told.settled && stamp.Unchanged(s.told.stamp)
}

// openNow gives the slot's device. The error is TokenNotPresent if there is none.
func (s *slot) openNow() (*openDevice, error) {
	if d := s.device.Load(); d != nil {
		return d, nil
	}
	if s.isEmpty() {
		return nil, cryptoki.TokenNotPresent
	}
	connect := connectEmbedded
	if s.reader {
		connect = connectReader
	}
	d, err := newDevice(func() (*worker, error) { return connect(s.library.home, s.name) }, s.library.after, s.unused)
	if err != nil {
		s.unknown = errors.Is(err, hsm.ErrNotSmartCardHSM)
		s.remove()
		s.complain(err)
		return nil, cryptoki.TokenNotPresent
	}
	s.complaint = ""
	if s.token.Load() == 0 {
		now := s.library.changed()
		s.token.Store(now)
		s.happened.Store(now)
	}
	s.device.Store(d)
	return d, nil
}

// complain logs why a device does not open, once.
func (s *slot) complain(err error) {
	if text := err.Error(); text != s.complaint && !gone(err) {
		s.complaint = text
		slog.Warn("a slot has no token", "slot", s.name, "error", err)
	}
}

// hasPIN takes note that the user PIN is one that someone knows.
func (s *slot) hasPIN() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noPIN {
		s.noPIN = false
		s.library.changed()
	}
}

// lacksPIN says whether no one can know the user PIN, unless another process has set it.
func (s *slot) lacksPIN() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.noPIN
}

// fail takes note of an error of a device. The sessions with a token that is gone are
// over; what it is then is another token.
func (s *slot) fail(d *openDevice, err error) bool {
	if gone(err) && s.device.Load() == d {
		s.remove()
	}
	return gone(err)
}

// use lends a session with the slot's device to what needs no login. It is done again
// if another process has reset the card in between.
func (s *slot) use(fn func(*hsm.HSM) error) error {
	d, err := s.open()
	if err != nil {
		return err
	}
	if err = d.use(fn); errors.Is(err, apdu.ErrReset) {
		err = d.use(fn)
	}
	return s.judge(d, err)
}

// judge gives PKCS#11's word for what became of a use of the device.
func (s *slot) judge(d *openDevice, err error) error {
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail(d, err) {
		return cryptoki.DeviceRemoved
	}
	return translate(err)
}

// open gives the slot's device.
func (s *slot) open() (*openDevice, error) {
	if d := s.device.Load(); d != nil {
		return d, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.openNow()
}

// join begins a session with the token, and gives the token's number.
func (s *slot) join() (token uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	if _, err := s.openNow(); err != nil {
		return 0, err
	}
	s.sessions++
	return s.token.Load(), nil
}

// leave ends a session.
func (s *slot) leave(token uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.Load() == token {
		s.sessions--
		s.rest()
	}
}

// idleTime is how long an embedded device stays open that no one uses: it can then be
// deleted by others, and programs that open sessions one after the other do not
// open the device each time.
const idleTime = time.Second

// unused is called when the last login has ended.
func (s *slot) unused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest()
}

// rest closes an embedded device after a while, if no one uses it then. A card in a
// reader stays connected: to select its applet again would end the logins of other
// processes.
func (s *slot) rest() {
	if s.reader || s.sessions > 0 || s.resting {
		return
	}
	s.resting = true
	s.library.after(idleTime, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.resting = false
		if d := s.device.Load(); d != nil && s.sessions == 0 && d.isLocked() {
			s.device.Store(nil)
			d.close()
		}
	})
}
