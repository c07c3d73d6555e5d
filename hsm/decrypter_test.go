//lint:file-ignore SA1019 old protocols still encrypt with PKCS #1 v1.5, and their keys are in devices

package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha3"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/wire"
)

// rsaSigner makes a key of 1024 bits, whose list of algorithms is given; none for all.
func rsaSigner(t *testing.T, h *hsm.HSM, algorithms ...wire.Algorithm) (*hsm.Signer, *rsa.PublicKey) {
	t.Helper()
	list := []byte{}
	for _, a := range algorithms {
		list = append(list, byte(a))
	}
	ref, _, err := h.GenerateKey(hsm.NewKey{Key: wire.RSATemplate(1024), KeyLimits: wire.KeyLimits{Algorithms: list}})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := h.Signer(ref)
	if err != nil {
		t.Fatal(err)
	}
	return signer, signer.Public().(*rsa.PublicKey)
}

// TestSignerMakesPSS with what the card has no algorithm for, or may not use.
func TestSignerMakesPSS(t *testing.T) {
	h := connect(t, newDevice(t), wire.NoDKEK)
	for list, signer := range map[string][]wire.Algorithm{
		"everything": nil, "raw alone": {wire.RSARaw}, "PSS alone": {wire.RSAPSS},
	} {
		s, public := rsaSigner(t, h, signer...)
		for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA3_256, crypto.SHA512} {
			for _, salt := range []int{rsa.PSSSaltLengthEqualsHash, rsa.PSSSaltLengthAuto, 1, 20, 32} {
				if hash == crypto.SHA512 && salt == rsa.PSSSaltLengthEqualsHash {
					continue // it does not fit into 1024 bits
				}
				digest, opts := make([]byte, hash.Size()), &rsa.PSSOptions{Hash: hash, SaltLength: salt}
				signature, err := s.Sign(nil, digest, opts)
				if list == "PSS alone" && (hash == crypto.SHA3_256 || salt != rsa.PSSSaltLengthEqualsHash && salt != hash.Size()) {
					if !errors.Is(err, hsm.ErrNotAllowed) {
						t.Errorf("%s, %v, salt of %d: %v", list, hash, salt, err)
					}
					continue
				}
				if err == nil {
					err = rsa.VerifyPSS(public, hash, digest, signature, opts)
				}
				if err != nil {
					t.Errorf("%s, %v, salt of %d: %v", list, hash, salt, err)
				}
			}
		}
	}
}

func TestSignerRefusesPSS(t *testing.T) {
	s, _ := rsaSigner(t, connect(t, newDevice(t), wire.NoDKEK))
	for name, opts := range map[string]*rsa.PSSOptions{
		"salt too long":             {Hash: crypto.SHA256, SaltLength: 128 - 32 - 1},
		"salt longer than anything": {Hash: crypto.SHA256, SaltLength: 1 << 40},
		"no such salt":              {Hash: crypto.SHA256, SaltLength: -2},
		"no hash":                   {SaltLength: 20},
		"another digest":            {Hash: crypto.SHA384, SaltLength: 20},
	} {
		if signature, err := s.Sign(nil, make([]byte, 32), opts); err == nil || !strings.Contains(err.Error(), "key 1") {
			t.Errorf("%s: %x, %v", name, signature, err)
		}
	}
}

// TestSignerDecrypts what crypto/rsa has encrypted, by whichever way the list leaves.
func TestSignerDecrypts(t *testing.T) {
	h := connect(t, newDevice(t), wire.NoDKEK)
	message := []byte("sixteen bytes it")
	for name, list := range map[string][]wire.Algorithm{
		"everything": nil, "raw alone": {wire.RSADecryptRaw}, "paddings alone": {wire.RSADecryptPKCS1, wire.RSADecryptOAEP},
	} {
		s, public := rsaSigner(t, h, list...)
		//lint:ignore SA1019 others encrypt with it
		pkcs1, err := rsa.EncryptPKCS1v15(rand.Reader, public, message)
		if err != nil {
			t.Fatal(err)
		}
		session := &rsa.PKCS1v15DecryptOptions{SessionKeyLen: len(message)}
		checkDecrypted(t, s, name+", PKCS#1", pkcs1, nil, message, nil)
		checkDecrypted(t, s, name+", PKCS#1 with options", pkcs1, &rsa.PKCS1v15DecryptOptions{}, message, nil)
		if name == "paddings alone" {
			checkDecrypted(t, s, name+", session key", pkcs1, session, nil, hsm.ErrNotAllowed)
		} else {
			checkDecrypted(t, s, name+", session key", pkcs1, session, message, nil)
		}
		for _, opts := range []*rsa.OAEPOptions{
			{Hash: crypto.SHA256}, {Hash: crypto.SHA256, Label: []byte("label")}, {Hash: crypto.SHA1},
			{Hash: crypto.SHA256, MGFHash: crypto.SHA1}, {Hash: crypto.SHA384}, {Hash: crypto.SHA3_256},
		} {
			c, err := rsa.EncryptOAEPWithOptions(rand.Reader, public, message, opts)
			if err != nil {
				t.Fatal(err)
			}
			var want error
			if name == "paddings alone" && (opts.Hash != crypto.SHA256 || opts.MGFHash != 0 || opts.Label != nil) {
				want = hsm.ErrNotAllowed
			}
			checkDecrypted(t, s, fmt.Sprintf("%s, OAEP %+v", name, opts), c, opts, message, want)
		}
	}
}

func checkDecrypted(t *testing.T, s *hsm.Signer, name string, ciphertext []byte, opts crypto.DecrypterOpts, message []byte, want error) {
	t.Helper()
	plain, err := s.Decrypt(nil, ciphertext, opts)
	if want != nil {
		message = nil
	}
	if !bytes.Equal(plain, message) || !errors.Is(err, want) {
		t.Errorf("%s: %q, %v; expected %q, %v", name, plain, err, message, want)
	}
}

// TestSignerHidesWhatIsWrong: all that fails is one error, or a random session key.
func TestSignerHidesWhatIsWrong(t *testing.T) {
	h := connect(t, newDevice(t), wire.NoDKEK)
	s, public := rsaSigner(t, h)
	block := append([]byte{0, 2, 0}, make([]byte, public.Size()-3)...)
	short := new(big.Int).Exp(new(big.Int).SetBytes(block), big.NewInt(int64(public.E)), public.N).FillBytes(make([]byte, public.Size()))
	for name, ciphertext := range map[string][]byte{
		"zero": {}, "one": {1}, "no padding": short,
		"the modulus": public.N.Bytes(), "too long": make([]byte, public.Size()+1),
	} {
		for _, opts := range []crypto.DecrypterOpts{
			nil, &rsa.PKCS1v15DecryptOptions{}, &rsa.OAEPOptions{Hash: crypto.SHA256}, &rsa.OAEPOptions{Hash: crypto.SHA1, Label: []byte("l")},
		} {
			plain, err := s.Decrypt(nil, ciphertext, opts)
			if plain != nil || !errors.Is(err, rsa.ErrDecryption) || err.Error() != "decrypt with key 1: "+rsa.ErrDecryption.Error() {
				t.Errorf("%s, %T: %x, %v", name, opts, plain, err)
			}
		}
	}
	session := &rsa.PKCS1v15DecryptOptions{SessionKeyLen: 16}
	first, err1 := s.Decrypt(nil, short, session)
	second, err2 := s.Decrypt(nil, short, session)
	if err := errors.Join(err1, err2); err != nil || len(first) != 16 || len(second) != 16 || bytes.Equal(first, second) {
		t.Errorf("a block without padding gave the session keys %x and %x, %v", first, second, err)
	}
	if _, err := s.Decrypt(nil, short, &rsa.PKCS1v15DecryptOptions{SessionKeyLen: 128}); !errors.Is(err, rsa.ErrDecryption) {
		t.Errorf("a session key as long as the modulus: %v", err)
	}
	if _, err := s.Decrypt(nil, short, crypto.SHA256); err == nil || errors.Is(err, rsa.ErrDecryption) {
		t.Errorf("a hash as options: %v", err)
	}
}

func TestSignerOfCurveDecryptsNothing(t *testing.T) {
	h := connect(t, newDevice(t), wire.NoDKEK)
	ref, _, err := h.GenerateKey(hsm.NewKey{Key: wire.ECTemplate(p256(t))})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := h.Signer(ref)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Decrypt(nil, make([]byte, 128), nil); err == nil || !strings.Contains(err.Error(), "RSA") {
		t.Error(err)
	}
}

// TestKeyAgreement: both sides come to the same, as crypto/ecdh does.
func TestKeyAgreement(t *testing.T) {
	h := connect(t, newDevice(t), wire.NoDKEK)
	for name, on := range map[string]ecdh.Curve{"secp256r1": ecdh.P256(), "secp384r1": ecdh.P384(), "secp521r1": ecdh.P521(), "brainpoolP256r1": nil} {
		c, err := curve.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		ref, _, err := h.GenerateKey(hsm.NewKey{Key: wire.ECTemplate(c)})
		if err != nil {
			t.Fatal(err)
		}
		ours, err := h.KeyAgreement(ref)
		if on == nil {
			if err == nil || !strings.Contains(err.Error(), "P-256") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		theirs, errTheirs := on.GenerateKey(rand.Reader)
		if err := errors.Join(err, errTheirs); err != nil {
			t.Fatal(err)
		}
		secret, err := ours.ECDH(theirs.PublicKey())
		want, errWant := theirs.ECDH(ours.PublicKey())
		if err := errors.Join(err, errWant); err != nil || !bytes.Equal(secret, want) || ours.Curve() != on {
			t.Errorf("%s: %x, expected %x, %v", name, secret, want, err)
		}
		other, err := ecdh.X25519().GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ours.ECDH(other.PublicKey()); err == nil || !strings.Contains(err.Error(), "X25519") {
			t.Errorf("%s with X25519: %v", name, err)
		}
	}
	s, _ := rsaSigner(t, h)
	if _, err := h.KeyAgreement(s.Ref()); err == nil {
		t.Error("an RSA key agrees")
	}
}
