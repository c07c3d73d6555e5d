package curve

import (
	"crypto/rand"
	"errors"
	"fmt"

	"conclave/internal/secret"

	"filippo.io/bigmod"
)

// PrivateKey is a private key, made by Generate or NewPrivateKey. Sign and
// ECDH may be called from several goroutines, Wipe only when they are done.
type PrivateKey struct {
	Curve *Curve
	D     secret.Bytes // private scalar, of order length
	Q     []byte       // public point D·G, uncompressed

	signer signer // nil once wiped
}

var errWiped = errors.New("curve: the private key was wiped or not made by NewPrivateKey; load it again")

// Generate makes a key from crypto/rand (FIPS 186-5, appendix A.2.2).
func (c *Curve) Generate() (*PrivateKey, error) {
	d := c.randomScalar()
	defer d.Wipe()
	return c.NewPrivateKey(d)
}

// randomScalar returns a number in [1, N-1] of order length, each as likely as
// any other, by testing candidates.
func (c *Curve) randomScalar() secret.Bytes {
	candidate := make(secret.Bytes, len(c.N))
	excess := 8*len(c.N) - bitLen(c.N)
	for {
		rand.Read(candidate)
		candidate[0] &= 0xFF >> excess
		if scalarInRange(c.N, candidate) {
			return candidate
		}
	}
}

// NewPrivateKey makes a key from the scalar d, 0 < d < N, and computes its
// public point. d may be shorter than the order or have leading zeros; it is
// copied.
func (c *Curve) NewPrivateKey(d []byte) (*PrivateKey, error) {
	scalar := make(secret.Bytes, len(c.N))
	if surplus := len(d) - len(scalar); surplus > 0 {
		if len(trim(d[:surplus])) > 0 {
			return nil, fmt.Errorf("curve: private key is longer than the order of %s, %d bytes", c.Name, len(c.N))
		}
		d = d[surplus:]
	}
	copy(scalar[len(scalar)-len(d):], d)
	if !scalarInRange(c.N, scalar) {
		return nil, fmt.Errorf("curve: private key is not between 1 and the order of %s less one; it may belong to another curve", c.Name)
	}
	signer, q, err := c.group.newKey(scalar)
	if err != nil {
		return nil, fmt.Errorf("curve: %s: %w", c.Name, err)
	}
	return &PrivateKey{Curve: c, D: scalar, Q: q, signer: signer}, nil
}

// Sign returns the DER signature of digest. Of a digest longer than the order
// the left-most bits count (FIPS 186-5, section 6.4.1); a shorter one is taken
// as it is.
func (k *PrivateKey) Sign(digest []byte) ([]byte, error) {
	if k.signer == nil {
		return nil, errWiped
	}
	return k.signer.sign(digest)
}

// ECDH returns D·point as an uncompressed point; its x coordinate is the
// shared secret of SEC 1, version 2.0, section 3.3.1.
func (k *PrivateKey) ECDH(point []byte) ([]byte, error) {
	if k.signer == nil {
		return nil, errWiped
	}
	if err := k.Curve.CheckPoint(point); err != nil {
		return nil, err
	}
	return k.Curve.group.multiply(k.D, point)
}

// Wipe overwrites the private scalar, best effort. The key cannot be used any
// more.
func (k *PrivateKey) Wipe() {
	if k.signer != nil {
		k.signer.wipe()
	}
	k.signer = nil
	k.D.Wipe()
}

// scalarInRange reports, in constant time but for the answer, whether d is in
// [1, n-1] and as long as the order n.
func scalarInRange(n, d []byte) bool {
	order, err := bigmod.NewModulus(n)
	if err != nil {
		return false
	}
	nat, err := bigmod.NewNat().SetBytes(d, order)
	return err == nil && nat.IsZero() == 0
}
