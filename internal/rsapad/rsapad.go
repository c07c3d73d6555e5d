// Package rsapad has the paddings of RFC 8017 apart from the RSA operation, for keys
// that are in a device which does no more than the operation, or has a padding for one
// hash alone: EMSA-PSS, EME-OAEP and EME-PKCS1-v1_5, with any hash, label and salt.
//
// Begin with [EncodePSS], [DecodeOAEP], [DecodePKCS1] or [DecodePKCS1Session]. Blocks
// are as long as the RSA operation takes and gives them. Encrypting and verifying need
// no private key: they are in crypto/rsa.
package rsapad

import (
	"crypto"
	_ "crypto/sha1" // as the next three: hashes that the paddings are used with
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrPadding is the one error for a block that does not decode. It does not say what
// was wrong with it, nor does the time that it takes: whoever can tell the cases apart
// can decrypt (Bleichenbacher 1998, Manger 2001).
var ErrPadding = errors.New("the RSA block has no valid padding; was it encrypted for another key, or with other parameters?")

// ErrTooLong is the error for a hash and a salt that do not fit into a modulus.
var ErrTooLong = errors.New("hash and salt are too long for the RSA key")

// EncodePSS is EMSA-PSS-ENCODE (RFC 8017, section 9.1.1) of a digest, with mgf as the
// hash of MGF1. emBits is one less than the bits of the modulus; the block has as many
// bytes as emBits need.
func EncodePSS(hash, mgf crypto.Hash, digest, salt []byte, emBits int) ([]byte, error) {
	if err := available(hash, mgf); err != nil {
		return nil, err
	}
	if len(digest) != hash.Size() {
		return nil, fmt.Errorf("a digest of %d bytes; %v has %d", len(digest), hash, hash.Size())
	}
	em := make([]byte, (emBits+7)/8)
	separator := len(em) - len(digest) - len(salt) - 2
	if separator < 0 {
		return nil, fmt.Errorf("%w: %d and %d bytes for %d", ErrTooLong, len(digest), len(salt), len(em))
	}
	db, h := em[:separator+1+len(salt)], em[separator+1+len(salt):len(em)-1]
	copy(h, pssHash(hash, digest, salt))
	db[separator] = 0x01
	copy(db[separator+1:], salt)
	mask(db, mgf, h)
	db[0] &= 0xFF >> (8*len(em) - emBits)
	em[len(em)-1] = 0xBC
	return em, nil
}

// pssHash is H of EMSA-PSS: the hash of eight zeros, digest and salt.
func pssHash(hash crypto.Hash, digest, salt []byte) []byte {
	m := hash.New()
	m.Write(make([]byte, 8))
	m.Write(digest)
	m.Write(salt)
	return m.Sum(nil)
}

// DecodeOAEP is EME-OAEP decoding (RFC 8017, section 7.1.2, step 3) of a block as long
// as the modulus, with mgf as the hash of MGF1. The time that it takes depends on the
// lengths alone; the message is copied when it was found to be there.
func DecodeOAEP(hash, mgf crypto.Hash, em, label []byte) ([]byte, error) {
	if err := available(hash, mgf); err != nil {
		return nil, err
	}
	size := hash.Size()
	if len(em) < 2*size+2 {
		return nil, ErrPadding
	}
	block := append([]byte(nil), em...)
	defer clear(block)
	seed, db := block[1:1+size], block[1+size:]
	mask(seed, mgf, db)
	mask(db, mgf, seed)

	h := hash.New()
	h.Write(label)
	good := subtle.ConstantTimeByteEq(block[0], 0)
	good &= subtle.ConstantTimeCompare(db[:size], h.Sum(nil))
	found, message := firstNonZero(db[size:])
	good &= found & subtle.ConstantTimeByteEq(at(db[size:], message), 0x01)
	if good != 1 {
		return nil, ErrPadding
	}
	return append([]byte{}, db[size+message+1:]...), nil
}

// DecodePKCS1 is EME-PKCS1-v1_5 decoding (RFC 8017, section 7.2.2, step 3) of a block
// as long as the modulus. That it fails tells an attacker who may try many ciphertexts
// too much already: where the message is a key of known length, call DecodePKCS1Session.
func DecodePKCS1(em []byte) ([]byte, error) {
	good, message := findPKCS1(em)
	if good != 1 {
		return nil, ErrPadding
	}
	return append([]byte{}, em[message:]...), nil
}

// DecodePKCS1Session copies the message of a block into key, if it is as long, and
// leaves key as it is if not. Neither result nor time say which it was: fill key with
// random bytes, and go on (RFC 3218, section 2.3.2). The error is that of a block too short
// for such a key.
func DecodePKCS1Session(em, key []byte) error {
	if len(em) < len(key)+11 {
		return fmt.Errorf("a key of %d bytes in a block of %d: %w", len(key), len(em), ErrPadding)
	}
	good, message := findPKCS1(em)
	tail := em[len(em)-len(key):]
	good &= subtle.ConstantTimeEq(int32(message), int32(len(em)-len(key)))
	subtle.ConstantTimeCopy(good, key, tail)
	return nil
}

// findPKCS1 says whether a block is 00 02, eight non-zero bytes or more, 00 and a
// message, and where that begins.
func findPKCS1(em []byte) (good, message int) {
	if len(em) < 11 {
		return 0, 0
	}
	good = subtle.ConstantTimeByteEq(em[0], 0) & subtle.ConstantTimeByteEq(em[1], 2)
	found, zero := 0, 0
	for i, b := range em[2:] {
		first := subtle.ConstantTimeByteEq(b, 0) &^ found
		zero = subtle.ConstantTimeSelect(first, i+2, zero)
		found |= first
	}
	good &= found & subtle.ConstantTimeLessOrEq(2+8, zero)
	return good, zero + 1
}

// firstNonZero says whether a byte is not zero, and where the first one is.
func firstNonZero(b []byte) (found, index int) {
	for i, v := range b {
		first := (1 - subtle.ConstantTimeByteEq(v, 0)) &^ found
		index = subtle.ConstantTimeSelect(first, i, index)
		found |= first
	}
	return found, index
}

// at is b[index], without an access that depends on the index.
func at(b []byte, index int) (value byte) {
	for i, v := range b {
		value |= v & byte(-subtle.ConstantTimeEq(int32(i), int32(index)))
	}
	return value
}

// mask is MGF1 (RFC 8017, appendix B.2.1), XORed to out.
func mask(out []byte, mgf crypto.Hash, seed []byte) {
	h := mgf.New()
	var sum []byte
	for counter := uint32(0); len(out) > 0; counter++ {
		h.Reset()
		h.Write(seed)
		h.Write(binary.BigEndian.AppendUint32(nil, counter))
		sum = h.Sum(sum[:0])
		out = out[subtle.XORBytes(out, out, sum):]
	}
	clear(sum)
}

func available(hashes ...crypto.Hash) error {
	for _, h := range hashes {
		if !h.Available() {
			return fmt.Errorf("hash %v; one was expected that this program has", h)
		}
	}
	return nil
}
