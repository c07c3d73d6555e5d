package sshsign

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzVerify looks for a panic, and for a second form of a good signature: the one
// in testdata is good for the list there.
func FuzzVerify(f *testing.F) {
	good, err := os.ReadFile(filepath.Join("testdata", "good.sig"))
	if err != nil {
		f.Fatal(err)
	}
	list, err := os.ReadFile(filepath.Join("testdata", "allowed_signers"))
	if err != nil {
		f.Fatal(err)
	}
	if _, err := Verify(good, content, namespace, list, time.Now()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, armored, allowed []byte) {
		if _, err := Verify(armored, content, namespace, list, time.Now()); err == nil && !bytes.Equal(armored, good) {
			t.Errorf("%q is another form of the signature", armored)
		}
		// A list that is good has lines that are good by themselves.
		signers, err := parseAllowed(allowed)
		if err != nil {
			return
		}
		again, err := parseAllowed(append(bytes.Clone(list), allowed...))
		if err != nil || len(again) != len(signers)+1 {
			t.Errorf("%q has %d signers, and %d with one before, %v", allowed, len(signers), len(again), err)
		}
	})
}
