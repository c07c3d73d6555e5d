package token

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"filippo.io/mldsa"

	"conclave/hsm"
	"conclave/internal/pqx509"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// TestMLDSAIsNotShown: keys for ML-DSA are no objects, and keep none from being one. A root
// certificate of such a key is shown, without the key in it.
func TestMLDSAIsNotShown(t *testing.T) {
	s := newSessionOn(t, 0)
	generate(t, s, "ec:secp256r1", "first", 1)
	ref := generate(t, s, "ml-dsa-65", "second", 2)
	generate(t, s, "rsa:2048", "third", 3)
	root := mldsaRoot(t)
	description, err := wire.CD{Label: "root", ID: []byte{4}, File: wire.PrefixCACert.File(9)}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	var wrapped []byte
	if err := s.slot.use(func(h *hsm.HSM) error {
		f, err := h.WrapKey(ref)
		if err != nil {
			return err
		}
		if wrapped, err = f.Bytes(); err != nil {
			return err
		}
		if err := h.WriteFile(wire.PrefixCACert.File(9), root); err != nil {
			return err
		}
		return h.WriteFile(wire.PrefixCD.File(9), description)
	}); err != nil {
		t.Fatal(err)
	}
	found(t, s, 2, class(cryptoki.ClassPrivateKey))
	found(t, s, 2, class(cryptoki.ClassPublicKey))
	found(t, s, 1, class(cryptoki.ClassCertificate), octets(cryptoki.AttrValue, root))
	found(t, s, 0, octets(cryptoki.AttrLabel, "second"))
	if _, err := s.UnwrapKey(dkekMechanism(), dkekOf(t, s), wrapped, nil); err != cryptoki.WrappedKeyInvalid {
		t.Errorf("such a key was unwrapped: %v", err)
	}
	created, err := s.Create(cryptoki.Template{class(cryptoki.ClassCertificate), flag(cryptoki.AttrToken, true),
		number(cryptoki.AttrCertificateType, cryptoki.CertificateX509), octets(cryptoki.AttrID, []byte{5}), octets(cryptoki.AttrValue, root)})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := s.object(created); err != nil || o.class != cryptoki.ClassCertificate {
		t.Errorf("the certificate was stored as %+v, %v", o, err)
	}
	if n := len(keysOf(t, s)); n != 3 {
		t.Errorf("%d keys on the device; 3 were expected", n)
	}
}

// mldsaRoot is a root certificate.
func mldsaRoot(t *testing.T) []byte {
	t.Helper()
	key, err := mldsa.GenerateKey(mldsa.MLDSA65())
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	root, err := pqx509.CreateCertificate(rand.Reader, template, template, key.PublicKey(), key)
	if err != nil {
		t.Fatal(err)
	}
	return root
}
