package rsapad_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"conclave/internal/foreign"
	"conclave/internal/rsapad"
	"conclave/internal/testrun"
)

func hashes() []crypto.Hash {
	return []crypto.Hash{crypto.SHA1, crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA3_256}
}

func newKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// raw is the private operation, without anything that a card would do for it.
func raw(k *rsa.PrivateKey, in []byte) []byte {
	return new(big.Int).Exp(new(big.Int).SetBytes(in), k.D, k.N).FillBytes(make([]byte, k.Size()))
}

func randomBytes(r *mathrand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestPSSVerifies judges by crypto/rsa, which has one hash for both.
func TestPSSVerifies(t *testing.T) {
	random := testrun.Random(t)
	for _, bits := range []int{1024, 1025, 1026, 1031, 2048} {
		k := newKey(t, bits)
		for _, hash := range hashes() {
			for _, salt := range []int{0, 1, 20, hash.Size(), (bits+6)/8 - hash.Size() - 2} {
				if salt+hash.Size()+2 > (bits+6)/8 {
					continue
				}
				digest := randomBytes(random, hash.Size())
				em, err := rsapad.EncodePSS(hash, hash, digest, randomBytes(random, salt), bits-1)
				if err != nil {
					t.Fatal(err)
				}
				options := &rsa.PSSOptions{SaltLength: salt}
				if salt == 0 {
					options.SaltLength = rsa.PSSSaltLengthAuto
				}
				if err := rsa.VerifyPSS(&k.PublicKey, hash, digest, raw(k, em), options); err != nil {
					t.Errorf("%d bits, %v, salt of %d: %v", bits, hash, salt, err)
				}
				mgf := hashes()[random.IntN(len(hashes()))]
				em, err = rsapad.EncodePSS(hash, mgf, digest, randomBytes(random, salt), bits-1)
				if err != nil {
					t.Fatal(err)
				}
				verifyOnlyThis(t, random, hash, mgf, digest, em, salt, bits-1)
			}
		}
	}
}

// verifyOnlyThis wants the block, and no other, no other salt, and no other digest.
func verifyOnlyThis(t *testing.T, random *mathrand.Rand, hash, mgf crypto.Hash, digest, em []byte, salt, emBits int) {
	t.Helper()
	if err := rsapad.VerifyPSS(hash, mgf, digest, em, salt, emBits); err != nil {
		t.Errorf("%v, MGF1 with %v, salt of %d, %d bits: %v", hash, mgf, salt, emBits, err)
	}
	other, flipped := bytes.Clone(digest), bytes.Clone(em)
	other[random.IntN(len(other))] ^= 1
	flipped[random.IntN(len(em))] ^= 1 << random.IntN(8)
	for name, err := range map[string]error{
		"another digest": rsapad.VerifyPSS(hash, mgf, other, em, salt, emBits),
		"another block":  rsapad.VerifyPSS(hash, mgf, digest, flipped, salt, emBits),
		"a longer salt":  rsapad.VerifyPSS(hash, mgf, digest, em, salt+1, emBits),
		"a shorter salt": rsapad.VerifyPSS(hash, mgf, digest, em, salt-1, emBits),
		"a longer block": rsapad.VerifyPSS(hash, mgf, digest, append([]byte{0}, em...), salt, emBits),
	} {
		if !errors.Is(err, rsapad.ErrSignature) {
			t.Errorf("%v, MGF1 with %v, salt of %d, %d bits, %s: %v", hash, mgf, salt, emBits, name, err)
		}
	}
}

func TestPSSRefuses(t *testing.T) {
	for name, err := range map[string]error{
		"salt of a byte too much": second(rsapad.EncodePSS(crypto.SHA256, crypto.SHA256, make([]byte, 32), make([]byte, 128-32-1), 1023)),
		"modulus of no length":    second(rsapad.EncodePSS(crypto.SHA1, crypto.SHA1, make([]byte, 20), nil, 7)),
	} {
		if !errors.Is(err, rsapad.ErrTooLong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"digest of another hash": second(rsapad.EncodePSS(crypto.SHA256, crypto.SHA256, make([]byte, 20), nil, 1023)),
		"no hash":                second(rsapad.EncodePSS(0, crypto.SHA256, nil, nil, 1023)),
		"MGF1 with no hash":      second(rsapad.EncodePSS(crypto.SHA1, crypto.MD4, make([]byte, 20), nil, 1023)),
		"OAEP with no hash":      second(rsapad.DecodeOAEP(0, crypto.SHA256, make([]byte, 128), nil)),
	} {
		if err == nil || errors.Is(err, rsapad.ErrPadding) || errors.Is(err, rsapad.ErrTooLong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ []byte, err error) error { return err }

// TestOpenSSLTakesPSS has two hashes and any salt, which crypto/rsa does not verify.
func TestOpenSSLTakesPSS(t *testing.T) {
	foreign.Need(t, "openssl")
	random, dir := testrun.Random(t), t.TempDir()
	k := newKey(t, 1025)
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := write(t, dir, "public.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	for _, c := range []struct {
		hash, mgf         crypto.Hash
		hashName, mgfName string
		salt              int
	}{
		{crypto.SHA256, crypto.SHA1, "sha256", "sha1", 0},
		{crypto.SHA1, crypto.SHA512, "sha1", "sha512", 7},
		{crypto.SHA512, crypto.SHA256, "sha512", "sha256", 40},
		{crypto.SHA3_256, crypto.SHA384, "sha3-256", "sha384", 32},
	} {
		digest := randomBytes(random, c.hash.Size())
		em, err := rsapad.EncodePSS(c.hash, c.mgf, digest, randomBytes(random, c.salt), 1024)
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"pkeyutl", "-verify", "-pubin", "-inkey", public, "-in", write(t, dir, "digest", digest),
			"-sigfile", write(t, dir, "signature", raw(k, em)), "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "digest:" + c.hashName,
			"-pkeyopt", "rsa_mgf1_md:" + c.mgfName, "-pkeyopt", fmt.Sprint("rsa_pss_saltlen:", c.salt)}
		if out, err := exec.CommandContext(testrun.Patience(t), "openssl", args...).CombinedOutput(); err != nil {
			t.Errorf("%s, MGF1 with %s, salt of %d: %v\n%s", c.hashName, c.mgfName, c.salt, err, out)
		}
	}
}

func write(t *testing.T, dir, name string, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOAEPDecodes what crypto/rsa has encrypted.
func TestOAEPDecodes(t *testing.T) {
	random := testrun.Random(t)
	for _, bits := range []int{1056, 1057, 2048} {
		k := newKey(t, bits)
		for _, hash := range hashes() {
			for _, mgf := range hashes() {
				longest := k.Size() - 2*hash.Size() - 2
				for _, length := range []int{0, 1, longest / 2, longest} {
					message, label := randomBytes(random, length), randomBytes(random, random.IntN(40))
					c, err := rsa.EncryptOAEPWithOptions(rand.Reader, &k.PublicKey, message, &rsa.OAEPOptions{Hash: hash, MGFHash: mgf, Label: label})
					if err != nil {
						t.Fatal(err)
					}
					got, err := rsapad.DecodeOAEP(hash, mgf, raw(k, c), label)
					if err != nil || !bytes.Equal(got, message) {
						t.Errorf("%d bits, %v, MGF1 with %v: %x, %v; expected %x", bits, hash, mgf, got, err, message)
					}
				}
			}
		}
	}
}

// TestOAEPRefuses blocks with one bit wrong, and whatever else does not fit, by one error.
func TestOAEPRefuses(t *testing.T) {
	k := newKey(t, 1024)
	label := []byte("label")
	c, err := rsa.EncryptOAEP(crypto.SHA256.New(), rand.Reader, &k.PublicKey, []byte("message"), label)
	if err != nil {
		t.Fatal(err)
	}
	em := raw(k, c)
	for i := range em {
		em[i] ^= 1
		if got, err := rsapad.DecodeOAEP(crypto.SHA256, crypto.SHA256, em, label); err != rsapad.ErrPadding || got != nil {
			t.Errorf("byte %d changed: %x, %v", i, got, err)
		}
		em[i] ^= 1
	}
	for name, err := range map[string]error{
		"another label":     second(rsapad.DecodeOAEP(crypto.SHA256, crypto.SHA256, em, nil)),
		"another hash":      second(rsapad.DecodeOAEP(crypto.SHA384, crypto.SHA256, em, label)),
		"another MGF1":      second(rsapad.DecodeOAEP(crypto.SHA256, crypto.SHA1, em, label)),
		"a byte missing":    second(rsapad.DecodeOAEP(crypto.SHA256, crypto.SHA256, em[1:], label)),
		"shorter than that": second(rsapad.DecodeOAEP(crypto.SHA256, crypto.SHA256, em[:65], label)),
		"nothing":           second(rsapad.DecodeOAEP(crypto.SHA256, crypto.SHA256, nil, label)),
	} {
		if err != rsapad.ErrPadding {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPKCS1AgreesWithTheStandardLibrary on blocks of which every part may be wrong.
func TestPKCS1AgreesWithTheStandardLibrary(t *testing.T) {
	random := testrun.Random(t)
	k := newKey(t, 1024)
	accepted := 0
	for range 400 {
		em := block(random, k.Size())
		c := new(big.Int).Exp(new(big.Int).SetBytes(em), big.NewInt(int64(k.E)), k.N).FillBytes(make([]byte, k.Size()))
		//lint:ignore SA1019 it is what we are held against
		want, wantErr := rsa.DecryptPKCS1v15(nil, k, c)
		got, err := rsapad.DecodePKCS1(em)
		if !bytes.Equal(got, want) || (err == nil) != (wantErr == nil) || err != nil && err != rsapad.ErrPadding {
			t.Errorf("%x: %x, %v; expected %x, %v", em, got, err, want, wantErr)
		}
		if err == nil {
			accepted++
		}
		key := randomBytes(random, 16)
		wantKey := bytes.Clone(key)
		//lint:ignore SA1019 as above
		if err := errors.Join(rsa.DecryptPKCS1v15SessionKey(nil, k, c, wantKey), rsapad.DecodePKCS1Session(em, key)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(key, wantKey) {
			t.Errorf("%x: session key %x, expected %x", em, key, wantKey)
		}
	}
	if accepted < 50 || accepted > 350 {
		t.Errorf("%d of 400 blocks were accepted; some of both were expected", accepted)
	}
}

// block is a padded message, often of 16 bytes, with a mistake in half of the cases.
func block(random *mathrand.Rand, size int) []byte {
	length := 16
	if random.IntN(2) == 0 {
		length = random.IntN(size - 10)
	}
	em := randomBytes(random, size)
	for i := range em[:size-length] {
		em[i] |= 1
	}
	em[0], em[1], em[size-length-1] = 0, 2, 0
	switch random.IntN(10) {
	case 0:
		em[1] = byte(random.IntN(4))
	case 1:
		em[random.IntN(12)] = 0
	case 2:
		em[size-length-1] = 1
	case 3:
		for i := range em[2:] {
			em[2+i] |= 1
		}
	}
	return em
}

func TestPKCS1OfFewBytes(t *testing.T) {
	for length := range 12 {
		em := append([]byte{0, 2}, bytes.Repeat([]byte{1}, max(0, length-2))...)[:length]
		if length > 2 {
			em[length-1] = 0
		}
		got, err := rsapad.DecodePKCS1(em)
		if (err == nil) != (length >= 11) || len(got) != 0 {
			t.Errorf("%d bytes: %x, %v", length, got, err)
		}
	}
	if err := rsapad.DecodePKCS1Session(make([]byte, 26), make([]byte, 16)); !errors.Is(err, rsapad.ErrPadding) {
		t.Errorf("a key of 16 bytes in a block of 26: %v", err)
	}
}
