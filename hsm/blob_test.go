package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"conclave/apdu"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

func TestRSASizes(t *testing.T) {
	h := connect(t, newDevice(t), 0)
	for _, bits := range []int{1024, 1536, 3072, 4096} {
		ref, _, err := h.GenerateKey(hsm.NewKey{Key: wire.RSATemplate(bits)})
		if err != nil {
			t.Errorf("%d bits: %v", bits, err)
			continue
		}
		signer, err := h.Signer(ref)
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256([]byte("size"))
		signature, err := signer.Sign(nil, digest[:], crypto.SHA256)
		if err == nil {
			err = rsa.VerifyPKCS1v15(signer.Public().(*rsa.PublicKey), crypto.SHA256, digest[:], signature)
		}
		if err != nil {
			t.Errorf("%d bits: %v", bits, err)
		}
		// OpenSC 0.23 has 1500 bytes for a blob, and 4096 for the request.
		f, err := h.WrapKey(ref)
		if err != nil || len(f.Blob) > 1500 || len(f.Certificate) > 4096 {
			t.Errorf("%d bits: blob of %d bytes, request of %d, %v", bits, len(f.Blob), len(f.Certificate), err)
		}
	}
	if _, _, err := h.GenerateKey(hsm.NewKey{Key: wire.RSATemplate(2050)}); err == nil {
		t.Error("a key of 2050 bits was made")
	}
}

// TestBlobsInTheDataField: UNWRAP KEY takes a blob from its data field too, as
// older hosts send it; short commands chain it.
func TestBlobsInTheDataField(t *testing.T) {
	h, c := withShareOn(t, newDevice(t))
	f := readWrapFile(t, "testdata/2-of-4/rsa-2048.wrap")
	for ref, send := range map[byte]func(apdu.Card, apdu.Command) (apdu.Response, error){
		1: apdu.Exchange, 2: apdu.ExchangeShort,
	} {
		r, err := send(c, apdu.Command{CLA: wire.ClassProprietary, INS: wire.InsUnwrapKey, P1: ref, P2: wire.UnwrapMode, Data: f.Blob})
		if err != nil || r.SW != apdu.OK {
			t.Fatalf("reference %d: %v, %v", ref, r.SW, err)
		}
		if err := h.WriteFile(wire.PrefixEECert.File(ref), f.Certificate); err != nil {
			t.Fatal(err)
		}
		checkRestored(t, h, ref, "rsa-2048")
	}
}

// TestAESBlobsPassThrough: the card does not use AES keys yet, and keeps them.
func TestAESBlobsPassThrough(t *testing.T) {
	share := make(secret.Bytes, dkek.ShareSize)
	rand.Read(share)
	kek, err := dkek.New(share)
	if err != nil {
		t.Fatal(err)
	}
	h := connect(t, newDevice(t), 1)
	if _, err := h.ImportShare(share); err != nil {
		t.Fatal(err)
	}
	for i, size := range []int{16, 24, 32} {
		want := make(dkek.AESKey, size)
		rand.Read(want)
		meta := dkek.Metadata{AllowedAlgorithms: []byte{0x10, 0x11, byte(wire.AlgorithmWrap)}}
		blob, err := kek.Wrap(rand.Reader, want, meta)
		if err != nil {
			t.Fatal(err)
		}
		ref := byte(i + 1)
		if err := h.UnwrapKey(ref, wire.WrapFile{Blob: blob}, false); err != nil {
			t.Fatal(err)
		}
		f, err := h.WrapKey(ref)
		if err != nil {
			t.Fatal(err)
		}
		got, gotMeta, err := kek.Unwrap(f.Blob)
		if err != nil || !bytes.Equal(got.(dkek.AESKey), want) || !bytes.Equal(gotMeta.AllowedAlgorithms, meta.AllowedAlgorithms) {
			t.Errorf("AES-%d: another key or list came back, %v", 8*size, err)
		}
		if _, err := h.Sign(ref, wire.RSARaw, make([]byte, 16)); err == nil {
			t.Errorf("AES-%d signs", 8*size)
		}
	}
}
