package hsm

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"conclave/apdu"
	"conclave/internal/curve"
	"conclave/wire"
)

// Prove lets key ref sign a challenge, and verifies that with a public key. What
// the device shows as a key's public half need not belong to it: it comes from
// the certificate beside it. The user must be logged in.
func (h *HSM) Prove(ref byte, public wire.PublicKey) error {
	challenge := []byte(rand.Text())
	digest := sha256.Sum256(challenge)
	signature, err := (&Signer{h, ref, public}).Sign(nil, digest[:], crypto.SHA256)
	if err == nil && public.Type == wire.KeyEC {
		signature, err = curve.PlainSignature(public.Curve, signature)
	}
	if err != nil {
		return err
	}
	return public.Verify(challenge, signature)
}

// ProveDevice lets the device show that it has the key of its certificates,
// which anyone can copy. It makes a key, attests it, and deletes it again; the
// names in the request are the challenge. The user must be logged in.
func (h *HSM) ProveDevice() (attestation []byte, challenge string, err error) {
	err = h.exclusive(func() error {
		attestation, challenge, err = h.proveDevice()
		return err
	})
	return attestation, challenge, err
}

func (h *HSM) proveDevice() ([]byte, string, error) {
	device, err := h.device()
	if err != nil {
		return nil, "", err
	}
	ref, err := h.FreeRef(0)
	if err != nil {
		return nil, "", err
	}
	c, err := curve.ByName("secp256r1")
	if err != nil {
		return nil, "", err
	}
	request := wire.KeyRequest{CAR: randomReference(), CHR: randomReference(), Key: wire.ECTemplate(c)}
	data, err := request.Bytes()
	if err != nil {
		return nil, "", err
	}
	attestation, err := h.exchange("let the device prove itself", apdu.Command{
		INS: wire.InsGenerateKeyPair, P1: ref, Data: data, Ne: apdu.MaxExtendedNe,
	})
	if err != nil {
		return nil, "", err
	}
	challenge := request.Challenge()
	return attestation, challenge, errors.Join(device.Chain.CheckProof(attestation, challenge), h.deleteKey(ref))
}

// randomReference is a reference that no one can foresee: a country code, nine
// characters and a sequence number (TR-03110 part 3, appendix C.1.4).
func randomReference() string { return "ZZ" + rand.Text()[:9] + "00001" }
