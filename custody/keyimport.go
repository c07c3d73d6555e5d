package custody

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"

	"filippo.io/mldsa"

	"conclave/custody/keyfile"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/keycheck"
	"conclave/wire"
)

// Incoming is a private key that was made elsewhere, on its way to a device.
type Incoming struct {
	Key    any // *rsa.PrivateKey, *curve.PrivateKey or *mldsa.PrivateKey
	Public wire.PublicKey
	Label  string
	ID     []byte // CKA_ID; the reference if it is empty
	// Certificate is what the device is to keep as the key's: X.509, or a request of
	// the device that it comes from. Without one it gets a request signed by the key
	// itself, which shows its public half.
	Certificate []byte
	Metadata    dkek.Metadata // of the blob that it comes from
}

// NewIncoming judges a key. It refuses one that is worthless: anyone can compute it.
// A weakness that is no reason to refuse it, since it is in use, is a finding.
func NewIncoming(key any) (k Incoming, finding error, err error) {
	if _, ok := key.(dkek.AESKey); ok {
		return k, nil, errors.New("it is an AES key, which no signature can prove; conclave dkek rekey wraps it under another DKEK, and conclave key unwrap restores it")
	}
	k.Key = key
	if k.Public, err = keyfile.Public(key); err != nil {
		return k, nil, err
	}
	spki, err := k.Public.SPKI()
	if err != nil {
		return k, nil, err
	}
	public, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return k, nil, nil // ML-DSA, or a curve that is no standard library's, and so no rule's
	}
	if err := keycheck.Sound(public); err != nil {
		return k, nil, err
	}
	return k, keycheck.ForCertificate(public), nil
}

// Check looks at a device before anyone is asked for anything: that its user PIN is not
// blocked, that it has or waits for a DKEK that people can have, that the reference is free, unless it is 0, and that the key is not
// there, as far as the device shows it; else the error is a *PresentError.
func (k Incoming) Check(h *hsm.HSM, ref byte) error {
	status, err := h.Status()
	if err != nil {
		return err
	}
	if status.Initialised && status.User.Blocked() {
		return &hsm.PINError{Ref: wire.UserPIN}
	}
	if status.DKEK == nil {
		return errors.New("the device has no DKEK, under which keys come to it; conclave hsm init --dkek-shares 1, which erases it, lets it wait for one, and conclave dkek create makes that")
	}
	if status.DKEK.Shares == 0 {
		return errors.New("the device has made its DKEK at random, so that no custodian has it, and no key comes to it; conclave hsm init --dkek-shares 1, which erases it, lets it wait for one, and conclave dkek create makes that")
	}
	keys, err := h.Keys()
	if err != nil {
		return err
	}
	for _, there := range keys {
		if there.Public != nil && there.Public.Equal(k.Public) {
			return &PresentError{there}
		}
	}
	_, err = h.FreeRef(ref)
	return err
}

// CheckDKEK refuses a DKEK that the device can be seen not to have, nor to wait for.
func CheckDKEK(h *hsm.HSM, d DKEK) error {
	status, err := h.DKEK()
	if err != nil || status == nil || status.Outstanding > 0 || status.Hidden() || status.KCV == d.KCV() {
		return err
	}
	return fmt.Errorf("the share files give the DKEK with key check value %s, and the device has another, %s; name the share files of that one: --dkek", d.KCV(), dkek.KCV(status.KCV))
}

// Wipe overwrites the private key, best effort.
func (k Incoming) Wipe() { (&keyfile.Source{Key: k.Key}).Wipe() }

func (k Incoming) id(ref byte) []byte {
	if len(k.ID) == 0 {
		return []byte{ref}
	}
	return k.ID
}

// Import wraps the key under the DKEK, which the device must have, and lets the
// device unwrap it to a reference, the lowest free one if it is 0, and sign. If the
// signature does not verify under the public half of what was wrapped, or the device
// makes none, the key is deleted again. If the device has the key already the error is
// a *PresentError. The user must be logged in.
func (k Incoming) Import(h *hsm.HSM, d *dkek.DKEK, ref byte) (r Restored, err error) {
	for range attempts {
		r, err = k.attempt(h, d, ref)
		if ref != 0 || !errors.Is(err, hsm.ErrOccupied) {
			break
		}
	}
	var unusable *UnusableError
	if !errors.As(err, &unusable) {
		return r, err
	}
	if failed := h.DeleteKey(unusable.Ref); failed != nil {
		return r, errors.Join(err, fmt.Errorf("it could not be deleted again: %w; delete it: conclave key delete %d", failed, unusable.Ref))
	}
	return r, fmt.Errorf("the device took the key, and cannot use it: %w; it is deleted again, and the source is as it was: try another device", unusable.Err)
}

// attempt imports the key once.
func (k Incoming) attempt(h *hsm.HSM, d *dkek.DKEK, ref byte) (r Restored, err error) {
	if ref, err = h.FreeRef(ref); err != nil {
		return r, err
	}
	f, err := k.wrap(d, ref)
	if err != nil {
		return r, err
	}
	return Restore(h, f, Restoring{Ref: ref})
}

// wrap makes what a device takes.
func (k Incoming) wrap(d *dkek.DKEK, ref byte) (f wire.WrapFile, err error) {
	if f.Blob, err = d.Wrap(rand.Reader, k.Key, k.Metadata); err != nil {
		return f, err
	}
	description := wire.PrKD{Type: k.Public.Type, Label: k.Label, ID: k.id(ref), Bits: k.Public.Size()}
	if f.Description, err = description.Bytes(ref); err != nil {
		return f, err
	}
	if f.Certificate = k.Certificate; f.Certificate == nil {
		f.Certificate, err = wire.SelfRequest(k.Public, k.sign)
	}
	return f, err
}

// sign makes a signature as CVCs have them.
func (k Incoming) sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	switch key := k.Key.(type) {
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	case *curve.PrivateKey:
		der, err := key.Sign(digest[:])
		if err != nil {
			return nil, err
		}
		return curve.PlainSignature(key.Curve, der)
	case *mldsa.PrivateKey:
		return key.Sign(nil, message, nil)
	}
	return nil, fmt.Errorf("a %T does not sign", k.Key)
}
