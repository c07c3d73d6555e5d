package keyop

import (
	"errors"
	"runtime"
	"slices"

	"conclave/internal/curve"
	"conclave/internal/secret"
)

// NewECDSA loads no key: package curve has what Go has.
func (goEngine) NewECDSA(*curve.PrivateKey) (Signer, error) { return nil, nil }

// NewECDSA loads a key on P-256. Of the other curves libcrypto has the slower code: for
// P-384 it takes three times as long as Go.
func (l *libcrypto) NewECDSA(k *curve.PrivateKey) (Signer, error) {
	if k.Curve.Name != "secp256r1" {
		return nil, nil
	}
	der := p256Key(k.D)
	defer der.Wipe()
	key, err := l.parse(der, l.d2iECPrivateKey, "d2i_ECPrivateKey")
	if err != nil {
		return nil, err
	}
	return &p256Signer{l, key}, nil
}

// p256Key is an ECPrivateKey with the curve by its name (RFC 5915 section 3).
func p256Key(d secret.Bytes) secret.Bytes {
	const algorithm = "\xA0\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07"
	return slices.Concat(secret.Bytes("\x30\x31\x02\x01\x01\x04\x20"), d, secret.Bytes(algorithm))
}

// maxP256Signature is the longest DER signature, in bytes: two numbers of 33, each with
// its tag and length, and those of both.
const maxP256Signature = 2 + 2*(2+33)

// p256Signer is an EC_KEY, which serves several threads at once. Each signature has a
// number that libcrypto makes of random bytes, the key and the digest.
type p256Signer struct {
	lib *libcrypto
	key uintptr
}

func (s *p256Signer) Sign(digest []byte) ([]byte, error) {
	if len(digest) == 0 {
		return nil, errors.New("keyop: there is no digest")
	}
	digest = digest[:min(len(digest), 32)] // FIPS 186-5 section 6.4.1
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signature, length := make([]byte, maxP256Signature), uint32(0)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&digest[0])
	pinner.Pin(&signature[0])
	pinner.Pin(&length)
	if s.lib.ecdsaSign(0, &digest[0], int32(len(digest)), &signature[0], &length, s.key) != 1 || int(length) > len(signature) {
		return nil, s.lib.failure("ECDSA_sign")
	}
	return signature[:length], nil
}

// Wipe frees the key; libcrypto overwrites private numbers when it does.
func (s *p256Signer) Wipe() { s.lib.ecKeyFree(s.key) }
