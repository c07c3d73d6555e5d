package dkek

import (
	"crypto/aes"
	"errors"
	"fmt"
	"io"

	"conclave/internal/curve"
	"conclave/internal/secret"
)

// Rewrap turns a blob of this DKEK into the blob of the same key under another
// one, with 8 bytes from rand. Keys of types and curves that are not known here
// pass through. The result is opened again before it is returned. The error
// is ErrForeign or ErrDamaged as in Unwrap.
func (d *DKEK) Rewrap(rand io.Reader, b []byte, to *DKEK) ([]byte, error) {
	blob, err := ParseBlob(b)
	if err != nil {
		return nil, err
	}
	plaintext, err := d.open(blob)
	if err != nil {
		return nil, err
	}
	plaintext = withParams(blob, plaintext)
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
		return nil, errors.New("the new blob opens to something else; this must not happen: is the machine faulty?")
	}
	return sealed, nil
}

// withParams is the plaintext of an EC key with all its domain parameters, and
// any other as it is. pico-hsm leaves a out for the NIST curves (see findCurve),
// and a Nitrokey HSM 2 takes such a blob and cannot sign with the key.
func withParams(blob Blob, plaintext secret.Bytes) secret.Bytes {
	if blob.Type != EC {
		return plaintext
	}
	key, err := decodeKey(blob, plaintext)
	ec, ok := key.(*curve.PrivateKey)
	if err != nil || !ok {
		return plaintext
	}
	defer ec.Wipe()
	defer plaintext.Wipe()
	body := encodeEC(ec)
	defer body.Wipe()
	whole := make(secret.Bytes, 0, contentFrom+len(body)+aes.BlockSize)
	return pad(append(append(whole, plaintext[:contentFrom]...), body...))
}
