package rsapad

import (
	"bytes"
	"crypto"
	"errors"
)

// ErrSignature is the error for a block that is not that of a digest.
var ErrSignature = errors.New("the block is not the padding of this digest")

// VerifyPSS is EMSA-PSS-VERIFY (RFC 8017, section 9.1.2) with a salt of a known length in
// bytes, and with mgf as the hash of MGF1, which crypto/rsa has as one with hash. All is
// public, and so is the time that it takes.
func VerifyPSS(hash, mgf crypto.Hash, digest, em []byte, salt, emBits int) error {
	if err := available(hash, mgf); err != nil {
		return err
	}
	size := hash.Size()
	separator := len(em) - size - salt - 2
	if len(digest) != size || len(em) != (emBits+7)/8 || salt < 0 || separator < 0 {
		return ErrSignature
	}
	first := byte(0xFF) >> (8*len(em) - emBits)
	db, h := bytes.Clone(em[:len(em)-size-1]), em[len(em)-size-1:len(em)-1]
	if db[0]&^first != 0 || em[len(em)-1] != 0xBC {
		return ErrSignature
	}
	mask(db, mgf, h)
	db[0] &= first
	if len(bytes.TrimLeft(db[:separator], "\x00")) > 0 || db[separator] != 0x01 ||
		!bytes.Equal(h, pssHash(hash, digest, db[separator+1:])) {
		return ErrSignature
	}
	return nil
}
