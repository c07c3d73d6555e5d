package dkek

import (
	"errors"
	"fmt"
	"io"
)

// Rewrap turns a blob of this DKEK into the blob of the same key under another
// one, with 8 bytes from rand. It does not look at the key, so that keys of
// types and curves that are not known here pass through. The result has been
// opened again when it is returned. The error is ErrForeign or ErrDamaged as in
// Unwrap.
func (d *DKEK) Rewrap(rand io.Reader, b []byte, to *DKEK) ([]byte, error) {
	blob, err := ParseBlob(b)
	if err != nil {
		return nil, err
	}
	plaintext, err := d.open(blob)
	if err != nil {
		return nil, err
	}
	defer plaintext.Wipe()
	if _, err := io.ReadFull(rand, plaintext[:randomSize]); err != nil {
		return nil, fmt.Errorf("drawing random bytes for the blob: %w", err)
	}
	sealed := to.seal(blob, plaintext)
	again, err := ParseBlob(sealed)
	if err != nil {
		return nil, err
	}
	opened, err := to.open(again)
	if err != nil {
		return nil, err
	}
	defer opened.Wipe()
	if !opened.Equal(plaintext) {
		return nil, errors.New("the blob that was made opens to something else; this must not happen: is the machine faulty?")
	}
	return sealed, nil
}
