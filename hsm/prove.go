package hsm

import (
	"crypto/rand"
	"errors"
	"fmt"

	"conclave/apdu"
	"conclave/internal/curve"
	"conclave/wire"
)

// ErrAnotherKey is the error for a key that signs, but does not belong to a public
// half.
var ErrAnotherKey = errors.New("the public half is another key's")

// Prove lets key ref sign a challenge, and verifies that with a public key. What
// the device shows as a key's public half need not belong to it: it comes from
// the certificate beside it. Where it does not the error is ErrAnotherKey. The user
// must be logged in.
func (h *HSM) Prove(ref byte, public wire.PublicKey) error {
	challenge := []byte(rand.Text())
	signer := &Signer{h, ref, public}
	signature, err := signer.SignMessage(nil, challenge, signer.Options())
	if public.Type == wire.KeyRSA && errors.Is(err, apdu.WrongLength) { // it was padded for a longer key
		return fmt.Errorf("%w: key %d is shorter (%w)", ErrAnotherKey, ref, err)
	}
	if err != nil {
		return err
	}
	if err := public.VerifyDER(challenge, signature); err != nil {
		return fmt.Errorf("%w: what key %d has signed does not verify with it (%w)", ErrAnotherKey, ref, err)
	}
	return nil
}

// ProveDevice lets the device show that it has the key of its certificates,
// which anyone can copy. It makes a key, attests it under names that come from
// the purpose, and deletes it again. The purpose must be one that no one could
// foresee. The user must be logged in.
func (h *HSM) ProveDevice(purpose string) (attestation []byte, err error) {
	if err := h.begin(); err != nil {
		return nil, err
	}
	defer h.end(&err)
	device, err := h.Device()
	if err != nil {
		return nil, err
	}
	ref, err := h.FreeRef(0)
	if err != nil {
		return nil, err
	}
	c, err := curve.ByName("secp256r1")
	if err != nil {
		return nil, err
	}
	car, chr := wire.ProofReferences(purpose)
	data, err := wire.KeyRequest{CAR: car, CHR: chr, Key: wire.ECTemplate(c)}.Bytes()
	if err != nil {
		return nil, err
	}
	attestation, err = h.exchange("let the device prove itself", apdu.Command{
		INS: wire.InsGenerateKeyPair, P1: ref, Data: data, Ne: apdu.MaxExtendedNe,
	})
	if err != nil {
		return nil, err
	}
	return attestation, errors.Join(device.Chain.CheckProof(attestation, purpose), h.DeleteKey(ref))
}
