package curve_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"conclave/internal/curve"

	"pgregory.net/rapid"
)

// newKey makes the key with private scalar d, or fails the test.
func newKey(t testing.TB, c *curve.Curve, d []byte) *curve.PrivateKey {
	t.Helper()
	k, err := c.NewPrivateKey(d)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func generate(t testing.TB, c *curve.Curve) *curve.PrivateKey {
	t.Helper()
	k, err := c.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// negate returns -point.
func negate(c *curve.Curve, point []byte) []byte {
	half := 1 + c.FieldLen()
	y := new(big.Int).SetBytes(point[half:])
	y.Sub(new(big.Int).SetBytes(c.P), y)
	return append(bytes.Clone(point[:half]), y.FillBytes(make([]byte, c.FieldLen()))...)
}

func TestScalarsAtTheEdges(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		order := new(big.Int).SetBytes(c.N)
		offset := func(n int64) []byte { return new(big.Int).Add(order, big.NewInt(n)).Bytes() }

		for name, d := range map[string][]byte{
			"nothing": nil, "zero": {0}, "order": c.N, "order with a leading zero": append([]byte{0}, c.N...),
			"order plus one": offset(1), "all ones": bytes.Repeat([]byte{0xff}, len(c.N)),
			"one byte longer than the order": append([]byte{1}, c.N...),
		} {
			if _, err := c.NewPrivateKey(d); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}

		one, last := newKey(t, c, []byte{1}), newKey(t, c, offset(-1))
		if !bytes.Equal(one.Q, c.G) || len(one.D) != len(c.N) {
			t.Errorf("d = 1 gives Q = %x and %d bytes of D", one.Q, len(one.D))
		}
		if !bytes.Equal(last.Q, negate(c, c.G)) {
			t.Errorf("d = n-1 gives Q = %x", last.Q)
		}
		if padded := newKey(t, c, append(make([]byte, 9), last.D...)); !bytes.Equal(padded.Q, last.Q) {
			t.Error("leading zeros change the key")
		}

		peer := generate(t, c)
		for _, step := range []struct {
			key  *curve.PrivateKey
			want []byte
		}{{one, peer.Q}, {last, negate(c, peer.Q)}} {
			if got, err := step.key.ECDH(peer.Q); err != nil || !bytes.Equal(got, step.want) {
				t.Errorf("ECDH gives %x, %v; expected %x", got, err, step.want)
			}
			assertSigns(t, step.key, []byte("a digest of any length"))
		}
	})
}

// assertSigns signs digest and verifies it, and checks that other digests do
// not verify.
func assertSigns(t testing.TB, k *curve.PrivateKey, digest []byte) {
	t.Helper()
	signature, err := k.Sign(digest)
	if err != nil {
		t.Fatalf("digest of %d bytes: %v", len(digest), err)
	}
	if !k.Curve.Verify(k.Q, digest, signature) {
		t.Errorf("signature of a digest of %d bytes does not verify", len(digest))
	}
	if len(digest) > 0 {
		other := bytes.Clone(digest)
		other[0] ^= 0x80
		if k.Curve.Verify(k.Q, other, signature) {
			t.Errorf("signature of a digest of %d bytes verifies for another digest", len(digest))
		}
	}
	if k.Curve.Verify(generate(t, k.Curve).Q, digest, signature) {
		t.Error("signature verifies under another key")
	}
}

func TestDigestsOfAnyLength(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		k := generate(t, c)
		for _, length := range []int{0, 1, 20, 28, 32, 48, 64, 66, 67, 200} {
			assertSigns(t, k, bytes.Repeat([]byte{0x5A}, length))
		}
		assertSigns(t, k, make([]byte, 32))
	})
}

// Of a long digest only the left-most bits count, as many as the order has.
func TestLongDigestIsTruncatedOnTheRight(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		k := generate(t, c)
		long := bytes.Repeat([]byte{0x73}, len(c.N)+16)
		orderBits := new(big.Int).SetBytes(c.N).BitLen()
		// The first bit is 0, so that for secp521r1 too the integer fits whole bytes.
		leftmost := new(big.Int).Rsh(new(big.Int).SetBytes(long), uint(8*len(long)-orderBits))
		signature, err := k.Sign(long)
		if err != nil || !c.Verify(k.Q, leftmost.FillBytes(make([]byte, orderBits/8)), signature) {
			t.Errorf("signature %x, %v", signature, err)
		}
	})
}

// A short digest is the integer it spells.
func TestShortDigestIsPaddedOnTheLeft(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		k := generate(t, c)
		signature, err := k.Sign([]byte{1, 2, 3})
		if err != nil || !c.Verify(k.Q, []byte{0, 0, 0, 0, 0, 1, 2, 3}, signature) {
			t.Errorf("signature %x, %v", signature, err)
		}
	})
}

func TestKeyLaws(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		rapid.Check(t, func(r *rapid.T) {
			scalar := func(name string) *curve.PrivateKey {
				length := rapid.IntRange(1, len(c.N)-1).Draw(r, name+" length")
				d := rapid.SliceOfN(rapid.Byte(), length, length).Draw(r, name)
				d[length-1] |= 1
				k, err := c.NewPrivateKey(d)
				if err != nil {
					r.Fatal(err)
				}
				return k
			}
			a, b := scalar("a"), scalar("b")
			ab, errA := a.ECDH(b.Q)
			ba, errB := b.ECDH(a.Q)
			if errA != nil || errB != nil || !bytes.Equal(ab, ba) {
				r.Fatalf("a·B = %x (%v), b·A = %x (%v)", ab, errA, ba, errB)
			}
			if err := c.CheckPoint(ab); err != nil {
				r.Fatal(err)
			}
			if q, err := a.ECDH(c.G); err != nil || !bytes.Equal(q, a.Q) {
				r.Fatalf("a·G = %x (%v), Q = %x", q, err, a.Q)
			}
		})
	})
}

func TestGeneratedKeysDiffer(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		a, b := generate(t, c), generate(t, c)
		if a.D.Equal(b.D) || bytes.Equal(a.Q, b.Q) {
			t.Error("the same key twice")
		}
		if again := newKey(t, c, a.D); !bytes.Equal(again.Q, a.Q) || c.CheckPoint(a.Q) != nil {
			t.Error("Q does not belong to D")
		}
	})
}

func TestECDHRefusesBadPoints(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		k := generate(t, c)
		off := bytes.Clone(c.G)
		off[len(off)-1] ^= 1
		for name, point := range map[string][]byte{"off the curve": off, "infinity": {0}, "compressed": append([]byte{2}, c.G[1:1+c.FieldLen()]...)} {
			if shared, err := k.ECDH(point); err == nil {
				t.Errorf("%s: %x", name, shared)
			}
		}
	})
}

func TestWipedKeyIsUseless(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		k := generate(t, c)
		k.Wipe()
		k.Wipe()
		if strings.Trim(string(k.D), "\x00") != "" {
			t.Error("D is still there")
		}
		if _, err := k.Sign([]byte("digest")); err == nil {
			t.Error("signed")
		}
		if _, err := k.ECDH(c.G); err == nil {
			t.Error("agreed")
		}
	})
}

func TestPrivateKeyIsNotPrinted(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		k := generate(t, c)
		for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s", "%d"} {
			for _, printed := range []string{fmt.Sprintf(verb, k), fmt.Sprintf(verb, *k)} {
				if strings.Contains(strings.ToLower(printed), hex.EncodeToString(k.D)) || strings.Contains(printed, new(big.Int).SetBytes(k.D).String()) {
					t.Errorf("%s prints the private scalar", verb)
				}
			}
		}
	})
}
