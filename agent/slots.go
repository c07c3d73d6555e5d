//go:build linux

package agent

import (
	"context"
	"time"

	"conclave/token"
	"conclave/token/cryptoki"
)

// look gives the slots as they are now, and a generation that what they tell is not
// older than.
func (s *server) look() (slots []token.SlotInfo, generation uint64, err error) {
	for range 3 { // what has changed is noticed by looking
		generation = s.library.Generation()
		if slots, err = s.library.Slots(); err != nil || s.library.Generation() == generation {
			break
		}
	}
	return slots, generation, err
}

func (x *exchange) slots() error {
	known := x.in.number()
	if err := x.in.done(); err != nil {
		return err
	}
	slots, generation, err := x.client.server.look()
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

// waitFor is how long WAIT waits.
const waitFor = time.Second

func (x *exchange) wait() error {
	known := x.in.number()
	if err := x.in.done(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(x.client.server.ctx, waitFor)
	defer cancel()
	slot, err := x.client.server.library.Wait(ctx, known)
	if err != nil && ctx.Err() != nil {
		slot, err = ^token.SlotID(0), nil
	}
	x.out.number(uint64(slot))
	return err
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
		flags |= cryptoki.SlotTokenPresent
	}
	if s.Removable {
		flags |= cryptoki.SlotRemovable | cryptoki.SlotHardware
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
