package curve

import "conclave/internal/secret"

// weierstrassSigner is the private key d of a curve in this package's own
// arithmetic.
type weierstrassSigner struct {
	group *weierstrass
	d     residue // modulo N
}

func (g *weierstrass) newKey(d []byte) (signer, []byte, error) {
	return &weierstrassSigner{g, g.order.residue(d)}, g.bytes(g.baseMult(d)), nil
}

// sign makes an ECDSA signature (FIPS 186-5, section 6.4.1). Only r and s, which
// it publishes, are branched on.
func (s *weierstrassSigner) sign(digest []byte) ([]byte, error) {
	order := &s.group.order
	e := order.residue(leftmost(digest, order.size))
	d := secret.Bytes(order.bytes(s.d))
	defer d.Wipe()
	numbers := newNonces(s.group.curve.N, d, order.bytes(e))
	defer numbers.wipe()
	for {
		k := numbers.next()
		r, second := s.signWith(k, e)
		k.Wipe()
		if r != (residue{}) && second != (residue{}) {
			return DERSignature(s.group.curve, append(order.bytes(r), order.bytes(second)...))
		}
	}
}

// signWith returns r = x(k·G) and s = (e + r·d)/k, modulo N.
func (s *weierstrassSigner) signWith(k []byte, e residue) (r, second residue) {
	order := &s.group.order
	r = s.group.xModuloOrder(s.group.baseMult(k))
	sum := order.add(e, order.mul(r, s.d))
	return r, order.mul(order.inverse(order.residue(k)), sum)
}

func (s *weierstrassSigner) wipe() { clear(s.d[:]) }

// verify is FIPS 186-5, section 6.4.2. A sum at infinity gives x = 0 here, an r
// that PlainSignature does not let through.
func (g *weierstrass) verify(point, digest, signature []byte) bool {
	q, err := g.parse(point)
	if err != nil {
		return false
	}
	plain, err := PlainSignature(g.curve, signature)
	if err != nil {
		return false
	}
	order := &g.order
	e := order.residue(leftmost(digest, order.size))
	r, s := order.residue(plain[:order.size]), order.residue(plain[order.size:])
	inverse := order.inverse(s)
	ofBase := g.baseMult(order.bytes(order.mul(e, inverse)))
	ofKey := g.scalarMult(order.bytes(order.mul(r, inverse)), q)
	return g.xModuloOrder(g.add(ofBase, ofKey)) == r
}

// xModuloOrder returns the affine x coordinate of p modulo N, and 0 for
// infinity.
func (g *weierstrass) xModuloOrder(p projective) residue {
	x := g.field.mul(p.x, g.field.inverse(p.z))
	return g.order.residue(g.field.bytes(x))
}

// leftmost returns the first size bytes of a longer digest (FIPS 186-5, section
// 6.4.1), and a shorter one as the same integer in size bytes.
func leftmost(digest []byte, size int) []byte {
	if len(digest) > size {
		return digest[:size]
	}
	padded := make([]byte, size)
	copy(padded[size-len(digest):], digest)
	return padded
}
