package token

import (
	"encoding/asn1"
	"testing"

	"conclave/internal/secret"
	"conclave/token/cryptoki"
)

// guardedPair makes a key pair whose private half wants the PIN for each use.
func guardedPair(tb testing.TB, s *Session, m cryptoki.MechanismType, public cryptoki.Template) (publicKey, privateKey cryptoki.Handle) {
	tb.Helper()
	private := cryptoki.Template{onToken(true), flag(cryptoki.AttrAlwaysAuthenticate, true), octets(cryptoki.AttrLabel, "guarded")}
	publicKey, privateKey, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: m}, public, private)
	if err != nil {
		tb.Fatal(err)
	}
	return publicKey, privateKey
}

func p521(tb testing.TB) cryptoki.Template {
	return cryptoki.Template{octets(cryptoki.AttrECParams, der(tb, asn1.ObjectIdentifier{1, 3, 132, 0, 35}))}
}

// TestKeysThatWantThePINForEachUse: each use of such a key wants a login of its own, as
// CKA_ALWAYS_AUTHENTICATE says, and what is said of the key outlives the library.
func TestKeysThatWantThePINForEachUse(t *testing.T) {
	d := newDesk(t)
	s := d.session(d.make("default", "root", 0))
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
	public, private := guardedPair(t, s, cryptoki.ECKeyPairGen, p521(t))
	again := func(pin string) error { return s.Login(cryptoki.ContextSpecific, secret.Bytes(pin)) }
	begin := func() {
		t.Helper()
		d.want("the beginning of a signature", s.Begin(Sign, cryptoki.Mechanism{Type: cryptoki.ECDSASHA512}, private), cryptoki.OK)
	}
	message := []byte("message")

	d.want("a login for nothing", again(userPIN), cryptoki.OperationNotInitialized)
	begin()
	d.want("a signature without a PIN", outcome(s.Single(Sign, message, nil)), cryptoki.UserNotLoggedIn)
	begin()
	d.want("a part of one", outcome(s.Update(Sign, message)), cryptoki.UserNotLoggedIn)
	begin()
	d.want("the end of one", outcome(s.Final(Sign, nil)), cryptoki.UserNotLoggedIn)
	begin()
	d.want("a wrong PIN", again("000000"), cryptoki.PINIncorrect)
	if user, _ := d.tries("default"); user != 2 {
		t.Errorf("%d tries are left; 2 were expected", user)
	}
	d.want("the right one", again(userPIN), cryptoki.OK)
	if user, _ := d.tries("default"); user != 3 {
		t.Errorf("%d tries are left; 3 were expected", user)
	}
	d.want("a part", outcome(s.Update(Sign, message)), cryptoki.OK)
	signature, err := s.Final(Sign, nil)
	d.want("a signature", err, cryptoki.OK)
	d.want("the beginning of a verification", s.Begin(Verify, cryptoki.Mechanism{Type: cryptoki.ECDSASHA512}, public), cryptoki.OK)
	d.want("a verification", outcome(s.Single(Verify, message, signature)), cryptoki.OK)
	begin()
	d.want("a second signature with one PIN", outcome(s.Single(Sign, message, nil)), cryptoki.UserNotLoggedIn)
	d.want("another use after all", use(s), cryptoki.OK)

	d.library.Close()
	d.library = New(d.home)
	t.Cleanup(d.library.Close)
	s = d.session(s.slot.id)
	d.want("a login", s.logIn(userPIN), cryptoki.OK)
	begin()
	d.want("a signature without a PIN", outcome(s.Single(Sign, message, nil)), cryptoki.UserNotLoggedIn)
	if got := value(t, s, private, cryptoki.AttrDerive); got[0] != 0 {
		t.Error("it agrees on keys, which no PIN can be given for")
	}
}

// TestContextSpecificLogins end no one's login, and count no one's: the PIN is compared,
// and that is all.
func TestContextSpecificLogins(t *testing.T) {
	d := newDesk(t)
	id := d.make("default", "root", 0)
	s, other := d.session(id), d.session(id)
	context := func(pin string) error { return s.Login(cryptoki.ContextSpecific, secret.Bytes(pin)) }
	d.want("the beginning of a digest", s.Begin(Digest, cryptoki.Mechanism{Type: cryptoki.SHA256}, 0), cryptoki.OK)
	d.want("a login for it by no one", context(userPIN), cryptoki.UserNotLoggedIn)
	for _, each := range []*Session{s, other} {
		d.want("a login", each.logIn(userPIN), cryptoki.OK)
	}
	for range 3 {
		d.want("the PIN once more", context(userPIN), cryptoki.OK)
		d.want("a wrong one", context("000000"), cryptoki.PINIncorrect)
		d.want("none", context(""), cryptoki.PINIncorrect)
	}
	d.want("a use", use(s), cryptoki.OK)
	d.want("a logout", s.Logout(), cryptoki.OK)
	d.want("a use by the other", use(other), cryptoki.OK)
	d.want("its logout", other.Logout(), cryptoki.OK)
	d.pass(unlockedTime)
	if !s.slot.device.Load().isLocked() {
		t.Error("the device stays unlocked")
	}
	d.want("the officer's login", s.Login(cryptoki.SecurityOfficer, secret.Bytes(soPIN)), cryptoki.OK)
	d.want("the user's PIN", context(userPIN), cryptoki.UserNotLoggedIn)
}
