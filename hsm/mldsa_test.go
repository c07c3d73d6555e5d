package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"
	"filippo.io/mldsa/x509"

	"conclave/hsm"
	"conclave/wire"
)

// TestNoMLDSA: devices answer in their own ways to an object identifier that they do
// not know, and nothing is left of what was not made.
func TestNoMLDSA(t *testing.T) {
	for _, status := range [][]byte{{0x6A, 0x80}, {0x6A, 0x81}, {0x64, 0x00}, {0x69, 0x85}, {0x6F, 0x00}} {
		h := (&otherwise{answers: map[[2]byte][][]byte{{wire.InsGenerateKeyPair, 0}: {status}}}).device(t)
		before, err := h.Files()
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = h.GenerateKey(hsm.NewKey{Key: wire.MLDSATemplate(mldsa.MLDSA65())})
		if !errors.Is(err, hsm.ErrNoMLDSA) {
			t.Errorf("%X: %v", status, err)
		}
		if after, err := h.Files(); err != nil || len(after) != len(before) {
			t.Errorf("%X: files %X, before %X, %v", status, after, before, err)
		}
	}
	h := (&otherwise{answers: map[[2]byte][][]byte{{wire.InsGenerateKeyPair, 0}: {{0x69, 0x82}}}}).device(t)
	_, _, err := h.GenerateKey(hsm.NewKey{Key: wire.MLDSATemplate(mldsa.MLDSA65())})
	if err == nil || errors.Is(err, hsm.ErrNoMLDSA) {
		t.Errorf("without a login: %v", err)
	}
}

// forEachMLDSA runs body with each parameter set.
func forEachMLDSA(t *testing.T, body func(t *testing.T, p mldsa.Parameters)) {
	for _, p := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		t.Run(p.String(), func(t *testing.T) { body(t, p) })
	}
}

// newMLDSA makes a key, and gives its signer.
func newMLDSA(t *testing.T, h *hsm.HSM, p mldsa.Parameters) *hsm.Signer {
	t.Helper()
	ref, _, err := h.GenerateKey(hsm.NewKey{Key: wire.MLDSATemplate(p), Label: "post-quantum"})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := h.Signer(ref)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// TestMLDSASigner: the options are read as mldsa.PrivateKey reads them.
func TestMLDSASigner(t *testing.T) {
	forEachMLDSA(t, func(t *testing.T, p mldsa.Parameters) {
		signer := newMLDSA(t, withShare(t), p)
		public, ok := signer.Public().(*mldsa.PublicKey)
		if !ok || public.Parameters() != p {
			t.Fatalf("public key %T", signer.Public())
		}
		message := bytes.Repeat([]byte("long"), 100_000) // more than any command carries
		mu, err := wire.MLDSAMu(public, "")
		if err != nil {
			t.Fatal(err)
		}
		mu.Write(message)
		representative := make([]byte, wire.MuSize)
		mu.Read(representative)
		context := &mldsa.Options{Context: "a context"}
		for _, test := range []struct {
			input  []byte
			opts   crypto.SignerOpts
			verify *mldsa.Options
		}{
			{message, nil, nil}, {message, crypto.Hash(0), nil}, {message, (*mldsa.Options)(nil), nil}, {message, &mldsa.Options{}, nil},
			{message, context, context}, {representative, mldsacrypto.MLDSAMu, nil}, {message, signer.Options(), nil},
		} {
			for _, sign := range []func(io.Reader, []byte, crypto.SignerOpts) ([]byte, error){signer.Sign, signer.SignMessage} {
				signature, err := sign(nil, test.input, test.opts)
				if err != nil {
					t.Fatalf("%v: %v", test.opts, err)
				}
				if err := mldsa.Verify(public, message, signature, test.verify); err != nil {
					t.Errorf("%v: %v", test.opts, err)
				}
			}
		}
	})
}

func TestMLDSASignerRefuses(t *testing.T) {
	h := withShare(t)
	signer := newMLDSA(t, h, mldsa.MLDSA44())
	for want, try := range map[string]struct {
		input []byte
		opts  crypto.SignerOpts
	}{
		"hash SHA-256; an ML-DSA key signs the message itself": {make([]byte, 32), crypto.SHA256},
		"hash SHA-512; an ML-DSA key signs the message itself": {make([]byte, 64), &rsa.PSSOptions{Hash: crypto.SHA512}},
		"μ of 63 bytes; 64 were expected":                      {make([]byte, 63), mldsacrypto.MLDSAMu},
		"a context of 256 bytes; 255 at most":                  {nil, &mldsa.Options{Context: strings.Repeat("c", 256)}},
	} {
		for _, sign := range []func(io.Reader, []byte, crypto.SignerOpts) ([]byte, error){signer.Sign, signer.SignMessage} {
			if _, err := sign(nil, try.input, try.opts); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		}
	}
	if _, err := signer.Decrypt(nil, make([]byte, 64), nil); err == nil {
		t.Error("it decrypts")
	}
	if _, err := h.KeyAgreement(signer.Ref()); err == nil {
		t.Error("it agrees on keys")
	}
}

// TestMLDSAKeys: what a device says of such a key, and what becomes of it in a backup.
func TestMLDSAKeys(t *testing.T) {
	forEachMLDSA(t, func(t *testing.T, p mldsa.Parameters) {
		h := withShare(t)
		signer := newMLDSA(t, h, p)
		keys, err := h.Keys()
		if err != nil || len(keys) != 1 || keys[0].Size() != p.String() || (hsm.Key{Description: keys[0].Description}).Size() != p.String() {
			t.Fatalf("%+v, %v", keys, err)
		}
		public := *keys[0].Public
		checkAttested(t, h, signer.Ref())
		f, err := h.WrapKey(signer.Ref())
		if err != nil {
			t.Fatal(err)
		}
		if shown, err := hsm.ParsePublic(f.Certificate); err != nil || !shown.Equal(public) {
			t.Errorf("the backup shows %+v, %v", shown, err)
		}
		if err := h.UnwrapKey(signer.Ref(), f, true); err != nil { // in place of itself
			t.Fatal(err)
		}
		if err := h.DeleteKey(signer.Ref()); err != nil {
			t.Fatal(err)
		}
		if err := h.UnwrapKey(9, f, false); err != nil {
			t.Fatal(err)
		}
		if err := h.Prove(9, public); err != nil {
			t.Error(err)
		}
		if err := h.Prove(9, wire.MLDSAPublicKey(newMLDSA(t, h, p).Public().(*mldsa.PublicKey))); !errors.Is(err, hsm.ErrAnotherKey) {
			t.Errorf("with the public half of another key: %v", err)
		}
	})
}

// checkAttested: the request that was answered is in the file of the key.
func checkAttested(t *testing.T, h *hsm.HSM, ref byte) {
	t.Helper()
	content, err := h.Certificate(ref)
	if err != nil {
		t.Fatal(err)
	}
	request, err := wire.ParseAuthenticatedRequest(content)
	if err != nil {
		t.Fatal(err)
	}
	device, err := h.Device()
	if err != nil {
		t.Fatal(err)
	}
	if err := device.Chain.CheckAttestation(request); err != nil {
		t.Error(err)
	}
}

// TestMLDSAWithoutPublicHalf: a key that lost what shows its public half is found by a
// signature, and gets a request that it signs itself, or a certificate.
func TestMLDSAWithoutPublicHalf(t *testing.T) {
	forEachMLDSA(t, func(t *testing.T, p mldsa.Parameters) {
		h := withShare(t)
		newMLDSA(t, h, p)
		signer := newMLDSA(t, h, p)
		spki, err := x509.MarshalPKIXPublicKey(signer.Public())
		if err != nil {
			t.Fatal(err)
		}
		if err := h.DeleteFile(wire.PrefixEECert.File(signer.Ref())); err != nil {
			t.Fatal(err)
		}
		if _, err := h.AskPublic(signer.Ref(), wire.KeyMLDSA); err == nil || !strings.Contains(err.Error(), "what an ML-DSA key signs does not give it away") {
			t.Errorf("it tells its public half: %v", err)
		}
		found, err := h.FindSigner(spki)
		if err != nil || found.Ref() != signer.Ref() {
			t.Fatalf("found %+v, %v", found, err)
		}
		public := wire.MLDSAPublicKey(signer.Public().(*mldsa.PublicKey))
		if err := h.KeepPublic(signer.Ref(), public); err != nil {
			t.Fatal(err)
		}
		if shown, err := h.PublicKey(signer.Ref()); err != nil || !shown.Equal(public) {
			t.Errorf("it shows %+v, %v", shown, err)
		}
		certificate := certificateFor(t, spki, signer)
		if err := h.SetCertificate(signer.Ref(), certificate); err != nil {
			t.Fatal(err)
		}
		if kept, err := h.Certificate(signer.Ref()); err != nil || !bytes.Equal(kept, certificate) {
			t.Errorf("of a certificate of %d bytes there are %d, %v", len(certificate), len(kept), err)
		}
	})
}

// certificateFor is a certificate as far as it is read for its key: 7.5 kB for ML-DSA-87.
func certificateFor(t *testing.T, spki []byte, signer *hsm.Signer) []byte {
	t.Helper()
	algorithm := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 17}}
	tbs, err := asn1.Marshal(struct {
		Version  int `asn1:"explicit,tag:0"`
		Serial   int
		Signed   pkix.AlgorithmIdentifier
		Issuer   pkix.RDNSequence
		Validity struct{}
		Subject  pkix.RDNSequence
		Key      asn1.RawValue
	}{Version: 2, Serial: 1, Signed: algorithm, Key: asn1.RawValue{FullBytes: spki}})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign(nil, tbs, nil)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := asn1.Marshal(struct {
		TBS       asn1.RawValue
		Signed    pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: tbs}, algorithm, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
