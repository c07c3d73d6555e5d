//go:build linux

package agent

import (
	"sync"
	"time"

	"conclave/token"
	"conclave/token/cryptoki"
)

// Flags of slots (PKCS #11 3.2, CK_SLOT_INFO).
const (
	flagTokenPresent    cryptoki.Flags = 1
	flagRemovableDevice cryptoki.Flags = 2
	flagHardwareSlot    cryptoki.Flags = 4
)

// slotList is what is known of slots, and since when.
type slotList struct {
	library *token.Library

	mu     sync.Mutex
	looked time.Time
	tokens map[token.SlotID]string // serial numbers
	events map[token.SlotID]uint64 // generations at which a token came or went
}

// look gives the slots as they are now, and a generation that what they tell is not
// older than.
func (l *slotList) look() (slots []token.SlotInfo, generation uint64, err error) {
	for range 3 { // what has changed is noticed by looking
		generation = l.library.Generation()
		if slots, err = l.library.Slots(); err != nil || l.library.Generation() == generation {
			break
		}
	}
	if err == nil {
		l.note(slots, generation)
	}
	return slots, generation, err
}

// note takes down which tokens have come or gone.
func (l *slotList) note(slots []token.SlotInfo, generation uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tokens := map[token.SlotID]string{}
	for _, s := range slots {
		if s.Token != nil {
			tokens[s.ID] = s.Token.Serial
		}
	}
	for id, serial := range tokens {
		if l.tokens[id] != serial {
			l.events[id] = generation
		}
	}
	for id := range l.tokens {
		if _, there := tokens[id]; !there {
			l.events[id] = generation
		}
	}
	l.tokens = tokens
}

// eventSince gives a slot in which something has happened after a generation.
func (l *slotList) eventSince(known uint64) (slot token.SlotID, happened bool) {
	if l.due() {
		l.look()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, generation := range l.events {
		if generation > known {
			return id, true
		}
	}
	return 0, false
}

// due says whether it is time to look again: a few times a second, however many ask.
func (l *slotList) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	due := time.Since(l.looked) > lookAgain*3/4
	if due {
		l.looked = time.Now()
	}
	return due
}

func (x *exchange) slots() error {
	known := x.in.number()
	if err := x.in.done(); err != nil {
		return err
	}
	slots, generation, err := x.client.server.slots.look()
	if err != nil || generation == known {
		return err
	}
	x.out.number(generation)
	x.out.number(uint64(len(slots)))
	for _, s := range slots {
		x.out.slot(s)
	}
	return nil
}

// How long WAIT waits, and how often it looks.
const (
	waitFor   = time.Second
	lookAgain = 200 * time.Millisecond
)

func (x *exchange) wait() error {
	known := x.in.number()
	if err := x.in.done(); err != nil {
		return err
	}
	server, none := x.client.server, ^token.SlotID(0)
	for until := time.Now().Add(waitFor); ; {
		slot, happened := server.slots.eventSince(known)
		if !happened {
			slot = none
		}
		if happened || time.Now().After(until) || server.stopsWithin(lookAgain) {
			x.out.number(uint64(slot))
			return nil
		}
	}
}

// slot writes a slot with its token and its mechanisms.
func (w *writer) slot(s token.SlotInfo) {
	w.number(uint64(s.ID))
	w.slotInfo(s)
	if s.Token == nil {
		w.bytes = append(w.bytes, make([]byte, tokenInfoBytes)...)
		w.number(0)
		return
	}
	w.tokenInfo(s.Token)
	mechanisms := token.Mechanisms()
	w.number(uint64(len(mechanisms)))
	for _, m := range mechanisms {
		for _, n := range []uint64{uint64(m.Type), m.MinBits, m.MaxBits, uint64(m.Flags), uint64(m.KeyType)} {
			w.number(n)
		}
	}
}

// tokenInfoBytes is the size of CK_TOKEN_INFO.
const tokenInfoBytes = 208

// slotInfo writes CK_SLOT_INFO.
func (w *writer) slotInfo(s token.SlotInfo) {
	var flags cryptoki.Flags
	if s.Token != nil {
		flags |= flagTokenPresent
	}
	if s.Removable {
		flags |= flagRemovableDevice | flagHardwareSlot
	}
	w.padded(s.Description, 64)
	w.padded(s.Manufacturer, 32)
	w.number(uint64(flags))
	w.bytes = append(w.bytes, 0, 0, 0, 0) // versions: none is known
	w.bytes = append(w.bytes, 0, 0, 0, 0) // to the next multiple of 8
}

// tokenInfo writes CK_TOKEN_INFO.
func (w *writer) tokenInfo(t *token.TokenInfo) {
	const infinite, unavailable = 0, cryptoki.Unavailable
	w.padded(t.Label, 32)
	w.padded(t.Manufacturer, 32)
	w.padded(t.Model, 16)
	w.padded(t.Serial, 16)
	w.number(uint64(t.Flags))
	sessions, pins, memory := []uint64{infinite, 0, infinite, 0}, []uint64{uint64(t.MaxPIN), uint64(t.MinPIN)}, unavailable
	for _, n := range append(append(sessions, pins...), memory, memory, memory, memory) {
		w.number(n)
	}
	w.bytes = append(append(w.bytes, t.Hardware[:]...), t.Firmware[:]...)
	w.padded("", 16) // the time
	w.bytes = append(w.bytes, 0, 0, 0, 0)
}
