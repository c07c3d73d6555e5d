package custody_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"conclave/custody"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/wire"
)

// incoming is a key from a file, of a curve.
func incoming(t *testing.T, name string) custody.Incoming {
	t.Helper()
	key, err := mustCurve(t, name).Generate()
	if err != nil {
		t.Fatal(err)
	}
	k, finding, err := custody.NewIncoming(key)
	if finding != nil || err != nil {
		t.Fatal(finding, err)
	}
	k.Label = "from a file"
	return k
}

func TestImport(t *testing.T) {
	h, d := withVectors(t), vectorDKEK(t)
	for i, name := range []string{"secp256r1", "brainpoolP256r1"} {
		k := incoming(t, name)
		if err := k.Check(h, 0); err != nil {
			t.Fatal(err)
		}
		r, err := k.Import(h, d.DKEK, 0)
		if err != nil || r.NotTried != nil || r.Ref != byte(i+1) {
			t.Fatalf("key %d, %v, %v", r.Ref, r.NotTried, err)
		}
		keys, err := h.Keys()
		if err != nil || len(keys) != i+1 || keys[i].Public == nil || !keys[i].Public.Equal(k.Public) || keys[i].Description.Label != "from a file" {
			t.Fatalf("the device has %v (%v)", keys, err)
		}
		var present *custody.PresentError
		if err := k.Check(h, 0); !errors.As(err, &present) || present.Ref != r.Ref {
			t.Errorf("the same key again: %v", err)
		}
	}

	// The request that shows the public half is none of the device's.
	content, err := h.Certificate(1)
	if err != nil {
		t.Fatal(err)
	}
	request, err := wire.ParseAuthenticatedRequest(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := request.Verify(request.Request.Key); err != nil {
		t.Errorf("its signatures: %v", err)
	}
	device, err := h.Device()
	if err != nil {
		t.Fatal(err)
	}
	if err := device.Chain.CheckAttestation(request); err == nil {
		t.Error("it passes for the device's own attestation")
	}
}

// TestImportIsTakenBack: a key whose signature is not that of the source does not stay.
func TestImportIsTakenBack(t *testing.T) {
	h, d := withVectors(t), vectorDKEK(t)
	k := incoming(t, "secp256r1")
	k.Public = incoming(t, "secp256r1").Public
	_, err := k.Import(h, d.DKEK, 0)
	if !errors.Is(err, hsm.ErrAnotherKey) || !strings.Contains(err.Error(), "taken out of the device again") {
		t.Errorf("error %v", err)
	}
	if keys, err := h.Keys(); err != nil || len(keys) != 0 {
		t.Errorf("the device has %v (%v)", keys, err)
	}
}

// TestImportOfAKeyThatMayNotSign: what a wrapped key allowed elsewhere it allows here.
func TestImportOfAKeyThatMayNotSign(t *testing.T) {
	h, d := withVectors(t), vectorDKEK(t)
	k := incoming(t, "secp256r1")
	k.Metadata = dkek.Metadata{AllowedAlgorithms: []byte{byte(wire.AlgorithmWrap)}}
	r, err := k.Import(h, d.DKEK, 7)
	if err != nil || r.Ref != 7 || r.NotTried == nil {
		t.Errorf("key %d, %v, %v", r.Ref, r.NotTried, err)
	}
}

func TestNewIncomingRefuses(t *testing.T) {
	guessable, err := mustCurve(t, "secp256r1").NewPrivateKey(big.NewInt(3).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for want, key := range map[string]any{
		"anyone can guess":                      guessable,
		"conclave dkek rekey wraps it":          dkek.AESKey(make([]byte, 16)),
		"a string cannot be written to a key f": "a string",
	} {
		if _, _, err := custody.NewIncoming(key); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func mustCurve(t *testing.T, name string) *curve.Curve {
	t.Helper()
	c, err := curve.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
