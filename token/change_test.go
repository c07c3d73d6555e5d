package token

import (
	"errors"
	"testing"

	"conclave/hsm"
	"conclave/token/cryptoki"
	"conclave/wire"
)

func TestAliases(t *testing.T) {
	s := newTestSession(t)
	ref := generate(t, s, "ec:secp256r1", "key", 1)
	key := found(t, s, 1, class(cryptoki.ClassPrivateKey))[0].Handle
	alias, err := s.Copy(key, cryptoki.Template{onToken(false), octets(cryptoki.AttrLabel, "cache"), flag(cryptoki.AttrSign, false)})
	if err != nil || alias&originMask != key {
		t.Fatalf("handle %x of a copy of %x, %v", alias, key, err)
	}
	o, err := s.object(alias)
	if err != nil || o.ref != ref || o.is(cryptoki.AttrSign) || !o.is(cryptoki.AttrDerive) || o.is(cryptoki.AttrToken) {
		t.Fatalf("the alias is %+v, %v", o, err)
	}
	found(t, s, 1, octets(cryptoki.AttrLabel, "cache"), onToken(false))
	again, err := s.Copy(alias, nil)
	if err != nil || again == alias || again&originMask != key || string(value(t, s, again, cryptoki.AttrLabel)) != "cache" {
		t.Errorf("a copy of an alias is %x, %v", again, err)
	}
	if err := s.Destroy(alias); err != nil {
		t.Fatal(err)
	}
	if _, err := s.object(alias); !errors.Is(err, cryptoki.ObjectHandleInvalid) {
		t.Errorf("an alias that was destroyed: %v", err)
	}
	if o, err := s.object(aliasOf(key, 77)); err != nil || o.handle != key {
		t.Errorf("an alias of an earlier agent: %v", err)
	}
	if err := s.Destroy(key); err != nil {
		t.Fatal(err)
	}
	if _, err := s.object(again); !errors.Is(err, cryptoki.ObjectHandleInvalid) {
		t.Errorf("an alias of a key that is gone: %v", err)
	}
	found(t, s, 0, onToken(true))
}

// TestWhatWentWithAKey may be destroyed once more, by who destroyed the key: pkcs11-tool
// and crypto11 destroy the halves of a pair one after the other.
func TestWhatWentWithAKey(t *testing.T) {
	s := newTestSession(t)
	generate(t, s, "ec:secp256r1", "key", 1)
	create(t, s, x509Certificate(certify(t, publicOf(t, s, "key"), "x"), onToken(true), octets(cryptoki.AttrID, []byte{1}))...)
	private := found(t, s, 1, class(cryptoki.ClassPrivateKey))[0].Handle
	public := found(t, s, 1, class(cryptoki.ClassPublicKey))[0].Handle
	certificate := found(t, s, 1, class(cryptoki.ClassCertificate))[0].Handle
	if err := s.Destroy(public); err != nil {
		t.Errorf("a public key before its private key: %v", err)
	}
	found(t, s, 3)
	if err := s.Destroy(private); err != nil {
		t.Fatal(err)
	}
	found(t, s, 0)
	other, err := s.application.library.Application().Session(1, s.slot.id, true)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, cryptoki.ObjectHandleInvalid} {
		for _, h := range []cryptoki.Handle{public, certificate} {
			if err := other.Destroy(h); !errors.Is(err, cryptoki.ObjectHandleInvalid) {
				t.Errorf("by another application: %v", err)
			}
			if _, err := s.Object(h); !errors.Is(err, cryptoki.ObjectHandleInvalid) {
				t.Errorf("it is there: %v", err)
			}
			if err := s.Destroy(h); !errors.Is(err, want) {
				t.Errorf("time %d: %v; %v was expected", i+1, err, want)
			}
		}
	}
	if err := s.Destroy(private); !errors.Is(err, cryptoki.ObjectHandleInvalid) {
		t.Errorf("the private key again: %v", err)
	}
}

func TestLabelAndIDOfAKey(t *testing.T) {
	s := newTestSession(t)
	generate(t, s, "rsa:1024", "key", 1)
	key := found(t, s, 1, class(cryptoki.ClassPrivateKey))[0].Handle
	if err := s.Set(key, cryptoki.Template{octets(cryptoki.AttrLabel, "renamed"), octets(cryptoki.AttrID, "id"), octets(cryptoki.AttrSubject, "x")}); err != nil {
		t.Fatal(err)
	}
	found(t, s, 2, octets(cryptoki.AttrLabel, "renamed"), octets(cryptoki.AttrID, "id"))
	for a, want := range map[cryptoki.AttributeType]error{
		cryptoki.AttrModulus: cryptoki.AttributeReadOnly, cryptoki.AttrValue: cryptoki.AttributeReadOnly, cryptoki.AttrLocal: cryptoki.AttributeReadOnly,
		0x999: cryptoki.AttributeTypeInvalid,
	} {
		if err := s.Set(key, cryptoki.Template{octets(a, "x")}); !errors.Is(err, want) {
			t.Errorf("attribute %X: %v", a, err)
		}
	}
	if err := s.Set(key, cryptoki.Template{flag(cryptoki.AttrSign, true)}); err != nil {
		t.Errorf("what is so already: %v", err)
	}
	reading, err := s.application.Session(2, s.slot.id, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := reading.Set(key, cryptoki.Template{octets(cryptoki.AttrLabel, "x")}); !errors.Is(err, cryptoki.SessionReadOnly) {
		t.Errorf("in a read-only session: %v", err)
	}
	if err := reading.Destroy(key); !errors.Is(err, cryptoki.SessionReadOnly) {
		t.Errorf("in a read-only session: %v", err)
	}
	if _, err := s.Copy(key, cryptoki.Template{octets(cryptoki.AttrLabel, "second")}); !errors.Is(err, cryptoki.TemplateInconsistent) {
		t.Errorf("a second one on the token: %v", err)
	}
}

// newProvisional makes a key for a session, as C_GenerateKeyPair does.
func newProvisional(tb testing.TB, s *Session) (public, private cryptoki.Handle) {
	tb.Helper()
	label, err := s.provisionalLabel()
	if err != nil {
		tb.Fatal(err)
	}
	template, _ := wire.ParseKeyType("ec:secp256r1")
	err = s.asUser(func(h *hsm.HSM) error {
		ref, request, err := h.GenerateKey(hsm.NewKey{Key: template, Label: label})
		if err != nil {
			return err
		}
		public, private, err = s.addProvisional(ref, &request.Request.Key, nil, cryptoki.Template{onToken(false), octets(cryptoki.AttrLabel, "mine")})
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return public, private
}

// keys are the labels of the keys on a device.
func keys(tb testing.TB, s *Session) (labels []string) {
	tb.Helper()
	if err := s.slot.use(func(h *hsm.HSM) error {
		list, err := h.Keys()
		for _, k := range list {
			labels = append(labels, k.Description.Label)
		}
		return err
	}); err != nil {
		tb.Fatal(err)
	}
	return labels
}

// TestProvisionalKeys die with their session, but for one that was copied to the token.
func TestProvisionalKeys(t *testing.T) {
	s := newTestSession(t)
	inSession, err := s.application.Session(2, s.slot.id, true)
	if err != nil {
		t.Fatal(err)
	}
	_, private := newProvisional(t, inSession)
	newProvisional(t, inSession)
	found(t, s, 4, onToken(false))
	found(t, s, 0, onToken(true))
	o, err := s.object(private)
	if err != nil || o.ref != 1 || string(value(t, s, private, cryptoki.AttrLabel)) != "mine" {
		t.Errorf("the private key is %+v, %v", o, err)
	}
	copied, err := inSession.Copy(private, cryptoki.Template{onToken(true), octets(cryptoki.AttrID, "alias")})
	if err != nil {
		t.Fatal(err)
	}
	found(t, s, 2, onToken(true), octets(cryptoki.AttrID, "alias"), octets(cryptoki.AttrLabel, "mine"))
	inSession.Close()
	if labels := keys(t, s); len(labels) != 1 || labels[0] != "mine" {
		t.Errorf("after the session there are %q", labels)
	}
	if _, err := s.object(copied); err != nil {
		t.Errorf("the key of the token: %v", err)
	}
	if _, err := s.object(private); !errors.Is(err, cryptoki.ObjectHandleInvalid) {
		t.Errorf("the key of a session that is over: %v", err)
	}
}

// TestProvisionalKeysOfOthers are deleted when their process is gone, and not before.
func TestProvisionalKeysOfOthers(t *testing.T) {
	s := newTestSession(t)
	_, private := newProvisional(t, s)
	l := New(s.slot.library.home)
	t.Cleanup(l.Close)
	other, err := l.Application().Session(1, s.slot.id, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Login(cryptoki.User, []byte(testPIN)); err != nil {
		t.Fatal(err)
	}
	found(t, other, 0)
	clean := func(n int) {
		t.Helper()
		other.slot.cleanUp()
		if labels := keys(t, other); len(labels) != n {
			t.Errorf("there are %q; %d were expected", labels, n)
		}
	}
	clean(1)
	s.slot.library.owner.unlock() // as the end of the process does
	clean(0)
	if _, err := s.object(private); !errors.Is(err, cryptoki.ObjectHandleInvalid) {
		t.Errorf("a key that is gone: %v", err)
	}
	// Another user's, who has another home, and no process that is known here.
	err = other.asUser(func(h *hsm.HSM) error {
		template, _ := wire.ParseKeyType("ec:secp256r1")
		_, _, err := h.GenerateKey(hsm.NewKey{Key: template, Label: provisionalMark + "0011223344556677"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	clean(1)
}
