package curve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
)

// nist is a curve of NIST SP 800-186, section 3.2.1. Keys and signatures are
// those of crypto/ecdsa; points come from nistec, because crypto/ecdh gives
// no y coordinate and lacks P-224. Both are constant time.
type nist[P nistPoint[P]] struct {
	curve    elliptic.Curve
	newPoint func() P
}

// nistPoint is what the point types of filippo.io/nistec have in common.
type nistPoint[P any] interface {
	SetBytes([]byte) (P, error)
	ScalarMult(P, []byte) (P, error)
	Bytes() []byte
}

func (g nist[P]) newKey(d []byte) (signer, []byte, error) {
	key, err := ecdsa.ParseRawPrivateKey(g.curve, d)
	if err != nil {
		return nil, nil, err
	}
	point, err := key.PublicKey.Bytes()
	return nistSigner{key}, point, err
}

func (g nist[P]) multiply(d, point []byte) ([]byte, error) {
	q, err := g.newPoint().SetBytes(point)
	if err != nil {
		return nil, err
	}
	product, err := g.newPoint().ScalarMult(q, d)
	if err != nil {
		return nil, err
	}
	return product.Bytes(), nil
}

func (g nist[P]) onCurve(point []byte) error {
	_, err := g.newPoint().SetBytes(point)
	return err
}

func (g nist[P]) verify(point, digest, signature []byte) bool {
	key, err := ecdsa.ParseUncompressedPublicKey(g.curve, point)
	return err == nil && ecdsa.VerifyASN1(key, digest, signature)
}

// nistSigner keeps one *ecdsa.PrivateKey for the life of the key: crypto/ecdsa
// caches its internal form by that pointer, and a new one for each signature
// would cost a scalar multiplication.
type nistSigner struct{ key *ecdsa.PrivateKey }

func (s nistSigner) sign(digest []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, s.key, digest)
}

//lint:ignore SA1019 there is no other way to clear the number
func (s nistSigner) wipe() { clear(s.key.D.Bits()) }
