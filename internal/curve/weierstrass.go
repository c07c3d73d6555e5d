package curve

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"sync"
)

// weierstrass is any curve y² = x³ + ax + b over a prime field that has an odd
// prime order, whatever a and b are. Private operations take a time that
// depends on the curve alone.
//
// The order fills its bytes, and these are an even number, as many as those of
// P: so it is on every curve that uses this.
type weierstrass struct {
	curve        *Curve
	field, order modulus // P and N
	a, b, b3     residue // modulo P; b3 is 3b
	base         projective
	rows         func() [][16]projective // of baseMult
}

// projective is the point (x/z, y/z); z is 0 at infinity, which is (0 : 1 : 0).
type projective struct{ x, y, z residue }

var errNotOnCurve = errors.New("curve: the point is not on the curve")

// withWeierstrass gives c, which has its parameters, this package's own
// arithmetic.
func withWeierstrass(c *Curve) *Curve {
	c.group = later(sync.OnceValue(func() *weierstrass { return newWeierstrass(c) }))
	return c
}

// later is the group of a curve once it is used: the constants of all curves
// would delay the start of every program.
type later func() *weierstrass

func (g later) newKey(d []byte) (signer, []byte, error)  { return g().newKey(d) }
func (g later) multiply(d, point []byte) ([]byte, error) { return g().multiply(d, point) }
func (g later) onCurve(point []byte) error               { return g().onCurve(point) }
func (g later) verify(point, digest, signature []byte) bool {
	return g().verify(point, digest, signature)
}

func newWeierstrass(c *Curve) *weierstrass {
	g := &weierstrass{curve: c, field: newModulus(c.P), order: newModulus(c.N)}
	g.a, g.b = g.field.residue(c.A), g.field.residue(c.B)
	g.b3 = g.field.add(g.b, g.field.add(g.b, g.b))
	g.base = g.parseUnchecked(c.G)
	g.rows = sync.OnceValue(g.newRows)
	return g
}

func (g *weierstrass) multiply(d, point []byte) ([]byte, error) {
	q, err := g.parse(point)
	if err != nil {
		return nil, err
	}
	return g.bytes(g.scalarMult(d, q)), nil
}

func (g *weierstrass) onCurve(point []byte) error {
	_, err := g.parse(point)
	return err
}

// parse returns a point, which is public, if its coordinates are below P and
// fulfil the equation of the curve (SP 800-56A, revision 3, section 5.6.2.3.4;
// the order needs no check, since the cofactor is 1).
func (g *weierstrass) parse(point []byte) (projective, error) {
	f, size := &g.field, g.field.size
	if bytes.Compare(point[1:1+size], g.curve.P) >= 0 || bytes.Compare(point[1+size:], g.curve.P) >= 0 {
		return projective{}, errNotOnCurve
	}
	q := g.parseUnchecked(point)
	right := f.add(f.mul(f.add(f.mul(q.x, q.x), g.a), q.x), g.b)
	if f.mul(q.y, q.y) != right {
		return projective{}, errNotOnCurve
	}
	return q, nil
}

// parseUnchecked returns the point of the form that checkForm accepts.
func (g *weierstrass) parseUnchecked(point []byte) projective {
	size := g.field.size
	return projective{g.field.residue(point[1 : 1+size]), g.field.residue(point[1+size:]), g.field.one}
}

// bytes returns the uncompressed form of a point that is not infinity.
func (g *weierstrass) bytes(p projective) []byte {
	inverse := g.field.inverse(p.z)
	x, y := g.field.mul(p.x, inverse), g.field.mul(p.y, inverse)
	return append(append([]byte{4}, g.field.bytes(x)...), g.field.bytes(y)...)
}

// scalarMult returns d·p for a d of any value, big-endian and of order length:
// four bits at a time, from the left. Additions of infinity and of a point to
// itself occur, and need no branch, because add is complete.
func (g *weierstrass) scalarMult(d []byte, p projective) projective {
	sum, multiples := g.infinity(), g.multiples(p)
	for _, b := range d {
		for _, digit := range [2]byte{b >> 4, b & 15} {
			sum = g.add(g.shift(sum, 4), pick(&multiples, digit))
		}
	}
	return sum
}

// baseMult returns d·G as scalarMult does, in a quarter of the time. Row i has
// the multiples of 2^(16·i)·G: what the rows have for the first digit of each
// 16 bits of d is added up and shifted by one digit, then the second, and so
// on. (With a row for every digit there would be nothing to shift, but the rows
// would take longer to make than a process saves that signs a few times.)
func (g *weierstrass) baseMult(d []byte) projective {
	sum, rows := g.infinity(), g.rows()
	for place := range 4 {
		sum = g.shift(sum, 4)
		for i := range rows {
			b := d[len(d)-2*(i+1)+place/2] >> (4 * (1 - place%2))
			sum = g.add(sum, pick(&rows[i], b&15))
		}
	}
	return sum
}

// newRows takes as long as one and a half of scalarMult.
func (g *weierstrass) newRows() [][16]projective {
	rows := make([][16]projective, g.order.size/2)
	p := g.base
	for i := range rows {
		rows[i] = g.multiples(p)
		p = g.shift(p, 16)
	}
	return rows
}

func (g *weierstrass) infinity() projective { return projective{y: g.field.one} }

// multiples returns 0·p to 15·p.
func (g *weierstrass) multiples(p projective) [16]projective {
	multiples := [16]projective{0: g.infinity()}
	for i := 1; i < len(multiples); i++ {
		multiples[i] = g.add(multiples[i-1], p)
	}
	return multiples
}

// shift returns 2^n·p.
func (g *weierstrass) shift(p projective, n int) projective {
	for range n {
		p = g.add(p, p)
	}
	return p
}

// pick returns points[index] after reading all of them.
func pick(points *[16]projective, index byte) (p projective) {
	for i := range points {
		mask := -uint64(subtle.ConstantTimeByteEq(byte(i), index))
		q := &points[i]
		for j := range maxLimbs {
			p.x[j] |= q.x[j] & mask
			p.y[j] |= q.y[j] & mask
			p.z[j] |= q.z[j] & mask
		}
	}
	return p
}

// add returns p + q, whatever points these are: algorithm 1 of Renes, Costello
// and Batina, Complete addition formulas for prime order elliptic curves (IACR
// ePrint 2015/1060).
func (g *weierstrass) add(p, q projective) (sum projective) {
	f := &g.field
	var xx, yy, zz, xy, xz, yz residue
	f.setMul(&xx, &p.x, &q.x)
	f.setMul(&yy, &p.y, &q.y)
	f.setMul(&zz, &p.z, &q.z)
	g.cross(&xy, &p.x, &p.y, &q.x, &q.y, &xx, &yy)
	g.cross(&xz, &p.x, &p.z, &q.x, &q.z, &xx, &zz)
	g.cross(&yz, &p.y, &p.z, &q.y, &q.z, &yy, &zz)

	var u, v, w residue // a·xz + 3b·zz, 3xx + a·zz, and 3b·xz + a·(xx - a·zz)
	f.setMul(&u, &g.b3, &zz)
	f.setAdd(&v, &xx, &xx)
	f.setAdd(&v, &v, &xx)
	f.setMul(&w, &g.b3, &xz)
	if g.a != (residue{}) {
		g.addTerms(&u, &v, &w, &xx, &xz, &zz)
	}

	var minus, plus, t residue
	f.setSub(&minus, &yy, &u)
	f.setAdd(&plus, &yy, &u)
	f.setMul(&sum.x, &xy, &minus)
	f.setMul(&t, &yz, &w)
	f.setSub(&sum.x, &sum.x, &t)
	f.setMul(&sum.y, &minus, &plus)
	f.setMul(&t, &v, &w)
	f.setAdd(&sum.y, &sum.y, &t)
	f.setMul(&sum.z, &yz, &plus)
	f.setMul(&t, &xy, &v)
	f.setAdd(&sum.z, &sum.z, &t)
	return sum
}

// addTerms adds the terms of u, v and w that are 0 if a is. (Without them, add is
// algorithm 7.)
func (g *weierstrass) addTerms(u, v, w, xx, xz, zz *residue) {
	f := &g.field
	var t residue
	f.setMul(&t, &g.a, xz)
	f.setAdd(u, u, &t)
	f.setMul(&t, &g.a, zz)
	f.setAdd(v, v, &t)
	f.setSub(&t, xx, &t)
	f.setMul(&t, &g.a, &t)
	f.setAdd(w, w, &t)
}

// cross lets z be s·v + t·u, given su and tv, at the price of one
// multiplication.
func (g *weierstrass) cross(z, s, t, u, v, su, tv *residue) {
	f := &g.field
	var right residue
	f.setAdd(z, s, t)
	f.setAdd(&right, u, v)
	f.setMul(z, z, &right)
	f.setAdd(&right, su, tv)
	f.setSub(z, z, &right)
}
