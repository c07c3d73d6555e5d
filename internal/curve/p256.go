package curve

import (
	"crypto/rand"
	"crypto/sha512"
	"sync"

	"conclave/internal/secret"

	"filippo.io/nistec"
)

// p256 is P-256, on which most signatures are made. Multiples of G are those of
// filippo.io/nistec, which has assembly for them, and the rest of a signature is this
// package's: crypto/ecdsa takes a quarter longer, and eight times the memory, since
// it runs HMAC_DRBG for each number per message, of which this makes one with a single hash.
// OpenSSL's libcrypto, called through purego, is as fast as this, and would keep the key
// where Go cannot wipe it.
type p256 struct {
	nist[*nistec.P256Point]
	curve *Curve
	order func() modulus
}

// withP256 gives c, which has the parameters of P-256 and its group of nist, signatures
// of its own.
func withP256(c *Curve) *Curve {
	c.group = p256{c.group.(nist[*nistec.P256Point]), c, sync.OnceValue(func() modulus { return newModulus(c.N) })}
	return c
}

func (g p256) newKey(d []byte) (signer, []byte, error) {
	point, err := nistec.NewP256Point().ScalarBaseMult(d)
	if err != nil {
		return nil, nil, err
	}
	return &p256Signer{g.curve, g.order(), secret.Bytes(d).Clone()}, point.Bytes(), nil
}

// p256Signer is a private key d. Only r and s, which a signature publishes, are
// branched on.
type p256Signer struct {
	curve *Curve
	order modulus
	d     secret.Bytes
}

// sign makes an ECDSA signature (FIPS 186-5, section 6.4.1).
func (s *p256Signer) sign(digest []byte) ([]byte, error) {
	e := s.order.residue(leftmost(digest, s.order.size))
	for {
		r, second, err := s.signWith(s.number(s.order.bytes(e)), e)
		if err != nil {
			return nil, err
		}
		if r != (residue{}) && second != (residue{}) {
			return DERSignature(s.curve, append(s.order.bytes(r), s.order.bytes(second)...))
		}
	}
}

// number makes the number per message: a hash of random bytes, the key and the digest
// modulo the order. It has 256 bits more than the order, so that none is likelier than
// another by more than one in 2²⁵⁶ (FIPS 186-5, appendix A.3.1, asks for 64). The key and
// the digest are in it for the reasons that nonces gives.
func (s *p256Signer) number(digest []byte) residue {
	seed := make(secret.Bytes, s.order.size, 3*sha512.Size)
	defer seed.Wipe()
	rand.Read(seed)
	seed = append(append(seed, s.d...), digest...)
	hash := sha512.Sum512(seed)
	defer clear(hash[:])
	return s.reduced(hash[:])
}

// reduced is a number of 512 bits modulo the order. R is 2²⁵⁶.
func (s *p256Signer) reduced(wide []byte) residue {
	high, low := s.order.residue(wide[:s.order.size]), s.order.residue(wide[s.order.size:])
	return s.order.add(s.order.mul(high, s.order.square), low)
}

// signWith returns r = x(k·G) and s = (e + r·d)/k, modulo N.
func (s *p256Signer) signWith(k, e residue) (r, second residue, err error) {
	scalar := secret.Bytes(s.order.bytes(k))
	defer scalar.Wipe()
	point, err := nistec.NewP256Point().ScalarBaseMult(scalar)
	if err != nil {
		return r, second, err
	}
	x, err := point.BytesX()
	if err != nil {
		return r, second, err // 0 was drawn; it has never been
	}
	r = s.order.residue(x)
	sum := s.order.add(e, s.order.mul(r, s.order.residue(s.d)))
	return r, s.order.mul(s.order.inverse(k), sum), nil
}

func (s *p256Signer) wipe() { s.d.Wipe() }
