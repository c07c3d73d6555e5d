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
	"context"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"time"

	"conclave/device"
	"conclave/link/pcsc"
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
	lookout    pcsc.Lookout
	generation atomic.Uint64
	after      timer
	owner      owner // of provisional keys

	mu    sync.Mutex
	slots map[SlotID]*slot // also those that are gone, for their sessions
}

// timer is time.AfterFunc, with the timer's Stop.
type timer func(time.Duration, func()) (stop func() bool)

// New is the library of a home.
func New(home device.Home) *Library {
	after := func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	l := &Library{home: home, slots: map[SlotID]*slot{}, after: after}
	// What was known of an earlier process is not taken for this one's.
	l.generation.Store(uint64(time.Now().UnixNano()))
	return l
}

// Generation is a greater number after everything that slots and objects tell has
// changed, as far as the library has noticed: Slots, and each use of a device, look.
func (l *Library) Generation() uint64 { return l.generation.Load() }

func (l *Library) changed() uint64 { return l.generation.Add(1) }

// Slots are the slots that there are now: embedded devices by their names, then
// readers.
func (l *Library) Slots() ([]SlotInfo, error) {
	slots, err := l.arrange()
	if err != nil {
		return nil, err
	}
	infos := make([]SlotInfo, len(slots))
	for i, s := range slots {
		infos[i] = s.look()
	}
	return infos, nil
}

// arrange makes slots for what is new, and closes those of what is gone.
func (l *Library) arrange() (slots []*slot, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	names, err := l.home.List()
	if err != nil {
		return nil, err
	}
	there := map[*slot]bool{}
	for _, name := range names {
		s := l.named(name, false)
		there[s], slots = true, append(slots, s)
	}
	readers, _ := l.lookout.Look() // without PC/SC there are none
	for _, r := range readers {
		s := l.named("pcsc:"+r.Name, true)
		there[s], slots = true, append(slots, s)
		s.notice(r)
	}
	for _, s := range l.slots {
		s.list(there[s])
	}
	return slots, nil
}

// named gives the slot of a name, and makes it if there is none. Where another one has
// its number, it takes the next.
func (l *Library) named(name string, reader bool) *slot {
	for id := slotID(name); ; id++ {
		s := l.slots[id]
		if s == nil {
			s = &slot{id: id, name: name, reader: reader, library: l}
			l.slots[id] = s
		}
		if s.name == name {
			return s
		}
	}
}

// slot finds a slot, also one that came since Slots was called.
func (l *Library) slot(id SlotID) (*slot, error) {
	if s := l.listed(id); s != nil {
		return s, nil
	}
	if _, err := l.arrange(); err != nil {
		return nil, err
	}
	if s := l.listed(id); s != nil {
		return s, nil
	}
	return nil, cryptoki.SlotIDInvalid
}

func (l *Library) listed(id SlotID) *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.slots[id]; s != nil && s.isListed() {
		return s
	}
	return nil
}

// lookAgain is how long Wait waits between two looks.
const lookAgain = 250 * time.Millisecond

// Wait waits for a token that comes or goes, since the library had a generation, and
// gives its slot. The error is that of ctx if it ends first.
func (l *Library) Wait(ctx context.Context, known uint64) (SlotID, error) {
	for {
		if _, err := l.Slots(); err != nil {
			return 0, err
		}
		if id, happened := l.happened(known); happened {
			return id, nil
		}
		again := make(chan struct{})
		stop := l.after(lookAgain, func() { close(again) })
		select {
		case <-again:
		case <-ctx.Done():
			stop()
			return 0, ctx.Err()
		}
	}
}

// happened gives the slot whose token came or went first since a generation.
func (l *Library) happened(known uint64) (id SlotID, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := ^uint64(0)
	for _, s := range l.slots {
		if at := s.happened.Load(); at > known && at < first {
			id, first, found = s.id, at, true
		}
	}
	return id, found
}

// Close closes all devices, with the logins on them.
func (l *Library) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.slots {
		s.list(false)
	}
	clear(l.slots)
	l.lookout.Close()
	l.owner.close(l.home)
}
