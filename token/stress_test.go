package token

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// TestEverythingAtOnce: applications log in and out and use a device, timers fire, and
// another process sets the PIN anew all the while. No one may see anything but success,
// or that the login is over; and what is left is a device like any other.
func TestEverythingAtOnce(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	random := testrun.Random(t)
	const applications = 6
	things, begin := testrun.Times(60, 600), make(chan struct{})
	var working sync.WaitGroup
	for number := range uint64(applications) {
		r := rand.New(rand.NewPCG(random.Uint64(), number))
		working.Go(func() { d.work(id, r, things, begin) })
	}
	for range applications * things {
		begin <- struct{}{}
		d.other("default", func(h *hsm.HSM) error { // the PIN is the same, and another one to the device
			return h.ChangePIN(wire.UserPIN, secret.Bytes(userPIN), secret.Bytes(userPIN))
		})
		d.pass(unlockedTime)
		d.pass(idleTime)
	}
	working.Wait()
	s := d.session(id)
	d.want("a login afterwards", s.logIn(userPIN), cryptoki.OK)
	d.want("a use", s.asUser(write), cryptoki.OK)
	if user, _ := d.tries("default"); user != 3 {
		t.Errorf("%d tries are left", user)
	}
}

// work is an application that does so many things, each once it may begin.
func (d *desk) work(id SlotID, random *rand.Rand, things int, begin <-chan struct{}) {
	a := d.library.Application()
	defer a.Close()
	may := func(doing string, err error, allowed ...error) {
		if err != nil && !slices.Contains(allowed, err) {
			d.Errorf("%s: %v; %v may be", doing, err, allowed)
		}
	}
	for number := range things {
		<-begin
		s, err := a.Session(uint64(number)+1, id, true)
		if may("a session", err); err != nil {
			continue
		}
		switch random.IntN(6) {
		case 0:
			may("a logout", s.Logout(), cryptoki.UserNotLoggedIn)
		case 1:
			_, err = s.Random(8)
			may("random numbers", err)
		case 2:
			_, err = d.library.Slots()
			may("the slots", err)
		case 3:
			may("a use", s.asUser(write), cryptoki.UserNotLoggedIn)
		default:
			may("a login", s.logIn(userPIN), cryptoki.UserAlreadyLoggedIn)
			may("a use", s.asUser(write), cryptoki.UserNotLoggedIn)
		}
		if random.IntN(2) == 0 {
			s.Close()
		}
	}
}
