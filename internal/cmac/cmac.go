// Package cmac is the message authentication code AES-CMAC.
package cmac

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

// Sum returns AES-CMAC of the message (RFC 4493, NIST SP 800-38B).
func Sum(block cipher.Block, message []byte) [aes.BlockSize]byte {
	var subkey, mac [aes.BlockSize]byte
	block.Encrypt(subkey[:], subkey[:])
	double(&subkey)
	for len(message) > aes.BlockSize {
		subtle.XORBytes(mac[:], mac[:], message[:aes.BlockSize])
		block.Encrypt(mac[:], mac[:])
		message = message[aes.BlockSize:]
	}
	var last [aes.BlockSize]byte
	if n := copy(last[:], message); n < aes.BlockSize {
		last[n] = 0x80
		double(&subkey)
	}
	subtle.XORBytes(last[:], last[:], subkey[:])
	subtle.XORBytes(mac[:], mac[:], last[:])
	block.Encrypt(mac[:], mac[:])
	return mac
}

// double multiplies by x in GF(2^128), in constant time.
func double(b *[aes.BlockSize]byte) {
	const polynomial = 0x87
	carry := b[0] >> 7
	for i := range aes.BlockSize - 1 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	b[aes.BlockSize-1] = b[aes.BlockSize-1]<<1 ^ polynomial*carry
}
