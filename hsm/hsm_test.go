package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/apdu"
	"conclave/card"
	"conclave/card/store/memory"
	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/keyop"
	"conclave/internal/secret"
	"conclave/link"
	"conclave/wire"
)

var (
	userPIN = secret.Bytes("648219")
	soPIN   = secret.Bytes("57621880")
)

// newDevice makes a card that no one has initialised.
func newDevice(t testing.TB) *card.Card {
	t.Helper()
	issuer, err := card.NewDeviceIssuer(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := memory.New()
	if _, err := card.Manufacture(s, issuer, time.Now()); err != nil {
		t.Fatal(err)
	}
	c, err := card.New(s, card.Config{Keys: keyop.Go(), Log: slog.New(slog.DiscardHandler),
		PINCost: card.PINCost{Time: 1, Memory: 8, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// connect opens a session and initialises the device.
func connect(t testing.TB, c *card.Card, shares int) *hsm.HSM {
	t.Helper()
	h, err := hsm.Open(link.Direct(c))
	if err != nil {
		t.Fatal(err)
	}
	init := wire.UsualInitialization(userPIN, soPIN, shares)
	if err := h.Initialize(init, "Test"); err != nil {
		t.Fatal(err)
	}
	if err := h.Login(wire.UserPIN, userPIN); err != nil {
		t.Fatal(err)
	}
	return h
}

// withShare is a device whose DKEK is that of testdata/2-of-4.
func withShare(t testing.TB) *hsm.HSM {
	t.Helper()
	h, _ := withShareOn(t, newDevice(t))
	return h
}

func withShareOn(t testing.TB, c *card.Card) (*hsm.HSM, *card.Card) {
	t.Helper()
	h := connect(t, c, 1)
	text, err := os.ReadFile("testdata/2-of-4/dkek.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "DKEK share ")
	share, err := hex.DecodeString(after[:64])
	if err != nil {
		t.Fatal(err)
	}
	status, err := h.ImportShare(share)
	if err != nil || fmt.Sprintf("%X", status.KCV) != "7C7D7EC59505B990" {
		t.Fatalf("KCV %X, %v", status.KCV, err)
	}
	return h, c
}

func p256(t testing.TB) *curve.Curve {
	t.Helper()
	c, err := curve.ByName("secp256r1")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLabelAndStatus(t *testing.T) {
	c := newDevice(t)
	h, err := hsm.Open(link.Direct(c))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := h.Status(); err != nil || s.Initialised || s.Version.String() != "3.5" {
		t.Errorf("a new device: %+v, %v", s, err)
	}
	h = connect(t, c, 2)
	s, err := h.Status()
	if err != nil || !s.Initialised || !s.User.Verified || s.SO.Tries != 15 || s.DKEK.Outstanding != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	content, err := h.ReadFile(wire.EFTokenInfo)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := wire.ParseTokenInfo(content); err != nil || info.Label != "Test" {
		t.Errorf("label %q, %v", info.Label, err)
	}
}

func TestPINErrorsSayTheTriesLeft(t *testing.T) {
	h := connect(t, newDevice(t), wire.NoDKEK)
	for tries := 2; tries >= 0; tries-- {
		err := h.Login(wire.UserPIN, secret.Bytes("000000"))
		var refused *hsm.PINError
		if !errors.As(err, &refused) || refused.Tries != tries {
			t.Errorf("%v; %d tries left were expected", err, tries)
		}
	}
	if err := h.ResetPIN(soPIN, secret.Bytes("121212")); err != nil {
		t.Error(err)
	}
	if err := h.Login(wire.UserPIN, secret.Bytes("121212")); err != nil {
		t.Error(err)
	}
}

func TestGeneratedKeysAreAttestedByTheDevice(t *testing.T) {
	h := connect(t, newDevice(t), wire.NoDKEK)
	device, err := h.Device()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range curve.All() {
		ref, request, err := h.GenerateKey(hsm.NewKey{Key: wire.ECTemplate(c), Label: c.Name})
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if err := request.Verify(device.Chain.Device().Key); err != nil || request.OuterCAR != device.Chain.Device().CHR {
			t.Errorf("%s: outer authority %q, %v", c.Name, request.OuterCAR, err)
		}
		for _, hash := range []crypto.Hash{0, crypto.SHA1, crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
			verifyECDSA(t, h, ref, request.Request.Key, hash)
		}
		agree(t, h, ref, c)
	}
	keys, err := h.Keys()
	if err != nil || len(keys) != len(curve.All()) {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for i, k := range keys {
		if c := curve.All()[i]; k.Ref != byte(i+1) || k.Size() != c.Name || k.Description.Label != c.Name || k.Description.Bits != c.Bits {
			t.Errorf("key %d is listed as %+v, %s", i+1, k.Description, k.Size())
		}
	}
}

// algorithmByte is the card's number for a hash, in the lower half of the byte.
func algorithmByte(h crypto.Hash) wire.Algorithm {
	order := []crypto.Hash{0, crypto.SHA1, crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512}
	return wire.Algorithm(slices.Index(order, h))
}

func verifyECDSA(t *testing.T, h *hsm.HSM, ref byte, k wire.PublicKey, hash crypto.Hash) {
	t.Helper()
	message := []byte("to be signed")
	digest := sha256.Sum256(message)
	sent, hashed := digest[:], digest[:]
	if hash != 0 {
		sent = message
		sum := hash.New()
		sum.Write(message)
		hashed = sum.Sum(nil)
	}
	signature, err := h.Sign(ref, wire.ECDSA|algorithmByte(hash), sent)
	if err != nil || !k.Curve.Verify(k.Point, hashed, signature) {
		t.Errorf("%s, hash %d: the signature does not verify, %v", k.Curve.Name, hash, err)
	}
}

// agree does ECDH from both sides.
func agree(t *testing.T, h *hsm.HSM, ref byte, c *curve.Curve) {
	t.Helper()
	public, err := h.PublicKey(ref)
	if err != nil {
		t.Fatal(err)
	}
	other, err := c.Generate()
	if err != nil {
		t.Fatal(err)
	}
	want, err := other.ECDH(public.Point)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := h.Decipher(ref, wire.ECDH, other.Q); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: the two sides do not agree, %v", c.Name, err)
	}
	bad := bytes.Clone(other.Q)
	bad[len(bad)-1] ^= 1
	if _, err := h.Decipher(ref, wire.ECDH, bad); !errors.Is(err, apdu.WrongData) {
		t.Errorf("%s: a point off the curve gave %v", c.Name, err)
	}
}

func TestRSA(t *testing.T) {
	h := connect(t, newDevice(t), wire.NoDKEK)
	ref, request, err := h.GenerateKey(hsm.NewKey{Key: wire.RSATemplate(2048), Label: "RSA"})
	if err != nil {
		t.Fatal(err)
	}
	device, err := h.Device()
	if err != nil {
		t.Fatal(err)
	}
	if err := request.Verify(device.Chain.Device().Key); err != nil {
		t.Error(err)
	}
	signer, err := h.Signer(ref)
	if err != nil {
		t.Fatal(err)
	}
	public := signer.Public().(*rsa.PublicKey)
	message := []byte("to be signed")
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		sum := hash.New()
		sum.Write(message)
		digest := sum.Sum(nil)
		onCard := algorithmByte(hash)
		for _, sign := range []func() ([]byte, error){
			func() ([]byte, error) { return signer.Sign(nil, digest, hash) },
			func() ([]byte, error) { return h.Sign(ref, wire.RSAPKCS1|onCard, message) },
		} {
			signature, err := sign()
			if err == nil {
				err = rsa.VerifyPKCS1v15(public, hash, digest, signature)
			}
			if err != nil {
				t.Errorf("PKCS#1, %v: %v", hash, err)
			}
		}
		pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
		for _, sign := range []func() ([]byte, error){
			func() ([]byte, error) { return signer.Sign(nil, digest, pss) },
			func() ([]byte, error) { return h.Sign(ref, wire.RSAPSS|onCard, message) },
		} {
			signature, err := sign()
			if err == nil {
				err = rsa.VerifyPSS(public, hash, digest, signature, pss)
			}
			if err != nil {
				t.Errorf("PSS, %v: %v", hash, err)
			}
		}
	}
	decryptRSA(t, h, ref, public)
}

func decryptRSA(t *testing.T, h *hsm.HSM, ref byte, public *rsa.PublicKey) {
	t.Helper()
	plain := []byte("the plaintext")
	//lint:ignore SA1019 the card deciphers it
	pkcs1, err := rsa.EncryptPKCS1v15(rand.Reader, public, plain)
	if err != nil {
		t.Fatal(err)
	}
	oaep, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, ciphertext := range map[wire.Algorithm][]byte{wire.RSADecryptPKCS1: pkcs1, wire.RSADecryptOAEP: oaep} {
		if got, err := h.Decipher(ref, algorithm, ciphertext); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("algorithm %02X: %q, %v", algorithm, got, err)
		}
		ciphertext[20] ^= 1
		if _, err := h.Decipher(ref, algorithm, ciphertext); !errors.Is(err, apdu.WrongData) {
			t.Errorf("algorithm %02X, changed: %v", algorithm, err)
		}
	}
	block := append([]byte{0}, bytes.Repeat([]byte{0x5A}, public.Size()-1)...)
	power := new(big.Int).Exp(new(big.Int).SetBytes(block), big.NewInt(int64(public.E)), public.N)
	if got, err := h.Decipher(ref, wire.RSADecryptRaw, power.FillBytes(make([]byte, public.Size()))); err != nil || !bytes.Equal(got, block) {
		t.Errorf("raw: %v", err)
	}
}

func TestSignerMakesCertificates(t *testing.T) {
	h := connect(t, newDevice(t), wire.NoDKEK)
	for _, key := range []wire.PublicKey{wire.RSATemplate(2048), wire.ECTemplate(p256(t))} {
		ref, _, err := h.GenerateKey(hsm.NewKey{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		signer, err := h.Signer(ref)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Root"},
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
		der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		// A certificate in place of the request leaves the key as it was.
		if err := h.WriteFile(wire.PrefixEECert.File(ref), der); err != nil {
			t.Fatal(err)
		}
		again, err := h.Signer(ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, ec := again.Public().(*ecdsa.PublicKey); ec != (key.Type == wire.KeyEC) {
			t.Errorf("the certificate's key is a %T", again.Public())
		}
	}
}

func TestUseCounterAndAlgorithmList(t *testing.T) {
	h := connect(t, newDevice(t), 0)
	uses := uint32(2)
	ref, _, err := h.GenerateKey(hsm.NewKey{Key: wire.ECTemplate(p256(t)), KeyLimits: wire.KeyLimits{UseCounter: &uses, Algorithms: []byte{byte(wire.ECDSA)}}})
	if err != nil {
		t.Fatal(err)
	}
	digest := make([]byte, 32)
	if _, err := h.Decipher(ref, wire.ECDH, p256(t).G); !errors.Is(err, apdu.FunctionNotSupported) {
		t.Errorf("an algorithm that is not in the list: %v", err)
	}
	for use := 1; use <= 3; use++ {
		fcp, err := h.SelectKey(ref)
		if err != nil {
			t.Fatal(err)
		}
		limits, err := wire.ParseKeyLimits(fcp)
		if err != nil || limits.UseCounter == nil || int(*limits.UseCounter) != 3-use || !bytes.Equal(limits.Algorithms, []byte{byte(wire.ECDSA)}) {
			t.Errorf("before use %d: %+v, %v", use, limits, err)
		}
		if _, err := h.Sign(ref, wire.ECDSA, digest); (err == nil) != (use <= 2) || use > 2 && !strings.Contains(err.Error(), "its uses are exhausted") {
			t.Errorf("use %d: %v", use, err)
		}
	}
	if _, err := h.WrapKey(ref); !errors.Is(err, apdu.ConditionsNotSatisfied) {
		t.Errorf("a key whose uses are counted was wrapped: %v", err)
	}
	if err := h.Logout(); err != nil {
		t.Fatal(err)
	}
	fcp, err := h.SelectKey(ref)
	if err != nil {
		t.Fatal(err)
	}
	if limits, err := wire.ParseKeyLimits(fcp); err != nil || limits.UseCounter != nil || limits.Algorithms != nil {
		t.Errorf("without a login: %+v, %v", limits, err)
	}
	if _, err := h.SelectKey(ref + 1); !errors.Is(err, hsm.ErrNotFound) {
		t.Errorf("a key that does not exist: %v", err)
	}
}

// Keys that another card made and wrapped come back, and are the same keys.
func TestForeignBlobs(t *testing.T) {
	h := withShare(t)
	files, err := filepath.Glob("testdata/2-of-4/*.wrap")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d blobs, %v", len(files), err)
	}
	for i, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".wrap")
		f := readWrapFile(t, path)
		ref := byte(10 + i)
		if err := h.UnwrapKey(ref, f, false); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkRestored(t, h, ref, name)
	}
}

func readWrapFile(t *testing.T, path string) wire.WrapFile {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := wire.ParseWrapFile(content)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// checkRestored signs with the private key that was unwrapped, and verifies
// with the public key that another program read from another card.
func checkRestored(t *testing.T, h *hsm.HSM, ref byte, name string) {
	t.Helper()
	text, err := os.ReadFile("testdata/2-of-4/" + name + ".pub.pem")
	if errors.Is(err, os.ErrNotExist) {
		return // OpenSC could not read this one; the card has checked Q = d·G
	}
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	public, err := wire.ParseSPKI(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(name))
	signer, err := h.Signer(ref)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if public.Type == wire.KeyEC {
		if !public.Curve.Verify(public.Point, digest[:], signature) {
			t.Errorf("%s: the restored key is not the one that was wrapped", name)
		}
		return
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA256, digest[:], signature); err != nil {
		t.Errorf("%s: the restored key is not the one that was wrapped: %v", name, err)
	}
}

func TestWrapAndUnwrapRefusals(t *testing.T) {
	h := withShare(t)
	f := readWrapFile(t, "testdata/2-of-4/EC-secp256r1.wrap")
	if err := h.UnwrapKey(1, f, false); err != nil {
		t.Fatal(err)
	}
	if err := h.UnwrapKey(1, f, false); !errors.Is(err, hsm.ErrOccupied) {
		t.Errorf("an occupied reference: %v", err)
	}
	damaged := f
	damaged.Blob = bytes.Clone(f.Blob)
	damaged.Blob[len(damaged.Blob)-20] ^= 1
	if err := h.UnwrapKey(1, damaged, true); !errors.Is(err, hsm.ErrDamaged) {
		t.Errorf("a damaged blob: %v", err)
	}
	checkRestored(t, h, 1, "EC-secp256r1") // it did not cost the key that it was to replace
	if err := h.UnwrapKey(2, damaged, false); !errors.Is(err, hsm.ErrDamaged) {
		t.Errorf("a damaged blob: %v", err)
	}
	if keys, err := h.Keys(); err != nil || len(keys) != 1 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	if files, err := h.Files(); err != nil || slices.Contains(files, wire.PrefixPrKD.File(2)) {
		t.Errorf("the description of a key that failed stayed behind: %04X, %v", files, err)
	}
	if err := h.UnwrapKey(1, f, true); err != nil {
		t.Errorf("replacing: %v", err)
	}
	checkRestored(t, h, 1, "EC-secp256r1")
	// What described the old key goes with it, even if the file has nothing new.
	if err := h.UnwrapKey(1, wire.WrapFile{Blob: readWrapFile(t, "testdata/2-of-4/EC-secp521r1.wrap").Blob}, true); err != nil {
		t.Errorf("replacing without a certificate: %v", err)
	}
	if k, err := h.PublicKey(1); !errors.Is(err, hsm.ErrNotFound) {
		t.Errorf("the new key has the old one's public key: %+v, %v", k, err)
	}

	stranger := connect(t, newDevice(t), 0)
	if err := stranger.UnwrapKey(1, f, false); !errors.Is(err, hsm.ErrForeignDKEK) {
		t.Errorf("another DKEK: %v", err)
	}
	for shares, name := range map[int]string{wire.NoDKEK: "without DKEK", 2: "DKEK pending"} {
		h := connect(t, newDevice(t), shares)
		if err := h.UnwrapKey(1, f, false); !errors.Is(err, hsm.ErrNoDKEK) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSharesMakeOneDKEKInAnyOrder(t *testing.T) {
	shares := []secret.Bytes{make(secret.Bytes, 32), make(secret.Bytes, 32), make(secret.Bytes, 32)}
	for i, s := range shares {
		rand.Read(s)
		shares[i] = s
	}
	var first [8]byte
	for _, order := range [][]int{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}} {
		h := connect(t, newDevice(t), 3)
		var status *wire.DKEKStatus
		var err error
		for n, i := range order {
			if status, err = h.ImportShare(shares[i]); err != nil || status.Outstanding != 2-n {
				t.Fatalf("share %d: %+v, %v", n+1, status, err)
			}
			if _, err := h.ImportShare(shares[i]); err == nil {
				t.Error("a share was taken twice: it cancels out")
			}
		}
		if first == [8]byte{} {
			first = status.KCV
		}
		if status.KCV != first || first == [8]byte{} {
			t.Errorf("KCV %X, %X before", status.KCV, first)
		}
	}
}
