package curve_test

import (
	"bytes"
	"math/big"
	"testing"

	"conclave/internal/curve"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// sequence is a DER SEQUENCE of what elements write.
func sequence(elements ...func(b *cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, add := range elements {
			add(b)
		}
	})
	return b.BytesOrPanic()
}

func derInteger(v *big.Int) func(b *cryptobyte.Builder) {
	return func(b *cryptobyte.Builder) { b.AddASN1BigInt(v) }
}

// content is an INTEGER with these bytes, canonical or not.
func content(v []byte) func(b *cryptobyte.Builder) {
	return func(b *cryptobyte.Builder) {
		b.AddASN1(tag.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(v) })
	}
}

// signed returns a key, a digest, and the halves of its signature.
func signed(t *testing.T, c *curve.Curve) (k *curve.PrivateKey, digest []byte, r, s *big.Int) {
	t.Helper()
	k, digest = generate(t, c), bytes.Repeat([]byte{0x5A}, 32)
	signature, err := k.Sign(digest)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := curve.PlainSignature(c, signature)
	if err != nil {
		t.Fatal(err)
	}
	half := len(c.N)
	r, s = new(big.Int).SetBytes(plain[:half]), new(big.Int).SetBytes(plain[half:])
	if good := sequence(derInteger(r), derInteger(s)); !bytes.Equal(good, signature) || !c.Verify(k.Q, digest, good) {
		t.Fatalf("signature %x, encoded again %x", signature, good)
	}
	return k, digest, r, s
}

// The kinds of faults are those of Wycheproof's ECDSA files.
func TestVerifyRefusesHostileSignatures(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		k, digest, r, s := signed(t, c)
		n, p, zero, one := new(big.Int).SetBytes(c.N), new(big.Int).SetBytes(c.P), big.NewInt(0), big.NewInt(1)
		plus := func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }
		minus := func(a, b *big.Int) *big.Int { return new(big.Int).Sub(a, b) }

		special := []*big.Int{zero, one, big.NewInt(-1), n, minus(n, one), plus(n, one), p, plus(p, one), new(big.Int).Lsh(one, 1024)}
		var bad [][]byte
		for _, v := range special {
			bad = append(bad, sequence(derInteger(v), derInteger(s)), sequence(derInteger(r), derInteger(v)))
			for _, w := range special {
				bad = append(bad, sequence(derInteger(v), derInteger(w)))
			}
		}
		bad = append(bad,
			sequence(derInteger(s), derInteger(r)),
			sequence(derInteger(plus(r, n)), derInteger(s)), sequence(derInteger(r), derInteger(plus(s, n))),
			sequence(derInteger(minus(r, n)), derInteger(s)), sequence(derInteger(r), derInteger(minus(s, n))),
			sequence(derInteger(minus(zero, r)), derInteger(s)), sequence(derInteger(r), derInteger(minus(zero, s))),
			sequence(derInteger(minus(n, r)), derInteger(s)),
		)
		for i, signature := range append(bad, malformed(r, s)...) {
			if c.Verify(k.Q, digest, signature) {
				t.Errorf("number %d, %x: accepted", i, signature)
			}
		}
	})
}

// malformed returns the right signature in wrong encodings.
func malformed(r, s *big.Int) [][]byte {
	good := sequence(derInteger(r), derInteger(s))
	null := func(b *cryptobyte.Builder) { b.AddBytes([]byte{5, 0}) }
	padded := func(v *big.Int) []byte { return append([]byte{0, 0}, v.Bytes()...) }
	input, body := cryptobyte.String(good), cryptobyte.String{}
	input.ReadASN1(&body, tag.SEQUENCE)
	length := byte(len(body)) // below 256 on every curve
	return [][]byte{
		nil, {0x30}, {0x30, 0}, body, append(r.Bytes(), s.Bytes()...),
		good[1:], good[:len(good)-1], append(bytes.Clone(good), 0), append(bytes.Clone(good), 5, 0),
		append([]byte{0x30, 0x82, 0, length}, body...), append(append([]byte{0x30, 0x80}, body...), 0, 0),
		append([]byte{0x31}, good[1:]...), sequence(derInteger(r), derInteger(s), null),
		sequence(derInteger(r)), sequence(derInteger(r), derInteger(s), derInteger(s)),
		sequence(content(padded(r)), derInteger(s)), sequence(derInteger(r), content(padded(s))),
		sequence(content(nil), derInteger(s)), sequence(derInteger(r), content(nil)),
	}
}

// With e = -r·d the sum that verification computes is infinity.
func TestVerifyRefusesInfinity(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		k := generate(t, c)
		n, d := new(big.Int).SetBytes(c.N), new(big.Int).SetBytes(k.D)
		for _, r := range []int64{1, 2, 3} {
			e := new(big.Int).Mul(d, big.NewInt(-r))
			digest := e.Mod(e, n).FillBytes(make([]byte, len(c.N)))
			if c.Bits%8 != 0 { // the order does not fill its bytes: its bits are the left-most
				digest = e.Lsh(e, uint(8*len(c.N)-n.BitLen())).FillBytes(digest)
			}
			if c.Verify(k.Q, digest, sequence(derInteger(big.NewInt(r)), derInteger(big.NewInt(5)))) {
				t.Errorf("r = %d: accepted", r)
			}
		}
	})
}

// A coordinate that is not below P stands for a point in another way.
func TestCheckPointRefusesUnreducedCoordinates(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		p := new(big.Int).SetBytes(c.P)
		size := c.FieldLen()
		check := func(x, y *big.Int, want bool) bool {
			if max(x.BitLen(), y.BitLen()) > 8*size {
				return false
			}
			point := append([]byte{4}, x.FillBytes(make([]byte, size))...)
			point = append(point, y.FillBytes(make([]byte, size))...)
			if err := c.CheckPoint(point); (err == nil) != want {
				t.Errorf("point %x: %v", point, err)
			}
			return true
		}
		unreduced := 0
		for _, point := range smallPoints(c, 12) {
			x, y := point[0], point[1]
			check(x, y, true)
			for _, other := range [][2]*big.Int{{new(big.Int).Add(x, p), y}, {x, new(big.Int).Add(y, p)}} {
				if check(other[0], other[1], false) {
					unreduced++
				}
			}
		}
		if unreduced == 0 {
			t.Error("no point was tried")
		}
	})
}

// smallPoints returns pairs of opposite points with the least x coordinates.
func smallPoints(c *curve.Curve, count int) (points [][2]*big.Int) {
	p, a, b := new(big.Int).SetBytes(c.P), new(big.Int).SetBytes(c.A), new(big.Int).SetBytes(c.B)
	for x := big.NewInt(0); len(points) < count; x = new(big.Int).Add(x, big.NewInt(1)) {
		right := new(big.Int).Mul(x, x)
		right.Add(right, a).Mul(right, x).Add(right, b).Mod(right, p)
		if y := new(big.Int).ModSqrt(right, p); y != nil {
			points = append(points, [2]*big.Int{x, y}, [2]*big.Int{x, new(big.Int).Sub(p, y)})
		}
	}
	return points
}

func TestDigestsAtTheEdges(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		n := new(big.Int).SetBytes(c.N)
		for _, d := range []*big.Int{big.NewInt(1), big.NewInt(2), new(big.Int).Sub(n, big.NewInt(1))} {
			k := newKey(t, c, d.Bytes())
			for _, size := range []int{1, len(c.N) - 1, len(c.N), len(c.N) + 1, 2 * len(c.N)} {
				assertSigns(t, k, make([]byte, size))
				assertSigns(t, k, bytes.Repeat([]byte{0xff}, size))
			}
			for offset := int64(-1); offset <= 1; offset++ {
				assertSigns(t, k, new(big.Int).Add(n, big.NewInt(offset)).FillBytes(make([]byte, len(c.N))))
			}
		}
	})
}

// Agreement with the multiples next to the ends of the range of scalars.
func TestMultiplesAtTheEdges(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		n := new(big.Int).SetBytes(c.N)
		for small := int64(1); small <= 17; small++ {
			near, far := newKey(t, c, big.NewInt(small).Bytes()), newKey(t, c, new(big.Int).Sub(n, big.NewInt(small)).Bytes())
			if !bytes.Equal(far.Q, negate(c, near.Q)) {
				t.Errorf("(N-%d)·G is not -(%d·G)", small, small)
			}
			got, err := far.ECDH(near.Q)
			want := negate(c, newKey(t, c, big.NewInt(small*small).Bytes()).Q)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("(N-%d)·(%d·G) = %x, %v; expected %x", small, small, got, err, want)
			}
		}
	})
}
