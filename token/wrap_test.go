package token

import (
	"bytes"
	"testing"

	"conclave/hsm"
	"conclave/internal/testrun"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// dkekOf finds the DKEK as a program does.
func dkekOf(tb testing.TB, s *Session) cryptoki.Handle {
	tb.Helper()
	return found(tb, s, 1, class(cryptoki.ClassSecretKey), flag(cryptoki.AttrWrap, true), octets(cryptoki.AttrLabel, "DKEK"))[0].Handle
}

func dkekMechanism() cryptoki.Mechanism {
	return cryptoki.Mechanism{Type: cryptoki.ConclaveDKEKWrap}
}

// TestKeysAreWrapped in the form of wrap files, which hosts without PKCS#11 unwrap; and
// what they wrap is unwrapped here.
func TestKeysAreWrapped(t *testing.T) {
	s := newSessionOn(t, 0)
	dkek := dkekOf(t, s)
	for _, kind := range []string{"rsa:1024", "ec:secp256r1", "ec:brainpoolP384r1"} {
		ref := generate(t, s, kind, "key of "+kind, 0x42)
		key := found(t, s, 1, class(cryptoki.ClassPrivateKey), octets(cryptoki.AttrLabel, "key of "+kind))[0].Handle
		wrapped, err := s.WrapKey(dkekMechanism(), dkek, key)
		if err != nil {
			t.Fatal(err)
		}
		f, err := wire.ParseWrapFile(wrapped)
		if err != nil || f.Description == nil || f.Certificate == nil {
			t.Fatalf("%s: %v; no wrap file with description and request", kind, err)
		}
		if err := s.asUser(func(h *hsm.HSM) error {
			if err := h.DeleteKey(ref); err != nil {
				return err
			}
			return h.UnwrapKey(ref, f, false)
		}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		another, err := s.UnwrapKey(dkekMechanism(), dkek, wrapped, ofToken(cryptoki.Template{octets(cryptoki.AttrLabel, "another"), octets(cryptoki.AttrID, kind)}))
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.object(another)
		if err != nil || another == key || !o.matches(cryptoki.Template{octets(cryptoki.AttrLabel, "another"), octets(cryptoki.AttrID, kind)}) {
			t.Errorf("%s: %v; it has not label and ID of its template", kind, err)
		}
		same, err := s.UnwrapKey(dkekMechanism(), dkek, wrapped, ofToken(nil))
		if err != nil {
			t.Fatal(err)
		}
		if o, err := s.object(same); err != nil || !o.matches(cryptoki.Template{octets(cryptoki.AttrLabel, "key of "+kind), octets(cryptoki.AttrID, "\x42")}) {
			t.Errorf("%s: %v; it has not label and ID that it was wrapped with", kind, err)
		}
	}
}

// TestUnwrappedForASession a key dies with it.
func TestUnwrappedForASession(t *testing.T) {
	s := newSessionOn(t, 0)
	generate(t, s, "ec:secp256r1", "key", 1)
	key := found(t, s, 1, class(cryptoki.ClassPrivateKey))[0].Handle
	wrapped, err := s.WrapKey(dkekMechanism(), dkekOf(t, s), key)
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.application.Session(7, s.slot.id, false)
	if err != nil {
		t.Fatal(err)
	}
	h, err := other.UnwrapKey(dkekMechanism(), dkekOf(t, s), wrapped, nil)
	if err != nil {
		t.Fatal(err)
	}
	k, err := other.object(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.do(Sign, cryptoki.ECDSASHA256, nil, k, []byte("m"), nil); err != nil {
		t.Error(err)
	}
	if n := len(keysOf(t, s)); n != 2 {
		t.Errorf("%d keys on the device; 2 were expected", n)
	}
	other.Close()
	if n := len(keysOf(t, s)); n != 1 {
		t.Errorf("%d keys on the device after the session; 1 was expected", n)
	}
}

// TestWrappingIsChecked: keys, mechanism, template, and what was wrapped.
func TestWrappingIsChecked(t *testing.T) {
	random, s := testrun.Random(t), newSessionOn(t, 0)
	generate(t, s, "ec:secp256r1", "key", 1)
	dkek, key := dkekOf(t, s), found(t, s, 1, class(cryptoki.ClassPrivateKey))[0].Handle
	public := found(t, s, 1, class(cryptoki.ClassPublicKey))[0].Handle
	secret, err := s.GenerateKey(cryptoki.Mechanism{Type: cryptoki.AESKeyGen}, cryptoki.Template{number(cryptoki.AttrValueLen, uint64(16))})
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := s.WrapKey(dkekMechanism(), dkek, key)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		mechanism     cryptoki.Mechanism
		wrapping, key cryptoki.Handle
		want          error
	}{
		"another mechanism":    {cryptoki.Mechanism{Type: cryptoki.AESCBC}, dkek, key, cryptoki.MechanismInvalid},
		"a parameter":          {cryptoki.Mechanism{Type: cryptoki.ConclaveDKEKWrap, Parameter: []byte{0}}, dkek, key, cryptoki.MechanismParamInvalid},
		"no wrapping key":      {dkekMechanism(), 0, key, cryptoki.WrappingKeyHandleInvalid},
		"another wrapping key": {dkekMechanism(), secret, key, cryptoki.WrappingKeyHandleInvalid},
		"itself":               {dkekMechanism(), key, key, cryptoki.WrappingKeyHandleInvalid},
		"no key":               {dkekMechanism(), dkek, 0, cryptoki.KeyHandleInvalid},
		"a public key":         {dkekMechanism(), dkek, public, cryptoki.KeyNotWrappable},
		"a key of a session":   {dkekMechanism(), dkek, secret, cryptoki.KeyNotWrappable},
		"the DKEK":             {dkekMechanism(), dkek, dkek, cryptoki.KeyNotWrappable},
	} {
		if _, err := s.WrapKey(c.mechanism, c.wrapping, c.key); err != c.want {
			t.Errorf("%s: %v; expected %v", name, err, c.want)
		}
	}
	damaged := bytes.Clone(wrapped)
	damaged[20+random.IntN(100)] ^= 1 // in the blob
	for name, c := range map[string]struct {
		unwrapping cryptoki.Handle
		wrapped    []byte
		template   cryptoki.Template
		want       error
	}{
		"no unwrapping key": {0, wrapped, nil, cryptoki.UnwrappingKeyHandleInvalid},
		"a damaged blob":    {dkek, damaged, nil, cryptoki.WrappedKeyInvalid},
		"nothing":           {dkek, nil, nil, cryptoki.WrappedKeyInvalid},
		"a part":            {dkek, wrapped[:len(wrapped)-1], nil, cryptoki.WrappedKeyInvalid},
		"more than a file":  {dkek, make([]byte, wire.MaxWrapFile+1), nil, cryptoki.WrappedKeyLenRange},
		"another type":      {dkek, wrapped, cryptoki.Template{number(cryptoki.AttrKeyType, cryptoki.KeyRSA)}, cryptoki.TemplateInconsistent},
		"another class":     {dkek, wrapped, cryptoki.Template{class(cryptoki.ClassSecretKey)}, cryptoki.TemplateInconsistent},
		"a use counter":     {dkek, wrapped, cryptoki.Template{number(cryptoki.AttrUseCounter, uint64(1))}, cryptoki.AttributeTypeInvalid},
		"a value":           {dkek, wrapped, cryptoki.Template{octets(cryptoki.AttrValue, "1")}, cryptoki.TemplateInconsistent},
	} {
		if _, err := s.UnwrapKey(dkekMechanism(), c.unwrapping, c.wrapped, ofToken(c.template)); err != c.want {
			t.Errorf("%s: %v; expected %v", name, err, c.want)
		}
	}
	if n := len(keysOf(t, s)); n != 1 {
		t.Errorf("%d keys on the device; 1 was expected", n)
	}
}

// TestTheDKEKStays as it is: no program changes, copies or destroys it.
func TestTheDKEKStays(t *testing.T) {
	s := newSessionOn(t, 0)
	dkek := dkekOf(t, s)
	if err := s.Destroy(dkek); err == nil {
		t.Error("it was destroyed")
	}
	if err := s.Set(dkek, cryptoki.Template{octets(cryptoki.AttrLabel, "mine")}); err == nil {
		t.Error("it was changed")
	}
	if _, err := s.Copy(dkek, nil); err == nil {
		t.Error("it was copied")
	}
	if again := dkekOf(t, s); again != dkek {
		t.Errorf("its handle was %x, and is %x", dkek, again)
	}
	for _, op := range []Operation{Encrypt, Decrypt} {
		if err := s.Begin(op, cryptoki.Mechanism{Type: cryptoki.AESECB}, dkek); err == nil {
			t.Errorf("operation %d", op)
		}
	}
}

// TestTheDKEKIsShown to the user, if there is one that is complete.
func TestTheDKEKIsShown(t *testing.T) {
	s := newSessionOn(t, 0)
	if dkek := dkekOf(t, s); dkek == 0 {
		t.Error("no handle")
	}
	if err := s.Logout(); err != nil {
		t.Fatal(err)
	}
	found(t, s, 0, class(cryptoki.ClassSecretKey))
	for _, shares := range []int{wire.NoDKEK, 1} {
		found(t, newSessionOn(t, shares), 0, class(cryptoki.ClassSecretKey))
	}
}
