package curve

import (
	"bytes"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// forEachOwn runs body as a subtest of every curve in this package's own
// arithmetic.
func forEachOwn(t *testing.T, body func(t *testing.T, g *weierstrass)) {
	own := 0
	for _, c := range table {
		if group, ok := c.group.(later); ok {
			g := group()
			own++
			t.Run(c.Name, func(t *testing.T) {
				if testing.Short() && c.FieldLen() > 32 {
					t.Skip("a long curve")
				}
				body(t, g)
			})
		}
	}
	if own == 0 {
		t.Error("no curve of the table uses it")
	}
}

// affine is the oracle: a point with the formulas of SEC 1, version 2.0,
// section 2.2.1, case by case. Its x is nil at infinity.
type affine struct{ x, y *big.Int }

func integer(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

func (p affine) equal(q affine) bool {
	if p.x == nil || q.x == nil {
		return p.x == q.x
	}
	return p.x.Cmp(q.x) == 0 && p.y.Cmp(q.y) == 0
}

func (p affine) negative(c *Curve) affine {
	if p.x == nil {
		return p
	}
	y := new(big.Int).Neg(p.y)
	return affine{p.x, y.Mod(y, integer(c.P))}
}

func (p affine) plus(q affine, c *Curve) affine {
	switch {
	case p.x == nil:
		return q
	case q.x == nil:
		return p
	case p.equal(q.negative(c)):
		return affine{}
	}
	rise, run := new(big.Int).Sub(q.y, p.y), new(big.Int).Sub(q.x, p.x)
	if p.equal(q) {
		rise.Mul(big.NewInt(3), new(big.Int).Mul(p.x, p.x)).Add(rise, integer(c.A))
		run.Lsh(p.y, 1)
	}
	prime := integer(c.P)
	slope := run.ModInverse(run.Mod(run, prime), prime)
	slope.Mul(slope, rise)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.x).Sub(x, q.x).Mod(x, prime)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y).Mod(y, prime)
	return affine{x, y}
}

func (p affine) times(d *big.Int, c *Curve) (product affine) {
	for i := d.BitLen() - 1; i >= 0; i-- {
		product = product.plus(product, c)
		if d.Bit(i) == 1 {
			product = product.plus(p, c)
		}
	}
	return product
}

func generator(c *Curve) affine {
	size := c.FieldLen()
	return affine{integer(c.G[1 : 1+size]), integer(c.G[1+size:])}
}

// toAffine converts p, and checks that infinity is (0 : y : 0), y ≠ 0.
func toAffine(t rapid.TB, g *weierstrass, p projective) affine {
	if p.z == (residue{}) {
		if p.x != (residue{}) || p.y == (residue{}) {
			t.Fatalf("infinity is %x", p)
		}
		return affine{}
	}
	point := g.bytes(p)
	if err := g.onCurve(point); err != nil {
		t.Fatal(err)
	}
	size := g.field.size
	return affine{integer(point[1 : 1+size]), integer(point[1+size:])}
}

// toProjective converts p to one of its many forms, that of this z.
func toProjective(g *weierstrass, p affine, z residue) projective {
	if p.x == nil {
		return projective{y: z}
	}
	of := func(v *big.Int) residue {
		return g.field.mul(g.field.residue(v.FillBytes(make([]byte, g.field.size))), z)
	}
	return projective{of(p.x), of(p.y), z}
}

// drawInteger draws an integer below bound, often one near an end.
func drawInteger(r *rapid.T, bound *big.Int, name string) *big.Int {
	small := big.NewInt(int64(rapid.IntRange(0, 3).Draw(r, name+" small")))
	switch rapid.IntRange(0, 4).Draw(r, name+" kind") {
	case 0:
		return small
	case 1:
		return small.Sub(bound, small.Add(small, big.NewInt(1)))
	}
	length := len(bound.Bytes())
	v := integer(rapid.SliceOfN(rapid.Byte(), length, length).Draw(r, name))
	return v.Mod(v, bound)
}

func TestAdditionIsComplete(t *testing.T) {
	forEachOwn(t, func(t *testing.T, g *weierstrass) {
		c := g.curve
		rapid.Check(t, func(r *rapid.T) {
			point := func(name string) affine { return generator(c).times(drawInteger(r, integer(c.N), name), c) }
			form := func(p affine, name string) projective {
				z := drawInteger(r, new(big.Int).Sub(integer(c.P), big.NewInt(1)), name)
				z.Add(z, big.NewInt(1))
				return toProjective(g, p, g.field.residue(z.FillBytes(make([]byte, g.field.size))))
			}
			p, q := point("p"), point("q")
			for name, pair := range map[string][2]affine{
				"p + q": {p, q}, "q + p": {q, p}, "p + p": {p, p}, "p - p": {p, p.negative(c)},
				"p + 0": {p, {}}, "0 + p": {{}, p}, "0 + 0": {},
			} {
				got := toAffine(r, g, g.add(form(pair[0], "z1"), form(pair[1], "z2")))
				if want := pair[0].plus(pair[1], c); !got.equal(want) {
					r.Fatalf("%s for p = %v, q = %v is %v, expected %v", name, p, q, got, want)
				}
			}
		})
	})
}

func TestScalarMultAgreesWithTheOracle(t *testing.T) {
	forEachOwn(t, func(t *testing.T, g *weierstrass) {
		c := g.curve
		order := integer(c.N)
		q := generator(c).times(big.NewInt(0xC0FFEE), c)
		check := func(t rapid.TB, d *big.Int) {
			scalar := d.FillBytes(make([]byte, len(c.N)))
			got := toAffine(t, g, g.scalarMult(scalar, toProjective(g, q, g.field.one)))
			if want := q.times(d, c); !got.equal(want) {
				t.Fatalf("%v·Q is %v, expected %v", d, got, want)
			}
			got = toAffine(t, g, g.baseMult(scalar))
			if want := toAffine(t, g, g.scalarMult(scalar, g.base)); !got.equal(want) {
				t.Fatalf("%v·G is %v from the rows, %v without", d, got, want)
			}
		}
		for offset := int64(-17); offset <= 17; offset++ {
			check(t, new(big.Int).Add(order, big.NewInt(offset)))
			check(t, big.NewInt(offset+17))
		}
		check(t, integer(bytes.Repeat([]byte{0xff}, len(c.N))))
		rapid.Check(t, func(r *rapid.T) { check(r, drawInteger(r, order, "d")) })
	})
}

func TestModularArithmeticAgreesWithMathBig(t *testing.T) {
	forEachOwn(t, func(t *testing.T, g *weierstrass) {
		for name, m := range map[string]*modulus{"P": &g.field, "N": &g.order} {
			value := integer(bytesOf(m.value, m.size))
			t.Run(name, func(t *testing.T) {
				rapid.Check(t, func(r *rapid.T) { checkArithmetic(r, m, value) })
			})
		}
	})
}

func checkArithmetic(r *rapid.T, m *modulus, value *big.Int) {
	x, y := drawInteger(r, value, "x"), drawInteger(r, value, "y")
	of := func(v *big.Int) residue { return m.residue(v.FillBytes(make([]byte, m.size))) }
	inverse := new(big.Int)
	if x.Sign() > 0 {
		inverse.ModInverse(x, value)
	}
	wide := drawInteger(r, new(big.Int).Lsh(big.NewInt(1), uint(8*m.size)), "wide")
	for name, test := range map[string]struct {
		got  residue
		want *big.Int
	}{
		"x":     {of(x), x},
		"x + y": {m.add(of(x), of(y)), new(big.Int).Add(x, y)},
		"x - y": {m.sub(of(x), of(y)), new(big.Int).Sub(x, y)},
		"xy":    {m.mul(of(x), of(y)), new(big.Int).Mul(x, y)},
		"1/x":   {m.inverse(of(x)), inverse},
		"wide":  {of(wide), wide},
	} {
		want := new(big.Int).Mod(test.want, value)
		if got := integer(m.bytes(test.got)); got.Cmp(want) != 0 || test.got != of(want) {
			r.Fatalf("%s is %x, expected %x; x = %x, y = %x, wide = %x", name, got, want, x, y, wide)
		}
	}
}

// The assumptions of the types weierstrass and modulus.
func TestOwnCurvesFitTheArithmetic(t *testing.T) {
	forEachOwn(t, func(t *testing.T, g *weierstrass) {
		c := g.curve
		if c.N[0] < 0x80 || len(c.N)%2 != 0 || len(c.N) != len(c.P) || len(c.P) > 8*maxLimbs {
			t.Errorf("P has %d bytes, N %d and begins with %02x", len(c.P), len(c.N), c.N[0])
		}
		if !integer(c.P).ProbablyPrime(20) || !integer(c.N).ProbablyPrime(20) {
			t.Error("P or N is not prime")
		}
	})
}

func TestWipeClearsTheSigner(t *testing.T) {
	forEachOwn(t, func(t *testing.T, g *weierstrass) {
		k, err := g.curve.Generate()
		if err != nil {
			t.Fatal(err)
		}
		s := k.signer.(*weierstrassSigner)
		k.Wipe()
		if s.d != (residue{}) {
			t.Error("the scalar is still there")
		}
	})
}
