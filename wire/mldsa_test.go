package wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"

	"conclave/wire"
)

// TestMLDSA: keys go through a card's request and certificates, and through a
// SubjectPublicKeyInfo.
func TestMLDSA(t *testing.T) {
	for _, p := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		t.Run(p.String(), func(t *testing.T) {
			wanted, err := wire.ParseKeyType(strings.ToLower(p.String()))
			if err != nil || !wanted.Equal(wire.MLDSATemplate(p)) {
				t.Fatalf("%+v, %v", wanted, err)
			}
			encoded, err := wire.KeyRequest{CHR: "UTTEST00001", CAR: "UTTEST00001", Key: wanted}.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if request, err := wire.ParseKeyRequest(encoded); err != nil || !request.Key.Equal(wanted) {
				t.Errorf("the card is asked for %+v, %v", request, err)
			}
			private, err := mldsa.NewPrivateKey(p, bytes.Repeat([]byte{1}, mldsa.PrivateKeySize))
			if err != nil {
				t.Fatal(err)
			}
			public := wire.MLDSAPublicKey(private.PublicKey())
			if name := fmt.Sprintf("%s-%d", public.Type, public.Size()); name != p.String() {
				t.Errorf("it is described as %s", name)
			}
			testMLDSARequest(t, private, public)
			testMLDSAMu(t, private)
			spki, err := public.SPKI()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := wire.ParseSPKI(spki); err != nil || !again.Equal(public) {
				t.Errorf("its SubjectPublicKeyInfo says %+v, %v", again, err)
			}
		})
	}
}

// testMLDSARequest has a key sign a request for its own certificate.
func testMLDSARequest(t *testing.T, private *mldsa.PrivateKey, public wire.PublicKey) {
	t.Helper()
	sign := func(message []byte) ([]byte, error) { return private.Sign(nil, message, nil) }
	request, err := wire.SelfRequest(public, sign)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := wire.ParseAuthenticatedRequest(request)
	if err != nil || !parsed.Request.Key.Equal(public) || parsed.Verify(public) != nil {
		t.Errorf("the request is for %+v, %v", parsed.Request.Key, err)
	}
	other := bytes.Clone(request)
	other[len(other)-1] ^= 1
	if parsed, err := wire.ParseAuthenticatedRequest(other); err == nil && parsed.Verify(public) == nil {
		t.Error("a request was taken whose signature has a bit changed")
	}
}

// testMLDSAMu: what is signed as the representative of a message verifies as a signature
// of the message, in its context alone.
func testMLDSAMu(t *testing.T, private *mldsa.PrivateKey) {
	t.Helper()
	message := []byte("a message")
	for _, context := range []string{"", "certificates", strings.Repeat("c", 255)} {
		shake, err := wire.MLDSAMu(private.PublicKey(), context)
		if err != nil {
			t.Fatal(err)
		}
		shake.Write(message)
		mu := make([]byte, wire.MuSize)
		shake.Read(mu)
		signature, err := private.Sign(nil, mu, mldsacrypto.MLDSAMu)
		if err != nil {
			t.Fatal(err)
		}
		if err := mldsa.Verify(private.PublicKey(), message, signature, &mldsa.Options{Context: context}); err != nil {
			t.Errorf("in context %q: %v", context, err)
		}
		if mldsa.Verify(private.PublicKey(), message, signature, &mldsa.Options{Context: "another"}) == nil {
			t.Errorf("made in context %q, it verifies in another", context)
		}
	}
	if _, err := wire.MLDSAMu(private.PublicKey(), strings.Repeat("c", 256)); err == nil {
		t.Error("a context of 256 bytes was taken")
	}
}
