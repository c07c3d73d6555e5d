package token

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"conclave/hsm"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// generate makes a key with a label and an ID.
func generate(tb testing.TB, s *Session, kind, label string, id ...byte) (ref byte) {
	tb.Helper()
	template, err := wire.ParseKeyType(kind)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.slot.use(func(h *hsm.HSM) error {
		ref, _, err = h.GenerateKey(hsm.NewKey{Key: template, Label: label, ID: id})
		return err
	}); err != nil {
		tb.Fatal(err)
	}
	return ref
}

// found are the objects that match, which must be so many.
func found(tb testing.TB, s *Session, n int, t ...cryptoki.Attribute) []Record {
	tb.Helper()
	records, err := s.Find(t)
	if err != nil || len(records) != n {
		tb.Fatalf("%d objects match %v, %v; %d were expected", len(records), t, err, n)
	}
	return records
}

func class(c cryptoki.Class) cryptoki.Attribute { return number(cryptoki.AttrClass, c) }

func TestKeysOfATokenAreFound(t *testing.T) {
	s := newTestSession(t)
	generate(t, s, "ec:secp256r1", "first", 1)
	generate(t, s, "rsa:2048", "second", 2, 2)
	found(t, s, 4)
	found(t, s, 2, octets(cryptoki.AttrID, []byte{2, 2}))
	found(t, s, 0, octets(cryptoki.AttrID, []byte{2}))
	found(t, s, 1, octets(cryptoki.AttrLabel, "second"), class(cryptoki.ClassPrivateKey))
	found(t, s, 0, octets(cryptoki.AttrLabel, "second"), class(cryptoki.ClassCertificate))
	found(t, s, 0, octets(cryptoki.AttrPrivateExponent, ""))
	private := found(t, s, 1, class(cryptoki.ClassPrivateKey), number(cryptoki.AttrKeyType, cryptoki.KeyRSA))[0]
	if private.Output != 256 {
		t.Errorf("RSA-2048 has signatures of %d bytes", private.Output)
	}
	o, err := s.object(private.Handle)
	if err != nil || o.ref != 2 || o.public.Bits != 2048 {
		t.Errorf("the handle names %+v, %v", o, err)
	}
	other, err := s.application.library.Application().Session(1, s.slot.id, false)
	if err != nil {
		t.Fatal(err)
	}
	found(t, other, 2) // without a login
	if _, err := other.Object(private.Handle); !errors.Is(err, cryptoki.ObjectHandleInvalid) {
		t.Errorf("a private key without a login: %v", err)
	}
}

// TestChangesOfOthersAreSeen: another process makes and deletes keys, and everything
// else stays as it is.
func TestChangesOfOthersAreSeen(t *testing.T) {
	s := newTestSession(t)
	generate(t, s, "ec:secp256r1", "first", 1)
	before := found(t, s, 1, class(cryptoki.ClassPrivateKey))[0]
	generation := s.slot.library.Generation()
	h := openHSM(t, s)
	if err := h.Login(wire.UserPIN, []byte(testPIN)); err != nil {
		t.Fatal(err)
	}
	template, _ := wire.ParseKeyType("ec:secp256r1")
	if _, _, err := h.GenerateKey(hsm.NewKey{Key: template, Label: "other"}); err != nil {
		t.Fatal(err)
	}
	found(t, s, 4)
	if s.slot.library.Generation() == generation {
		t.Error("the generation is as before")
	}
	o, err := s.object(before.Handle)
	if err != nil || &o.attributes[0] != &before.Attributes[0] {
		t.Errorf("what has not changed was made again: %v", err)
	}
	if err := h.DeleteKey(1); err != nil {
		t.Fatal(err)
	}
	found(t, s, 2)
	if _, err := s.object(before.Handle); !errors.Is(err, cryptoki.ObjectHandleInvalid) {
		t.Errorf("a key that is gone: %v", err)
	}
}

// openHSM opens the device as another process would.
func openHSM(tb testing.TB, s *Session) *hsm.HSM {
	tb.Helper()
	conn, err := s.slot.library.home.Open(s.slot.name)
	if err != nil {
		tb.Fatal(err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { h.Close() })
	return h
}

// TestHandlesOutliveTheAgent: another library gives the same ones.
func TestHandlesOutliveTheAgent(t *testing.T) {
	s := newTestSession(t)
	generate(t, s, "ec:secp256r1", "first", 1)
	records := found(t, s, 2)
	l := New(s.slot.library.home)
	t.Cleanup(l.Close)
	again, err := l.Application().Session(7, s.slot.id, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Login(cryptoki.User, []byte(testPIN)); err != nil {
		t.Fatal(err)
	}
	for i, r := range found(t, again, 2) {
		if r.Handle != records[i].Handle {
			t.Errorf("handle %x was %x", r.Handle, records[i].Handle)
		}
	}
}

// TestHandlesNameNoOtherKey: a handle is no other key's that has taken the place of its
// own, here or in another library.
func TestHandlesNameNoOtherKey(t *testing.T) {
	s := newTestSession(t)
	generate(t, s, "ec:secp256r1", "first", 1)
	before := found(t, s, 2)
	h := openHSM(t, s)
	if err := h.Login(wire.UserPIN, []byte(testPIN)); err != nil {
		t.Fatal(err)
	}
	if err := h.DeleteKey(1); err != nil {
		t.Fatal(err)
	}
	template, _ := wire.ParseKeyType("ec:secp256r1")
	if ref, _, err := h.GenerateKey(hsm.NewKey{Key: template, Label: "first"}); ref != 1 || err != nil {
		t.Fatalf("key %d, %v", ref, err)
	}
	l := New(s.slot.library.home)
	t.Cleanup(l.Close)
	again, err := l.Application().Session(7, s.slot.id, false)
	if err == nil {
		err = again.Login(cryptoki.User, []byte(testPIN))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, session := range []*Session{s, again} {
		found(t, session, 2)
		for _, r := range before {
			if o, err := session.Object(r.Handle); !errors.Is(err, cryptoki.ObjectHandleInvalid) {
				t.Errorf("handle %x names %x: %v", r.Handle, o.Handle, err)
			}
		}
	}
}

// TestPublicAttributes: a public key tells the same in each of its forms.
func TestPublicAttributes(t *testing.T) {
	s := newTestSession(t)
	for _, kind := range []string{"rsa:1024", "ec:secp256r1", "ec:brainpoolP512r1"} {
		generate(t, s, kind, kind, 1)
		r := found(t, s, 1, class(cryptoki.ClassPublicKey), octets(cryptoki.AttrLabel, kind))[0]
		attributes := cryptoki.Template(r.Attributes)
		spki, _ := attributes.Find(cryptoki.AttrPublicKeyInfo)
		public, err := wire.ParseSPKI(spki)
		if err != nil {
			t.Fatal(err)
		}
		if public.Type == wire.KeyEC {
			point, _ := attributes.Find(cryptoki.AttrECPoint)
			if !bytes.HasSuffix(point, public.Point) || point[0] != 4 {
				t.Errorf("%s: CKA_EC_POINT is %X", kind, point)
			}
			continue
		}
		modulus, _ := attributes.Find(cryptoki.AttrModulus)
		if sha256.Sum256(modulus) != sha256.Sum256(public.Modulus) {
			t.Errorf("%s: CKA_MODULUS is %X", kind, modulus)
		}
	}
}
