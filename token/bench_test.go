package token

import (
	"fmt"
	"testing"

	"conclave/hsm"
)

// BenchmarkSlots lists ten tokens in which nothing has changed.
func BenchmarkSlots(b *testing.B) {
	d := newDesk(b)
	for i := range 10 {
		d.make(fmt.Sprint("device-", i), "root", 0)
	}
	for _, state := range []string{"open", "closed"} {
		d.info(slotID("device-0"))
		if state == "closed" {
			d.pass(idleTime)
		}
		b.Run(state, func(b *testing.B) {
			for b.Loop() {
				if _, err := d.library.Slots(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUse is what comes on top of each command of the user.
func BenchmarkUse(b *testing.B) {
	d := newDesk(b)
	s := d.session(d.make("default", "root", 0))
	if err := s.logIn(userPIN); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.asUser(func(*hsm.HSM) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLogin opens a session, logs in and out, and closes it, at the usual cost of
// PINs: it is paid once.
func BenchmarkLogin(b *testing.B) {
	d := newDesk(b)
	id := d.make("default", "root", 0)
	a := d.library.Application()
	defer a.Close()
	for number := uint64(1); b.Loop(); number++ {
		s, err := a.Session(number, id, true)
		if err == nil {
			err = s.logIn(userPIN)
		}
		if err == nil {
			err = s.Logout()
		}
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
