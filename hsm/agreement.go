package hsm

import (
	"crypto/ecdh"
	"fmt"

	"conclave/wire"
)

var _ ecdh.KeyExchanger = (*KeyAgreement)(nil)

// KeyAgreement is an EC key of the device as an ecdh.KeyExchanger. As an [HSM] is, it is
// for one goroutine at a time.
type KeyAgreement struct {
	hsm    *HSM
	ref    byte
	public *ecdh.PublicKey
}

// KeyAgreement gives key ref as an ecdh.KeyExchanger. It must be on P-256, P-384 or
// P-521; HSM.Decipher agrees on the other curves of the card. The user must be logged in
// when it agrees.
func (h *HSM) KeyAgreement(ref byte) (*KeyAgreement, error) {
	public, err := h.PublicKey(ref)
	if err != nil {
		return nil, err
	}
	on := exchangeCurve(public)
	if on == nil {
		return nil, fmt.Errorf("agree with key %d: a key on P-256, P-384 or P-521 was expected", ref)
	}
	point, err := on.NewPublicKey(public.Point)
	if err != nil {
		return nil, fmt.Errorf("agree with key %d: %w", ref, err)
	}
	return &KeyAgreement{h, ref, point}, nil
}

// exchangeCurve is nil for what crypto/ecdh does not have.
func exchangeCurve(public *wire.PublicKey) ecdh.Curve {
	if public.Type != wire.KeyEC {
		return nil
	}
	switch public.Curve.Name {
	case "secp256r1":
		return ecdh.P256()
	case "secp384r1":
		return ecdh.P384()
	case "secp521r1":
		return ecdh.P521()
	}
	return nil
}

// PublicKey implements ecdh.KeyExchanger.
func (k *KeyAgreement) PublicKey() *ecdh.PublicKey { return k.public }

// Curve implements ecdh.KeyExchanger.
func (k *KeyAgreement) Curve() ecdh.Curve { return k.public.Curve() }

// ECDH implements ecdh.KeyExchanger: the secret is the x coordinate of the point that
// both can compute (SEC 1, version 2.0, section 3.3.1).
func (k *KeyAgreement) ECDH(remote *ecdh.PublicKey) ([]byte, error) {
	if remote.Curve() != k.Curve() {
		return nil, fmt.Errorf("agree with key %d: a public key on %v; one on %v was expected", k.ref, remote.Curve(), k.Curve())
	}
	point, err := k.hsm.Decipher(k.ref, wire.ECDH, remote.Bytes())
	if err != nil {
		return nil, err
	}
	if len(point) != len(remote.Bytes()) || point[0] != 4 {
		return nil, fmt.Errorf("agree with key %d: the device gave no uncompressed point", k.ref)
	}
	return point[1 : 1+len(point)/2], nil
}
