package token

import (
	"context"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"conclave/hsm"
	"conclave/internal/pcscdtest"
	"conclave/internal/secret"
	"conclave/link"
	"conclave/link/pcsc"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// TestCardsComeAndGo: sessions with a card that was taken out are over, also when it
// is back.
func TestCardsComeAndGo(t *testing.T) {
	pcscdtest.Start(t)
	d := newDesk(t)
	d.make("default", "root", 0)
	if i := d.info(readerSlot); i.Token != nil || !i.Removable || i.Description != pcscdtest.Reader {
		t.Fatalf("an empty reader tells %+v", i)
	}
	a := d.library.Application()
	defer a.Close()
	_, err := a.Session(1, readerSlot, true)
	d.want("a session with an empty reader", err, cryptoki.TokenNotPresent)

	for round := range uint64(2) {
		before := d.library.Generation()
		remove := d.insert("default")
		if id, err := d.library.Wait(t.Context(), before); err != nil || id != readerSlot {
			t.Errorf("waiting gave slot %d, %v", id, err)
		}
		s, err := a.Session(10+round, readerSlot, true)
		d.want("a session", err, cryptoki.OK)
		d.want("a login", s.logIn(userPIN), cryptoki.OK)
		d.want("a use", use(s), cryptoki.OK)
		remove()
		d.want("a use of a card that was taken out", use(s), cryptoki.DeviceRemoved)
		_, err = a.Session(10+round, readerSlot, true)
		d.want("its session", err, cryptoki.DeviceRemoved)
		_, err = a.Session(20+round, readerSlot, true)
		d.want("another session", err, cryptoki.TokenNotPresent)
		if i := d.info(readerSlot); i.Token != nil {
			t.Errorf("an empty reader tells %+v", i)
		}
	}
	_, err = a.Session(10, readerSlot, true)
	d.want("the first session", err, cryptoki.DeviceRemoved)
}

// TestCardExchanged between two looks.
func TestCardExchanged(t *testing.T) {
	pcscdtest.Start(t)
	d := newDesk(t)
	d.make("one", "one", 0)
	d.make("two", "two", 0)
	remove := d.insert("one")
	s := d.session(readerSlot)
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
	remove()
	d.insert("two")
	if i := d.info(readerSlot).Token; i == nil || i.Label != "two (UserPIN)" {
		t.Errorf("it tells %+v", i)
	}
	if err := use(s); err == nil {
		t.Error("the other card was used in the session of the first")
	}
	_, err := s.application.Session(1, readerSlot, true)
	d.want("the session", err, cryptoki.DeviceRemoved)
	s, err = s.application.Session(2, readerSlot, true)
	d.want("a session", err, cryptoki.OK)
	d.want("a use", use(s), cryptoki.UserNotLoggedIn)
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
}

// TestServiceRestarts: without pcscd there are no readers, and embedded devices all the
// same.
func TestServiceRestarts(t *testing.T) {
	d := newDesk(t)
	d.make("default", "root", 0)
	if slots, err := d.library.Slots(); err != nil || len(slots) != 1 {
		t.Errorf("without pcscd: %v, %v", slots, err)
	}
	daemon := pcscdtest.Start(t)
	d.insert("default")
	s := d.session(readerSlot)
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
	daemon.Stop(t)
	d.want("a use without pcscd", use(s), cryptoki.DeviceRemoved)
	if slots, err := d.library.Slots(); err != nil || len(slots) != 1 {
		t.Errorf("without pcscd: %v, %v", slots, err)
	}
	daemon.Restart(t)
	d.awaitCard(true)
	_, err := s.application.Session(1, readerSlot, true)
	d.want("the session", err, cryptoki.DeviceRemoved)
	s, err = s.application.Session(2, readerSlot, true)
	d.want("another session", err, cryptoki.OK)
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
	d.want("a use", use(s), cryptoki.OK)
}

// TestOpenSCBesideUs uses the same card at once: what it resets ends logins, and gives
// no wrong answer.
func TestOpenSCBesideUs(t *testing.T) {
	module := openSC(t)
	pcscdtest.Start(t)
	d := newDesk(t)
	d.make("default", "root", 0)
	d.insert("default")
	a, b := d.session(readerSlot), d.session(readerSlot)
	ended := 0
	for range 5 {
		d.want("a login", a.logIn(userPIN), cryptoki.OK)
		d.want("another login", b.logIn(userPIN), cryptoki.OK)
		out, err := exec.Command("pkcs11-tool", "--module", module, "--login", "--pin", userPIN, "-O").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if _, err := a.Random(16); err != nil { // which needs no login
			t.Errorf("random numbers: %v", err)
		}
		if err := use(a); err != nil {
			d.want("a use", err, cryptoki.UserNotLoggedIn)
			d.want("a use by the other application", use(b), cryptoki.UserNotLoggedIn)
			ended++
		}
		a.Logout()
		b.Logout()
	}
	if ended == 0 {
		t.Error("OpenSC has reset nothing: this test looks for the wrong thing")
	}
	if user, _ := d.tries("default"); user != 3 {
		t.Errorf("%d tries are left", user)
	}
}

// TestWrongPINInReader ends the logins of all, as the card has it, and costs one try.
func TestWrongPINInReader(t *testing.T) {
	pcscdtest.Start(t)
	d := newDesk(t)
	d.make("default", "root", 0)
	d.insert("default")
	a, b := d.session(readerSlot), d.session(readerSlot)
	d.want("a login", a.logIn(userPIN), cryptoki.OK)
	d.want("a wrong PIN", b.logIn("000000"), cryptoki.PINIncorrect)
	d.want("a use", use(a), cryptoki.UserNotLoggedIn)
	if user, _ := d.tries("default"); user != 2 {
		t.Errorf("%d tries are left", user)
	}
	d.want("a login", a.logIn(userPIN), cryptoki.OK)
	d.want("another login", b.logIn(userPIN), cryptoki.OK)
	a.application.Close()
	d.want("a use", use(b), cryptoki.OK)
	device := b.slot.device.Load()
	b.application.Close()
	d.pass(unlockedTime)
	if err := device.use(func(h *hsm.HSM) error {
		s, err := h.Status()
		if s.User.Verified {
			t.Error("the card is unlocked after the last logout")
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestOfficerInReader does what it does with embedded devices.
func TestOfficerInReader(t *testing.T) {
	pcscdtest.Start(t)
	d := newDesk(t)
	d.make("default", "root", 0)
	d.insert("default")
	user, officer := d.session(readerSlot), d.session(readerSlot)
	d.want("a login", user.logIn(userPIN), cryptoki.OK)
	d.want("a wrong SO-PIN", officer.officer("0000000000000000"), cryptoki.PINIncorrect)
	d.want("the SO-PIN", officer.officer(soPIN), cryptoki.OK)
	d.want("InitPIN", officer.initPIN("135790"), cryptoki.OK)
	d.want("a use", use(user), cryptoki.UserNotLoggedIn)
	d.want("a login", user.logIn("135790"), cryptoki.OK)
	d.want("SetPIN", user.setPIN("135790", "246802"), cryptoki.OK)
	d.want("a use", use(user), cryptoki.OK)
	d.want("SetPIN of the SO-PIN", officer.setPIN(soPIN, "0123456789abcdef"), cryptoki.OK)
	user.application.Close()
	officer.application.Close()
	a := d.library.Application()
	d.want("InitToken", a.InitToken(readerSlot, secret.Bytes("0123456789abcdef"), "new"), cryptoki.OK)
	if i := d.info(readerSlot).Token; i.Label != "new (UserPIN)" {
		t.Errorf("it tells %+v", i)
	}
	s := d.session(readerSlot)
	d.want("the SO-PIN", s.officer("0123456789abcdef"), cryptoki.OK)
	d.want("InitPIN", s.initPIN(userPIN), cryptoki.OK)
	d.want("a logout", s.Logout(), cryptoki.OK)
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
}

// inReader opens the card in the reader as another process does.
func inReader(t *testing.T) *hsm.HSM {
	t.Helper()
	conn, err := pcsc.Open(pcscdtest.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// TestCardsAreLeftToOthers: who has only looked ends no login of another process, and
// who has logged in leaves none behind.
func TestCardsAreLeftToOthers(t *testing.T) {
	pcscdtest.Start(t)
	d := newDesk(t)
	d.make("default", "root", 0)
	d.insert("default")
	d.info(readerSlot)
	h := inReader(t)
	if err := h.Login(wire.UserPIN, secret.Bytes(userPIN)); err != nil {
		t.Fatal(err)
	}
	d.library.Close()
	if s, err := h.Status(); err != nil || !s.User.Verified {
		t.Errorf("another process was logged out: %+v, %v", s.User, err)
	}
	if err := h.Logout(); err != nil {
		t.Fatal(err)
	}
	s := d.session(readerSlot)
	d.want("the SO-PIN", s.officer(soPIN), cryptoki.OK)
	d.want("a logout", s.Logout(), cryptoki.OK)
	if s, err := h.Status(); err != nil || s.SO.Verified {
		t.Errorf("the officer is logged in still: %+v, %v", s.SO, err)
	}
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
	d.library.Close()
	if s, err := h.Status(); err != nil || s.User.Verified {
		t.Errorf("the user is logged in still: %+v, %v", s.User, err)
	}
}

// TestOpenSCInitialisedToken: what OpenSC's module makes of a token we tell, and what
// ours makes it tells.
func TestOpenSCInitialisedToken(t *testing.T) {
	module := openSC(t)
	pcscdtest.Start(t)
	d := newDesk(t)
	d.make("default", "root", 0)
	d.insert("default")
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("pkcs11-tool", append([]string{"--module", module}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("pkcs11-tool %s: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("--init-token", "--label", "of OpenSC", "--so-pin", soPIN)
	run("--init-pin", "--so-pin", soPIN, "--login", "--login-type", "so", "--pin", "135790")
	if i := d.info(slotID("default")).Token; i.Label != "of OpenSC (UserPIN)" {
		t.Errorf("it tells %+v", i)
	}
	s := d.session(slotID("default"))
	d.want("a login", s.logIn("135790"), cryptoki.OK)
	a := s.application
	s.Close()
	a.CloseSessions(slotID("default"))
	d.want("InitToken", a.InitToken(slotID("default"), secret.Bytes(soPIN), "of ours"), cryptoki.OK)
	s, err := a.Session(2, slotID("default"), true)
	d.want("a session", err, cryptoki.OK)
	d.want("the SO-PIN", s.officer(soPIN), cryptoki.OK)
	d.want("InitPIN", s.initPIN("246802"), cryptoki.OK)
	if out := run("-L"); !strings.Contains(out, "of ours (UserPIN)") {
		t.Errorf("OpenSC shows\n%s", out)
	}
	run("--login", "--pin", "246802", "-O")
}

// otherCard refuses the applet, and counts who asks.
type otherCard struct{ selections atomic.Int32 }

func (c *otherCard) Transmit([]byte) ([]byte, error) {
	c.selections.Add(1)
	return []byte{0x6A, 0x82}, nil
}

func (c *otherCard) Reset() error { return nil }

// TestOtherCards are no tokens, and are left alone once that is known.
func TestOtherCards(t *testing.T) {
	pcscdtest.Start(t)
	d := newDesk(t)
	card := new(otherCard)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		link.Keep(ctx, link.TCP(pcscdtest.VPCD), card, wire.ATR(), func(link.State, error) {})
	}()
	defer func() { cancel(); <-done }()
	d.awaitCard(true)
	for range 3 {
		if i := d.info(readerSlot); i.Token != nil {
			t.Errorf("it tells %+v", i.Token)
		}
	}
	if n := card.selections.Load(); n != 1 {
		t.Errorf("the applet was selected %d times", n)
	}
}
