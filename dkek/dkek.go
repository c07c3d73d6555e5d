// Package dkek is the device key encryption key of a SmartCard-HSM and what is
// made with it: share files (*.pbe), from which the DKEK is put together, and
// key blobs, the output of WRAP KEY.
//
// Begin with a [ShareFile], from [ParseShareFile] or [EncryptShare], and its
// Decrypt. [Combine] makes a [DKEK] of the shares, which unwraps a blob, makes one,
// or moves it to another DKEK. [ParseBlob] tells without any key under which DKEK
// a blob is.
//
// No card is needed for any of this; but then the keys are in this computer's
// memory, which is what people buy a card to avoid. Package hsm gives shares and
// blobs to a card. A password is whole here: package quorum shares it out among
// custodians, and quorum/repair finds one that is nearly right. What OpenSC writes
// to a file when it wraps a key is a blob with a description and a certificate,
// which wire.ParseWrapFile takes apart.
//
// The DKEK is the XOR of all its 32-byte shares. Two keys are derived from it,
// Kenc = SHA-256(DKEK ‖ 00000001) and Kmac = SHA-256(DKEK ‖ 00000002); its key
// check value (KCV), the first 8 bytes of SHA-256(DKEK), is public. Formats as
// read and written by OpenSC, pico-hsm and CardContact's scripts.
//
// Comparisons of check values, MACs and padding are in constant time. Work on
// RSA numbers is not (math/big): a blob is unwrapped once, where its DKEK is.
package dkek

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"conclave/internal/secret"
)

// KCV is a key check value: it names a DKEK and gives nothing of it away.
type KCV [8]byte

// String returns the 16 upper-case hexadecimal digits that sc-hsm-tool shows.
func (v KCV) String() string { return fmt.Sprintf("%X", v[:]) }

// DKEK is a device key encryption key.
type DKEK struct {
	key secret.Bytes
}

// New returns the DKEK of the 32 given bytes, which are copied.
func New(key secret.Bytes) (*DKEK, error) {
	if len(key) != ShareSize {
		return nil, fmt.Errorf("DKEK of %d bytes, %d expected", len(key), ShareSize)
	}
	return &DKEK{key.Clone()}, nil
}

// Combine returns the DKEK of all its shares, in any order. It refuses two
// equal shares: they would cancel each other out, and are almost surely one
// share file that was read twice.
func Combine(shares ...secret.Bytes) (*DKEK, error) {
	if len(shares) == 0 {
		return nil, errors.New("a DKEK needs at least one share")
	}
	key := make(secret.Bytes, ShareSize)
	defer key.Wipe()
	for i, share := range shares {
		if len(share) != ShareSize {
			return nil, fmt.Errorf("DKEK share %d has %d bytes, %d expected", i+1, len(share), ShareSize)
		}
		for j, earlier := range shares[:i] {
			if share.Equal(earlier) {
				return nil, fmt.Errorf("DKEK shares %d and %d are equal and would cancel each other out; was one share file read twice?", j+1, i+1)
			}
		}
		subtle.XORBytes(key, key, share)
	}
	return New(key)
}

// KCV returns the key check value.
func (d *DKEK) KCV() KCV {
	sum := sha256.Sum256(d.key)
	return KCV(sum[:8])
}

// Bytes returns a copy of the 32 bytes of the key.
func (d *DKEK) Bytes() secret.Bytes { return d.key.Clone() }

// Format implements fmt.Formatter for every verb: the key is named by its KCV.
// secret.Bytes alone would not do, since fmt calls no methods of unexported
// fields.
func (d DKEK) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "DKEK with KCV %v", d.KCV()) }

// Wipe overwrites the key, best effort. It cannot be used any more.
func (d *DKEK) Wipe() { d.key.Wipe() }

// derive returns Kenc for number 1 and Kmac for number 2.
func (d *DKEK) derive(number byte) secret.Bytes {
	input := append(d.key.Clone(), 0, 0, 0, number)
	defer input.Wipe()
	sum := sha256.Sum256(input)
	return sum[:]
}
