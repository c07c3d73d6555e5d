package keyfile_test

import (
	"bytes"
	"errors"
	"testing"

	"conclave/custody/keyfile"
	"conclave/internal/secret"
)

// FuzzRead: what is read is a key that is written and read again. No password is
// given: what is behind one is read by the same code.
func FuzzRead(f *testing.F) {
	unasked := func() (secret.Bytes, error) { return nil, errors.New("no password") }
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := keyfile.Read(content, unasked)
		if err != nil {
			return
		}
		der, err := keyfile.PKCS8(s.Key)
		if err != nil {
			t.Fatal(err)
		}
		again, err := keyfile.Read(der, unasked)
		if err != nil {
			t.Fatal(err)
		}
		if der2, err := keyfile.PKCS8(again.Key); err != nil || !bytes.Equal(der, der2) {
			t.Errorf("another key came back, %v", err)
		}
	})
}
