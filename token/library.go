// Package token is PKCS#11 on devices: slots, sessions, logins, objects and mechanisms,
// as OASIS PKCS #11 Specification Version 3.2 has them, in Go.
//
// Begin with [New], which finds the devices of a home and the cards in readers, and
// [Library.Application] for each program that is served. An Application opens
// sessions; what a session offers has the names of PKCS#11's functions, and its errors
// are cryptoki.RV. Several applications may be served at once: each has logins,
// sessions and session objects of its own, and all have the same tokens.
//
// There is no socket here and no C: package agent serves applications that are other
// processes. Programs in Go that want a key of a device and no PKCS#11 use package
// hsm, whose Signer is a crypto.Signer.
package token

import (
	"hash/crc32"
	"slices"
	"sync"
	"sync/atomic"

	"conclave/device"
	"conclave/token/cryptoki"
)

// SlotID is the number of a slot: the same for a reader, or an embedded device, in
// every process.
type SlotID uint64

// slotID makes the number from the name that device.Home.Open takes. It has 31 bits,
// since some programs keep it in an int.
func slotID(name string) SlotID { return SlotID(crc32.ChecksumIEEE([]byte(name)) >> 1) }

// Library is all slots of a home and of the readers of this computer. It is safe for
// concurrent use.
type Library struct {
	home       device.Home
	readers    func() ([]string, error)
	generation atomic.Uint64

	mu    sync.Mutex
	slots map[SlotID]*slot
}

// New is the library of a home.
func New(home device.Home) *Library {
	l := &Library{home: home, readers: device.Readers, slots: map[SlotID]*slot{}}
	l.generation.Store(1)
	return l
}

// Generation is another number after everything that slots and objects tell has
// changed, as far as the library has noticed: Slots, and each use of a device, look.
func (l *Library) Generation() uint64 { return l.generation.Load() }

func (l *Library) changed() { l.generation.Add(1) }

// Slots are the slots that there are now, by their names.
func (l *Library) Slots() ([]SlotInfo, error) {
	names, err := l.home.List()
	if err != nil {
		return nil, err
	}
	if readers, err := l.readers(); err == nil { // without PC/SC there are none
		names = append(names, readers...)
	}
	infos := make([]SlotInfo, 0, len(names))
	for _, s := range l.arrange(names) {
		infos = append(infos, s.info())
	}
	return infos, nil
}

// arrange makes slots for what is new, and closes those of what is gone.
func (l *Library) arrange(names []string) (slots []*slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, s := range l.slots {
		if !slices.Contains(names, s.name) {
			delete(l.slots, id)
			s.close()
			l.changed()
		}
	}
	for _, name := range names {
		id := slotID(name)
		if l.slots[id] == nil {
			l.slots[id] = &slot{id: id, name: name, library: l}
			l.changed()
		}
		slots = append(slots, l.slots[id])
	}
	return slots
}

// slot finds a slot, also one that came since Slots was called.
func (l *Library) slot(id SlotID) (*slot, error) {
	l.mu.Lock()
	s := l.slots[id]
	l.mu.Unlock()
	if s != nil {
		return s, nil
	}
	if _, err := l.Slots(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s = l.slots[id]; s == nil {
		return nil, cryptoki.SlotIDInvalid
	}
	return s, nil
}

// Close closes all devices, with the logins on them.
func (l *Library) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.slots {
		s.close()
	}
	clear(l.slots)
}
