package hsm

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"conclave/apdu"
	"conclave/internal/curve"
	"conclave/wire"
)

// ErrNotAllowed is the error for an algorithm that is not in a key's list.
var ErrNotAllowed = errors.New("the key does not allow this algorithm")

// Sign is the card's SIGN with one of its algorithm bytes.
func (h *HSM) Sign(ref byte, algorithm wire.Algorithm, data []byte) ([]byte, error) {
	return h.privateOperation("sign", wire.InsSign, ref, algorithm, data)
}

// Decipher is the card's DECIPHER: RSA decryption or ECDH.
func (h *HSM) Decipher(ref byte, algorithm wire.Algorithm, data []byte) ([]byte, error) {
	return h.privateOperation("decipher", wire.InsDecipher, ref, algorithm, data)
}

func (h *HSM) privateOperation(name string, ins, ref byte, algorithm wire.Algorithm, data []byte) ([]byte, error) {
	doing := fmt.Sprintf("%s with key %d", name, ref)
	// 512 bytes are enough for every answer, and what OpenSC asks for.
	out, err := h.exchange(doing, apdu.Command{
		CLA: wire.ClassProprietary, INS: ins, P1: ref, P2: byte(algorithm), Data: data, Ne: 512,
	})
	switch {
	case errors.Is(err, apdu.ReferenceNotFound), errors.Is(err, apdu.FileNotFound):
		return nil, fmt.Errorf("%w: there is no such key", err)
	case errors.Is(err, apdu.ReferenceDataUnusable), errors.Is(err, apdu.NotEnoughMemory): // 6A84: pico-hsm
		return nil, fmt.Errorf("%w: its uses are exhausted", err)
	case errors.Is(err, apdu.FunctionNotSupported):
		return nil, fmt.Errorf("%w (%w)", ErrNotAllowed, err)
	case errors.Is(err, apdu.ConditionsNotSatisfied):
		return nil, fmt.Errorf("%w, or its uses are exhausted (%w)", ErrNotAllowed, err)
	}
	return out, err
}

// Signer is a key of the device as a crypto.Signer.
type Signer struct {
	hsm    *HSM
	ref    byte
	public wire.PublicKey
}

// Signer gives key ref as a crypto.Signer. The user must be logged in when it
// signs.
func (h *HSM) Signer(ref byte) (*Signer, error) {
	public, err := h.PublicKey(ref)
	if err != nil {
		return nil, err
	}
	return &Signer{h, ref, *public}, nil
}

// Ref is the key's reference.
func (s *Signer) Ref() byte { return s.ref }

// Public gives *rsa.PublicKey or *ecdsa.PublicKey, nil for a curve that
// crypto/ecdsa does not have.
func (s *Signer) Public() crypto.PublicKey {
	der, err := s.public.SPKI()
	if err != nil {
		return nil
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil
	}
	return public
}

// Sign implements crypto.Signer: PKCS#1 v1.5, PSS with a salt as long as the
// hash, or ECDSA (DER). The card has its own randomness; rand is not read.
func (s *Signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.public.Type == wire.KeyEC {
		return s.hsm.Sign(s.ref, wire.ECDSA, digest)
	}
	hash := opts.HashFunc()
	if pss, ok := opts.(*rsa.PSSOptions); ok {
		if salt := pss.SaltLength; salt != rsa.PSSSaltLengthEqualsHash && salt != len(digest) {
			return nil, fmt.Errorf("sign with key %d: PSS with salt length %d; the card makes the salt as long as the hash (rsa.PSSSaltLengthEqualsHash)", s.ref, salt)
		}
		return s.hsm.Sign(s.ref, wire.RSAPSS, digest)
	}
	info, err := wire.DigestInfo(hash, digest)
	if err != nil {
		return nil, err
	}
	return s.hsm.Sign(s.ref, wire.RSAPKCS1, info)
}

// signCVC signs as card verifiable certificates have it: SHA-256, and r‖s for EC.
func (s *Signer) signCVC(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	signature, err := s.Sign(nil, digest[:], crypto.SHA256)
	if err != nil || s.public.Type == wire.KeyRSA {
		return signature, err
	}
	return curve.PlainSignature(s.public.Curve, signature)
}
