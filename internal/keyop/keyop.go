// Package keyop computes the RSA private-key operation RSADP/RSASP1 (RFC 8017,
// sections 5.1.2 and 5.2.1), in^d mod n, without any padding, and makes keys. Two
// engines do the same: OpenSSL's libcrypto where it is found, because it is faster
// for each of them and each length, by 1.5 (4096 bits) to 3 times (2048), and Go
// everywhere else. Both blind the operation, and check its result.
//
// ECDSA is package curve's. On P-256 alone libcrypto is faster, by a quarter, and signs.
package keyop

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"sync"

	"conclave/internal/curve"
	"conclave/internal/secret"
)

// Engine is a way of computing with RSA private keys.
type Engine interface {
	// Name tells a person which engine and version this is.
	Name() string
	// NewKey loads a consistent key of two primes, at least 1024 bits long.
	// k is not kept. The caller must Close the Key.
	NewKey(k *rsa.PrivateKey) (Key, error)
	// GenerateKey makes a key of two primes, with the public exponent 65537 and a
	// modulus of so many bits: 1024 or more, in steps of 16.
	GenerateKey(bits int) (*rsa.PrivateKey, error)
	// NewECDSA loads a key that this engine signs faster with than package curve; nil
	// for any other. k is not kept. The caller must Wipe the signer.
	NewECDSA(k *curve.PrivateKey) (Signer, error)
}

// Signer is a loaded key for ECDSA. Sign may be called from several goroutines at
// once, Wipe only when they are done.
type Signer interface {
	// Sign returns the DER signature of a digest, as curve.PrivateKey.Sign does.
	Sign(digest []byte) ([]byte, error)
	Wipe()
}

// Key is a loaded private key. Its methods may be called from several
// goroutines at once.
type Key interface {
	// Private returns in^d mod n. in is as long as the modulus in bytes and
	// less than it; so is the result. It was checked with the public exponent,
	// so that a fault in the computation cannot give the primes away.
	Private(in []byte) ([]byte, error)
	// Close waits for running operations and wipes the key, best effort.
	// Private fails from then on.
	Close()
}

// Best returns libcrypto's engine if the library is found, else Go's; Go's in a
// build that erases what it has computed with.
func Best() Engine {
	if secret.Erased {
		return Go()
	}
	if engine, err := Libcrypto(); err == nil {
		return engine
	}
	return Go()
}

// operation is a loaded key of one engine. Its inputs have the length of the modulus, and
// are less than it.
type operation interface {
	private(in []byte) ([]byte, error) // in^d mod n
	public(out []byte) ([]byte, error) // out^e mod n
	wipe()
}

// key gives every engine's operation the checks and the life cycle of Key.
type key struct {
	modulus []byte

	mu        sync.RWMutex // held for reading while operation is in use
	operation operation    // nil once closed
}

// newKey checks k, completes its CRT values and loads it.
func newKey(k *rsa.PrivateKey, load func(*rsa.PrivateKey) (operation, error)) (Key, error) {
	if len(k.Primes) != 2 {
		return nil, fmt.Errorf("keyop: key has %d primes, expected 2", len(k.Primes))
	}
	if err := k.Validate(); err != nil {
		return nil, fmt.Errorf("keyop: the key is not consistent: %w", err)
	}
	complete := *k
	complete.Precompute()
	operation, err := load(&complete)
	if err != nil {
		return nil, err
	}
	return guard(&k.PublicKey, operation), nil
}

// guard is a key whose results fit the public one.
func guard(public *rsa.PublicKey, operation operation) Key {
	return &key{modulus: public.N.Bytes(), operation: operation}
}

func (k *key) Private(in []byte) ([]byte, error) {
	if len(in) != len(k.modulus) {
		return nil, fmt.Errorf("keyop: input has %d bytes, expected %d as the modulus has", len(in), len(k.modulus))
	}
	if bytes.Compare(in, k.modulus) >= 0 {
		return nil, errors.New("keyop: input is not less than the modulus; was it made for another key?")
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.operation == nil {
		return nil, errors.New("keyop: the key is closed; load it again")
	}
	out, err := k.operation.private(in)
	if err != nil {
		return nil, err
	}
	if !k.check(in, out) {
		clear(out)
		return nil, errors.New("keyop: the result is wrong and was withheld; the computer or the stored key is faulty")
	}
	return out, nil
}

// check says whether out^e mod n is in. One wrong half of a CRT computation would
// give the primes away (Boneh, DeMillo, Lipton, "On the Importance of Checking
// Cryptographic Protocols for Faults").
func (k *key) check(in, out []byte) bool {
	again, err := k.operation.public(out)
	return err == nil && bytes.Equal(again, in)
}

func (k *key) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.operation != nil {
		k.operation.wipe()
		k.operation = nil
	}
}
