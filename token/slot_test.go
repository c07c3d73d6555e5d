package token

import (
	"context"
	"os"
	"testing"
	"time"

	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// guess tries wrong PINs as another process does.
func (d *desk) guess(name string) {
	d.other(name, func(h *hsm.HSM) error {
		h.Login(wire.UserPIN, secret.Bytes("000000"))
		return nil
	})
}

// TestTokensAreAskedWhenTheyChange, by whichever process, and only then.
func TestTokensAreAskedWhenTheyChange(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	flags := func() cryptoki.Flags { return d.info(id).Token.Flags }
	if f := flags(); f&cryptoki.UserPINCountLow != 0 {
		t.Fatalf("flags %X", f)
	}
	s, err := d.library.slot(id)
	if err != nil {
		t.Fatal(err)
	}
	before := d.library.Generation()
	if flags(); d.library.Generation() != before {
		t.Error("the generation moves where nothing has changed")
	}
	d.guess("default") // while it is open here
	if f := flags(); f&cryptoki.UserPINCountLow == 0 || d.library.Generation() == before {
		t.Errorf("flags %X after a wrong PIN, generation from %d to %d", f, before, d.library.Generation())
	}
	d.pass(idleTime)
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(deviceFile(d.home, "default"), long, long); err != nil {
		t.Fatal(err)
	}
	flags()
	d.pass(idleTime)
	for range 3 {
		if flags(); s.device.Load() != nil {
			t.Fatal("a device that has not changed was opened")
		}
	}
	before = d.library.Generation()
	d.guess("default") // while it is closed here
	if f := flags(); f&cryptoki.UserPINFinalTry == 0 || d.library.Generation() == before {
		t.Errorf("flags %X after two wrong PINs, generation from %d to %d", f, before, d.library.Generation())
	}
}

// TestSlots come and go with embedded devices, and have the same number each time.
func TestSlots(t *testing.T) {
	d := newDesk(t)
	before := d.library.Generation()
	a, b := d.make("a", "", 0), d.make("b", "", 0)
	slots, err := d.library.Slots()
	if err != nil || len(slots) != 2 || slots[0].ID != a || slots[1].ID != b || slots[0].Description != "a" || slots[0].Removable {
		t.Fatalf("slots %+v, %v", slots, err)
	}
	if id, err := d.library.Wait(t.Context(), before); err != nil || id != a && id != b {
		t.Errorf("waiting gave %d, %v", id, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.library.Wait(ended, d.library.Generation()); err == nil {
		t.Error("something has happened")
	}
	before = d.library.Generation()
	d.pass(idleTime)
	if err := d.home.Delete("a"); err != nil {
		t.Fatal(err)
	}
	if id, err := d.library.Wait(t.Context(), before); err != nil || id != a {
		t.Errorf("waiting gave %d, %v; %d was expected", id, err, a)
	}
	if slots, err := d.library.Slots(); err != nil || len(slots) != 1 || slots[0].ID != b {
		t.Errorf("slots %+v, %v", slots, err)
	}
	if now := New(d.home).Generation(); now <= d.library.Generation() {
		t.Errorf("another process has generation %d after %d", now, d.library.Generation())
	}
}

// TestSlotsOfOneNumber: two names that give the same number are two slots.
func TestSlotsOfOneNumber(t *testing.T) {
	l := newDesk(t).library
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.named("one", false)
	l.slots[slotID("two")] = one
	two := l.named("two", false)
	if two == one || two.id != slotID("two")+1 || l.named("two", false) != two {
		t.Errorf("slots %d and %d", one.id, two.id)
	}
}
