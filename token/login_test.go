package token

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"

	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// TestLoginsAreCounted: a device is unlocked as long as any application is logged in,
// and for a while after; then it is locked, and closed.
func TestLoginsAreCounted(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	a, b := d.session(id), d.session(id)
	d.want("a use before the login", use(a), cryptoki.UserNotLoggedIn)
	d.want("a login", a.logIn(userPIN), cryptoki.OK)
	d.want("a use by another application", use(b), cryptoki.UserNotLoggedIn)
	d.want("a login by another application", b.logIn(userPIN), cryptoki.OK)
	d.want("a second login", b.logIn(userPIN), cryptoki.UserAlreadyLoggedIn)
	d.want("a login of the officer beside it", b.Login(cryptoki.SecurityOfficer, secret.Bytes(soPIN)), cryptoki.UserAnotherAlreadyLoggedIn)
	d.want("a logout", a.Logout(), cryptoki.OK)
	d.want("a second logout", a.Logout(), cryptoki.UserNotLoggedIn)
	d.want("a use after a logout", use(a), cryptoki.UserNotLoggedIn)
	d.pass(unlockedTime)
	d.want("a use by who has not logged out", use(b), cryptoki.OK)

	device := a.slot.device.Load()
	first := device.first
	b.application.Close()
	d.want("a login after the last logout", a.logIn(userPIN), cryptoki.OK)
	if device.first != first {
		t.Error("the PIN was compared once more, and the device was unlocked")
	}
	if n := len(d.timers[unlockedTime]); n != 0 {
		t.Errorf("%d timers are set while someone is logged in", n)
	}
	d.want("a use", use(a), cryptoki.OK)
	d.want("a logout", a.Logout(), cryptoki.OK)
	d.pass(unlockedTime)
	if !device.isLocked() || len(device.idle) > 0 {
		t.Errorf("it stays unlocked, with %d sessions", len(device.idle))
	}
	if err := a.slot.use(func(h *hsm.HSM) error {
		s, err := h.Status()
		if s.User.Verified {
			t.Error("the user is logged in on the device")
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestLoginsAfterAWrongPINAreCountedOnce: the device compares the PIN again then, though
// it is unlocked for others.
func TestLoginsAfterAWrongPINAreCountedOnce(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	a, b := d.session(id), d.session(id)
	d.want("a login", a.logIn(userPIN), cryptoki.OK)
	d.want("a wrong PIN", b.logIn("000000"), cryptoki.PINIncorrect)
	d.want("a login by another application", b.logIn(userPIN), cryptoki.OK)
	for _, s := range []*Session{a, b} {
		d.want("a logout", s.Logout(), cryptoki.OK)
	}
	d.pass(unlockedTime)
	if !a.slot.device.Load().isLocked() {
		t.Error("it stays unlocked after the last logout")
	}
}

// TestDevicesThatNoOneUsesAreClosed, and can be deleted by another process. What they
// tell is known all the same.
func TestDevicesThatNoOneUsesAreClosed(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	before := d.info(id)
	d.pass(idleTime)
	s := d.session(id)
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
	d.pass(idleTime)
	if s.slot.device.Load() == nil {
		t.Fatal("a device was closed under a session")
	}
	s.Close()
	d.pass(idleTime)
	if s.slot.device.Load() == nil {
		t.Fatal("a device was closed under a login") // the program may have other sessions
	}
	s.application.Close()
	d.pass(unlockedTime)
	d.pass(idleTime)
	if s.slot.device.Load() != nil {
		t.Fatal("a device that no one uses is open")
	}
	if after := d.info(id); *after.Token != *before.Token {
		t.Errorf("it told %+v, and now %+v", before.Token, after.Token)
	}
	d.pass(idleTime)
	if err := d.home.Delete("default"); err != nil {
		t.Errorf("it cannot be deleted: %v", err)
	}
	slots, err := d.library.Slots()
	if err != nil || len(slots) != 0 {
		t.Errorf("slots %v, %v; none was expected", slots, err)
	}
	_, err = d.library.Application().Session(1, id, true)
	d.want("a session with what was deleted", err, cryptoki.SlotIDInvalid)
}

// TestWrongPINs cost a try as they do at the card, and end no login of others.
func TestWrongPINs(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	a, b := d.session(id), d.session(id)
	d.want("a login", a.logIn(userPIN), cryptoki.OK)
	for _, test := range []struct {
		pin   string
		want  cryptoki.RV
		tries int
	}{
		{"000000", cryptoki.PINIncorrect, 2}, {"64821", cryptoki.PINIncorrect, 1}, {userPIN, cryptoki.OK, 3},
		{"", cryptoki.PINIncorrect, 3}, {"12345678901234567", cryptoki.PINIncorrect, 3},
		{"000000", cryptoki.PINIncorrect, 2}, {"6482190", cryptoki.PINIncorrect, 1}, {"000000", cryptoki.PINLocked, 0},
		{userPIN, cryptoki.PINLocked, 0}, {"000000", cryptoki.PINLocked, 0},
	} {
		before := d.library.Generation()
		d.want("a login with "+test.pin, b.logIn(test.pin), test.want)
		if user, _ := d.tries("default"); user != test.tries {
			t.Errorf("after %q there are %d tries; %d were expected", test.pin, user, test.tries)
		}
		if moved := d.library.Generation() != before; !moved && test.want == cryptoki.PINIncorrect && test.tries < 3 {
			t.Errorf("after %q the generation is the same", test.pin)
		}
		d.want("a use by another application", use(a), cryptoki.OK)
		b.Logout()
	}
	if f := d.info(id).Token.Flags; f&cryptoki.UserPINBlocked == 0 {
		t.Errorf("a blocked PIN is not told: %X", f)
	}
}

// TestTriesAreTheCards: whatever applications do, the tries that are left are those of a
// card that is asked each time.
func TestTriesAreTheCards(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	random := testrun.Random(t)
	sessions := make([]*Session, 4)
	for i := range sessions {
		sessions[i] = d.session(id)
	}
	tries := 3
	for step := range 300 {
		s := sessions[random.IntN(len(sessions))]
		doing := fmt.Sprint("step ", step, ": ")
		switch n := random.IntN(10); {
		case n < 3:
			_, loggedIn := s.application.login(s.slot)
			want := cryptoki.OK
			switch {
			case loggedIn:
				want = cryptoki.UserAlreadyLoggedIn
			case tries == 0:
				want = cryptoki.PINLocked
			default:
				tries = 3
			}
			d.want(doing+"a login", s.logIn(userPIN), want)
		case n < 5 && tries != 1 || tries == 0:
			if _, loggedIn := s.application.login(s.slot); !loggedIn {
				s.logIn("000000")
				tries = max(0, tries-1)
			}
		case n < 8:
			s.Logout()
		case n == 8:
			d.pass(unlockedTime)
		default:
			use(s)
		}
		if user, _ := d.tries("default"); user != tries {
			t.Fatalf("step %d: %d tries are left; a card would have %d", step, user, tries)
		}
	}
}

// TestConcurrentLogins: each wrong PIN costs one try, and no right one is refused.
func TestConcurrentLogins(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	logIn := func(pins ...string) (errs []error) {
		errs = make([]error, len(pins))
		var done sync.WaitGroup
		for i, pin := range pins {
			s := d.session(id)
			done.Go(func() {
				if errs[i] = s.logIn(pin); errs[i] == nil {
					errs[i] = use(s)
				}
				s.application.Close()
			})
		}
		done.Wait()
		return errs
	}
	for range 5 {
		errs := logIn(userPIN, "000000", userPIN, userPIN, "000001", userPIN)
		for i, err := range errs {
			want := cryptoki.OK
			if i == 1 || i == 4 {
				want = cryptoki.PINIncorrect
			}
			d.want(fmt.Sprint("login ", i), err, want)
		}
		logIn(userPIN)
		if user, _ := d.tries("default"); user != 3 {
			t.Fatalf("%d tries are left after a right PIN", user)
		}
	}
	refused := map[error]int{}
	for _, err := range logIn("000000", "000001", "000002", "000003", "000004") {
		refused[err]++
	}
	if refused[cryptoki.PINIncorrect] != 2 || refused[cryptoki.PINLocked] != 3 {
		t.Errorf("five wrong PINs at once gave %v", refused)
	}
	d.want("the right PIN afterwards", logIn(userPIN)[0], cryptoki.PINLocked)
}

// TestAnotherProcessSetsAnotherPIN: the logins of all applications end, and they can
// log in again with that one.
func TestAnotherProcessSetsAnotherPIN(t *testing.T) {
	const pin = "135790"
	for name, change := range map[string]func(*hsm.HSM) error{
		"changed": func(h *hsm.HSM) error { return h.ChangePIN(wire.UserPIN, secret.Bytes(userPIN), secret.Bytes(pin)) },
		"reset":   func(h *hsm.HSM) error { return h.ResetPIN(officerPIN(t), secret.Bytes(pin)) },
		"initialised": func(h *hsm.HSM) error {
			return h.Initialize(wire.UsualInitialization(secret.Bytes(pin), officerPIN(t), wire.NoDKEK), "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			id := d.make("default", "root", 0)
			a, b := d.session(id), d.session(id)
			d.want("a login", a.logIn(userPIN), cryptoki.OK)
			d.want("another login", b.logIn(userPIN), cryptoki.OK)
			held, err := a.slot.device.Load().contents()
			if err != nil {
				t.Fatal(err)
			}
			d.other("default", change)
			if now, err := a.slot.device.Load().contents(); err != nil || now == held {
				t.Errorf("what the device holds looks the same, %v", err)
			}
			d.want("a use", a.asUser(write), cryptoki.UserNotLoggedIn)
			_, loggedIn := b.application.login(b.slot)
			if loggedIn {
				t.Error("the other application is logged in still")
			}
			d.want("a login with the old PIN", a.logIn(userPIN), cryptoki.PINIncorrect)
			d.want("a login with the new PIN", a.logIn(pin), cryptoki.OK)
			d.want("a use", use(a), cryptoki.OK)
			d.want("a use by the other application", use(b), cryptoki.UserNotLoggedIn)
			d.want("a login of the other application", b.logIn(pin), cryptoki.OK)
			d.want("a use", use(b), cryptoki.OK)
			if user, _ := d.tries("default"); user != 3 {
				t.Errorf("%d tries are left", user)
			}
		})
	}
}

// TestPINBlockedByAnotherProcess: as on a card, who is logged in stays so, and no one
// else comes in.
func TestPINBlockedByAnotherProcess(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	a, b := d.session(id), d.session(id)
	d.want("a login", a.logIn(userPIN), cryptoki.OK)
	d.other("default", func(h *hsm.HSM) error {
		for range 3 {
			h.Login(wire.UserPIN, secret.Bytes("000000"))
		}
		return nil
	})
	d.want("a use", use(a), cryptoki.OK)
	d.want("a login with the right PIN", b.logIn(userPIN), cryptoki.PINLocked)
	d.want("a logout", a.Logout(), cryptoki.OK)
	d.want("a login again", a.logIn(userPIN), cryptoki.PINLocked)
}

// TestDeviceReplaced: where another device has the name of one, the sessions with that
// are over.
func TestDeviceReplaced(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	s := d.session(id)
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
	before := d.library.Generation()
	replaced := newDesk(t)
	replaced.make("default", "other", 0)
	d.replaceFile("default", replaced.home)
	if info := d.info(id).Token; info == nil || info.Label != "other (UserPIN)" {
		t.Errorf("it tells %+v", info)
	}
	if id, happened := d.library.happened(before); !happened || id != s.slot.id {
		t.Error("that the token is another one was not noticed")
	}
	_, err := s.application.Session(1, id, true)
	d.want("the session", err, cryptoki.DeviceRemoved)
	s, err = s.application.Session(2, id, true)
	d.want("another session", err, cryptoki.OK)
	d.want("its use", use(s), cryptoki.UserNotLoggedIn)
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
}

// TestSessionsOfDeletedDevices end when the device's file is gone.
func TestSessionsOfDeletedDevices(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	s := d.session(id)
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
	d.removeFiles("default")
	if slots, err := d.library.Slots(); err != nil || len(slots) != 0 {
		t.Errorf("slots %v, %v", slots, err)
	}
	_, err := s.application.Session(1, id, true)
	d.want("the session", err, cryptoki.DeviceRemoved)
	if err := use(s); !errors.Is(err, cryptoki.UserNotLoggedIn) && !errors.Is(err, cryptoki.DeviceRemoved) {
		t.Errorf("a use of it: %v", err)
	}
	if _, err := d.home.Stamp("default"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file came back: %v", err)
	}
}
