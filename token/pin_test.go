package token

import (
	"strings"
	"testing"

	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/token/cryptoki"
	"conclave/wire"
)

func (s *Session) officer(pin string) error {
	return s.Login(cryptoki.SecurityOfficer, secret.Bytes(pin))
}
func (s *Session) initPIN(pin string) error { return s.InitPIN(secret.Bytes(pin)) }
func (s *Session) setPIN(old, pin string) error {
	return s.SetPIN(secret.Bytes(old), secret.Bytes(pin))
}

// TestOfficer resets the user PIN, with a PIN that a wrong one costs a try of.
func TestOfficer(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	user, officer := d.session(id), d.session(id)
	d.want("a user's login", user.logIn(userPIN), cryptoki.OK)
	d.want("InitPIN by no one", officer.initPIN("135790"), cryptoki.UserNotLoggedIn)
	d.want("InitPIN by the user", user.initPIN("135790"), cryptoki.UserNotLoggedIn)
	for _, wrong := range []string{"", "35373632313838", "353736323138383x"} { // none that a device could compare
		d.want("the SO-PIN "+wrong, officer.officer(wrong), cryptoki.PINIncorrect)
	}
	if _, so := d.tries("default"); so != 15 {
		t.Errorf("the SO-PIN has %d tries", so)
	}
	d.want("a wrong SO-PIN", officer.officer("3537363231383831"), cryptoki.PINIncorrect)
	if _, so := d.tries("default"); so != 14 || d.info(id).Token.Flags&cryptoki.SOPINCountLow == 0 {
		t.Errorf("the SO-PIN has %d tries, and flags are %X", so, d.info(id).Token.Flags)
	}
	d.want("the SO-PIN", officer.officer(soPIN), cryptoki.OK)
	d.want("the user's login beside it", officer.logIn(userPIN), cryptoki.UserAnotherAlreadyLoggedIn)
	d.want("a use by the officer", use(officer), cryptoki.UserNotLoggedIn)
	d.want("a use by the user", use(user), cryptoki.OK)
	for pin, want := range map[string]cryptoki.RV{"12345": cryptoki.PINLenRange, strings.Repeat("1", 17): cryptoki.PINLenRange, "135790": cryptoki.OK} {
		d.want("InitPIN with "+pin, officer.initPIN(pin), want)
	}
	d.want("a use by the user, who has another PIN now", use(user), cryptoki.UserNotLoggedIn)
	d.want("a login with the old PIN", user.logIn(userPIN), cryptoki.PINIncorrect)
	d.want("a login with the new PIN", user.logIn("135790"), cryptoki.OK)
	d.want("a logout", officer.Logout(), cryptoki.OK)
	d.want("InitPIN after it", officer.initPIN("135790"), cryptoki.UserNotLoggedIn)
}

// TestOfficersPINIsKeptForLogin and wiped by the logout.
func TestOfficersPINIsWiped(t *testing.T) {
	d := newDesk(t)
	s := d.session(d.make("default", "root", 0))
	d.want("the SO-PIN", s.officer(soPIN), cryptoki.OK)
	l, _ := s.application.login(s.slot)
	if !l.officer.pin.Equal(officerPIN(t)) {
		t.Fatal("the PIN is not where this test looks for it")
	}
	s.application.Close()
	if !l.officer.pin.Equal(make(secret.Bytes, 8)) {
		t.Error("the SO-PIN is in memory after the logout")
	}
}

// TestOfficerReplaced: an SO-PIN that another process has replaced is not tried.
func TestOfficerReplaced(t *testing.T) {
	d := newDesk(t)
	s := d.session(d.make("default", "root", 0))
	d.want("the SO-PIN", s.officer(soPIN), cryptoki.OK)
	d.other("default", func(h *hsm.HSM) error {
		return h.ChangePIN(wire.SOPIN, officerPIN(t), secret.Bytes("12345678"))
	})
	d.want("InitPIN", s.initPIN("135790"), cryptoki.UserNotLoggedIn)
	if _, so := d.tries("default"); so != 15 {
		t.Errorf("the SO-PIN has %d tries", so)
	}
}

// TestOfficerMayNot: where a device's options keep the SO-PIN from the user's keys.
func TestOfficerMayNot(t *testing.T) {
	d := newDesk(t)
	s := d.session(d.make("default", "root", wire.OptionUnblockOnly))
	d.want("the SO-PIN", s.officer(soPIN), cryptoki.OK)
	d.want("InitPIN", s.initPIN("135790"), cryptoki.ActionProhibited)
}

func TestOfficerBesideReadOnlySession(t *testing.T) {
	d := newDesk(t)
	s := d.session(d.make("default", "root", 0))
	readOnly, err := s.application.Session(2, s.slot.id, false)
	d.want("a session", err, cryptoki.OK)
	d.want("the SO-PIN", s.officer(soPIN), cryptoki.SessionReadOnlyExists)
	d.want("SetPIN there", readOnly.setPIN(userPIN, "135790"), cryptoki.SessionReadOnly)
	readOnly.Close()
	d.want("the SO-PIN", s.officer(soPIN), cryptoki.OK)
}

// TestSetPIN: who changes the PIN stays logged in, others do not.
func TestSetPIN(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	a, b := d.session(id), d.session(id)
	d.want("a login", a.logIn(userPIN), cryptoki.OK)
	d.want("another login", b.logIn(userPIN), cryptoki.OK)
	for _, test := range []struct {
		old, pin string
		want     cryptoki.RV
		tries    int
	}{
		{userPIN, "12345", cryptoki.PINLenRange, 3},
		{userPIN, strings.Repeat("1", 17), cryptoki.PINLenRange, 3},
		{"000000", "135790", cryptoki.PINIncorrect, 2},
		{userPIN + "7", "135790", cryptoki.PINIncorrect, 1}, // a card would take it, and 7135790 for the new one
		{userPIN, "135790", cryptoki.OK, 3},
	} {
		d.want("SetPIN from "+test.old+" to "+test.pin, a.setPIN(test.old, test.pin), test.want)
		if user, _ := d.tries("default"); user != test.tries {
			t.Errorf("after SetPIN from %s to %s there are %d tries; %d were expected", test.old, test.pin, user, test.tries)
		}
		d.want("a use by who changes it", use(a), cryptoki.OK)
	}
	d.want("a use by another", use(b), cryptoki.UserNotLoggedIn)
	d.want("a login with the old PIN", b.logIn(userPIN), cryptoki.PINIncorrect)
	d.want("SetPIN by who is not logged in", b.setPIN("135790", "246802"), cryptoki.OK)
	d.want("a use by who was", use(a), cryptoki.UserNotLoggedIn)
	d.want("a use by who is not", use(b), cryptoki.UserNotLoggedIn)
	d.want("a login", a.logIn("246802"), cryptoki.OK)
	d.want("a use", use(a), cryptoki.OK)
}

// TestSetTransportPIN ends transport mode.
func TestSetTransportPIN(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "", wire.OptionTransportPIN)
	s := d.session(id)
	if d.info(id).Token.Flags&cryptoki.UserPINToBeChanged == 0 {
		t.Error("the transport PIN is not told")
	}
	d.want("a login", s.logIn(userPIN), cryptoki.PINExpired)
	d.want("SetPIN", s.setPIN(userPIN, "135790"), cryptoki.OK)
	d.want("a login", s.logIn("135790"), cryptoki.OK)
	if d.info(id).Token.Flags&cryptoki.UserPINToBeChanged != 0 {
		t.Error("a transport PIN is told that is none any more")
	}
}

func TestSetSOPIN(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	a, b := d.session(id), d.session(id)
	d.want("the SO-PIN", a.officer(soPIN), cryptoki.OK)
	d.want("the SO-PIN in another application", b.officer(soPIN), cryptoki.OK)
	const pin = "0123456789abcdef"
	for _, test := range []struct {
		old, pin string
		want     cryptoki.RV
	}{
		{"35373632313838", pin, cryptoki.PINIncorrect},
		{soPIN, pin[1:], cryptoki.PINLenRange},
		{soPIN, pin[1:] + "x", cryptoki.PINInvalid},
		{soPIN, pin, cryptoki.OK},
	} {
		d.want("SetPIN from "+test.old+" to "+test.pin, a.setPIN(test.old, test.pin), test.want)
	}
	d.want("InitPIN", a.initPIN("135790"), cryptoki.OK)
	d.want("InitPIN in the other application", b.initPIN("246802"), cryptoki.UserNotLoggedIn)
	d.want("the old SO-PIN", b.officer(soPIN), cryptoki.PINIncorrect)
	d.want("the new SO-PIN", b.officer(pin), cryptoki.OK)
	d.want("InitPIN", b.initPIN("246802"), cryptoki.OK)
}

// TestInitToken erases a token, which has no user PIN then until InitPIN.
func TestInitToken(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	d.other("default", func(h *hsm.HSM) error {
		return h.Initialize(wire.UsualInitialization(secret.Bytes(userPIN), officerPIN(t), 2), "root")
	})
	s := d.session(id)
	a, so := s.application, secret.Bytes(soPIN)
	d.want("InitToken in use", a.InitToken(id, so, "new"), cryptoki.SessionExists)
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
	d.want("a write", s.asUser(write), cryptoki.OK)
	s.Close()
	d.want("InitToken where a login is left", a.InitToken(id, so, "new"), cryptoki.SessionExists)
	a.CloseSessions(id)
	d.want("InitToken with a wrong SO-PIN", a.InitToken(id, secret.Bytes("0000000000000000"), "new"), cryptoki.PINIncorrect)
	d.want("InitToken with no SO-PIN", a.InitToken(id, nil, "new"), cryptoki.PINIncorrect)
	if _, tries := d.tries("default"); tries != 14 {
		t.Errorf("%d tries are left", tries)
	}
	before := d.library.Generation()
	d.want("InitToken", a.InitToken(id, so, "new"), cryptoki.OK)
	if d.library.Generation() == before {
		t.Error("the generation is the same")
	}
	i := d.info(id).Token
	if i.Label != "new (UserPIN)" || i.Flags&cryptoki.UserPINInitialized != 0 || i.Flags&cryptoki.TokenInitialized == 0 {
		t.Errorf("it tells %+v", i)
	}
	d.other("default", func(h *hsm.HSM) error {
		status, err := h.Status()
		if err == nil && (status.DKEK == nil || status.DKEK.Shares != 2) {
			t.Errorf("the DKEK: %+v; one of two shares was expected, as before", status.DKEK)
		}
		if files, err := h.Files(); err != nil || len(files) != 1 { // the device key
			t.Errorf("it has %v, %v after it was erased", files, err)
		}
		return err
	})
	s, err := a.Session(2, id, true)
	d.want("a session", err, cryptoki.OK)
	d.want("a login", s.logIn(userPIN), cryptoki.UserPINNotInitialized)
	d.want("the SO-PIN", s.officer(soPIN), cryptoki.OK)
	d.want("InitPIN", s.initPIN("135790"), cryptoki.OK)
	if i := d.info(id).Token; i.Flags&cryptoki.UserPINInitialized == 0 {
		t.Errorf("it tells %+v", i)
	}
	d.want("a logout", s.Logout(), cryptoki.OK)
	d.want("a login", s.logIn("135790"), cryptoki.OK)
	d.want("a use", use(s), cryptoki.OK)
}

// TestInitNewToken: a device that was never initialised takes any SO-PIN.
func TestInitNewToken(t *testing.T) {
	d := newDesk(t)
	if _, err := d.home.Create("default"); err != nil {
		t.Fatal(err)
	}
	id, a := slotID("default"), d.library.Application()
	defer a.Close()
	s, err := a.Session(1, id, true)
	d.want("a session", err, cryptoki.OK)
	d.want("a login", s.logIn(userPIN), cryptoki.UserPINNotInitialized)
	s.Close()
	d.want("InitToken", a.InitToken(id, secret.Bytes("0123456789abcdef"), ""), cryptoki.OK)
	d.other("default", func(h *hsm.HSM) error {
		status, err := h.Status()
		if status.DKEK != nil {
			t.Error("it has a DKEK")
		}
		return err
	})
	if s, err = a.Session(2, id, true); err != nil {
		t.Fatal(err)
	}
	d.want("the SO-PIN", s.officer("0123456789ABCDEF"), cryptoki.OK)
}
