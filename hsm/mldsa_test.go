package hsm_test

import (
	"errors"
	"testing"

	"filippo.io/mldsa"

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
