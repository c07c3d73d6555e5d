package dkek

import (
	"crypto/aes"
	"crypto/subtle"
	"fmt"

	"conclave/internal/secret"
)

// DamagedError is the error for a share file whose password is right and in
// which one byte is not as it was written. The share can be recovered all the
// same.
type DamagedError struct {
	Offset int       // of the byte in the file, from 0
	Mended ShareFile // as it was
}

// Error names the byte, counted from 1, and says what to do with the file.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("the DKEK share file is damaged: byte %d is not as it was written. It was read as it must have been; replace it with a good copy, or make a new file", e.Offset+1)
}

// judge reports whether the key is this file's, or, with the damage, would be
// if one of the last 32 bytes were different. The block of padding depends on
// those, and on the key: of 2^128 wrong keys 8,160 would pass. No key can
// reveal damage before them.
func (f ShareFile) judge(key secret.Bytes) (damage *DamagedError, right bool) {
	if f.isKey(key) {
		return nil, true
	}
	const before, last = ShareSize - aes.BlockSize, ShareSize
	cipher := newAES(key)
	var block [aes.BlockSize]byte
	cipher.Decrypt(block[:], f.ciphertext[last:])
	subtle.XORBytes(block[:], block[:], f.ciphertext[before:last])
	subtle.XORBytes(block[:], block[:], padding[:])
	if at, one := onlyByte(block); one {
		return f.mend(before+at, f.ciphertext[before+at]^block[at]), true
	}
	for at := last; at < len(f.ciphertext); at++ {
		for value := range 256 {
			m := f.mend(at, byte(value))
			if m.Mended.isPadded(cipher.Decrypt) {
				return m, true
			}
		}
	}
	return nil, false
}

// isPadded is isKey for a key that is a cipher already.
func (f ShareFile) isPadded(decrypt func(dst, src []byte)) bool {
	var block [aes.BlockSize]byte
	decrypt(block[:], f.ciphertext[ShareSize:])
	subtle.XORBytes(block[:], block[:], f.ciphertext[ShareSize-aes.BlockSize:ShareSize])
	return block == padding
}

// onlyByte finds the one byte that is not zero.
func onlyByte(block [aes.BlockSize]byte) (at int, one bool) {
	n := 0
	for i, b := range block {
		if b != 0 {
			at = i
			n++
		}
	}
	return at, n == 1
}

// mend is the file with another byte of ciphertext.
func (f ShareFile) mend(at int, value byte) *DamagedError {
	f.ciphertext[at] = value
	return &DamagedError{Offset: shareFileSize - ciphertextSize + at, Mended: f}
}
