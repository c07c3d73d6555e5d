package curve_test

import (
	"bytes"
	"encoding/asn1"
	"strings"
	"testing"

	"conclave/internal/curve"
)

// forEachCurve runs body as a subtest of every curve of the table.
func forEachCurve(t *testing.T, body func(t *testing.T, c *curve.Curve)) {
	for _, c := range curve.All() {
		t.Run(c.Name, func(t *testing.T) {
			if testing.Short() && c.FieldLen() > 32 {
				t.Skip("a long curve")
			}
			body(t, c)
		})
	}
}

func TestLengthsOfParameters(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		field := (c.Bits + 7) / 8
		for name, v := range map[string][]byte{"P": c.P, "A": c.A, "B": c.B} {
			if len(v) != field {
				t.Errorf("%s has %d bytes, expected %d", name, len(v), field)
			}
		}
		if c.FieldLen() != field || len(c.G) != 1+2*field || c.N[0] == 0 {
			t.Errorf("field length %d, G %d bytes, N begins with %02x", c.FieldLen(), len(c.G), c.N[0])
		}
		if err := c.CheckPoint(c.G); err != nil {
			t.Errorf("generator: %v", err)
		}
	})
}

func TestByName(t *testing.T) {
	for name, want := range map[string]string{
		"secp192r1": "secp192r1", "prime192v1": "secp192r1", "P-192": "secp192r1",
		"secp224r1": "secp224r1", "P-224": "secp224r1",
		"secp256r1": "secp256r1", "prime256v1": "secp256r1", "P-256": "secp256r1", "p-256": "secp256r1",
		"secp384r1": "secp384r1", "P-384": "secp384r1",
		"secp521r1": "secp521r1", "P-521": "secp521r1",
		"brainpoolP192r1": "brainpoolP192r1", "BRAINPOOLP224R1": "brainpoolP224r1", "brainpoolP256r1": "brainpoolP256r1",
		"brainpoolP320r1": "brainpoolP320r1", "brainpoolp384r1": "brainpoolP384r1", "brainpoolP512r1": "brainpoolP512r1",
		"secp192k1": "secp192k1", "secp256k1": "secp256k1",
	} {
		c, err := curve.ByName(name)
		if err != nil || c.Name != want {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	_, err := curve.ByName("secp255r1")
	if err == nil {
		t.Fatal("secp255r1 was found")
	}
	for _, c := range curve.All() {
		if !strings.Contains(err.Error(), c.Name) {
			t.Errorf("%q does not list %s", err, c.Name)
		}
	}
}

func TestByOID(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		if found, err := curve.ByOID(c.OID); err != nil || found != c {
			t.Errorf("found %v, %v", found, err)
		}
	})
	if _, err := curve.ByOID(asn1.ObjectIdentifier{1, 3, 132, 0, 1}); err == nil || !strings.Contains(err.Error(), "1.3.132.0.1") {
		t.Errorf("sect163k1: %v", err)
	}
}

func TestByParamsComparesIntegers(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		longer := func(b []byte) []byte { return append([]byte{0}, b...) }
		shorter := func(b []byte) []byte { return bytes.TrimLeft(b, "\x00") }
		if found, err := curve.ByParams(longer(c.P), longer(c.A), longer(c.B), longer(c.N), c.G); err != nil || found != c {
			t.Errorf("with leading zeros: %v, %v", found, err)
		}
		if found, err := curve.ByParams(c.P, shorter(c.A), shorter(c.B), c.N, c.G); err != nil || found != c {
			t.Errorf("without leading zeros: %v, %v", found, err)
		}
	})
}

func TestByParamsRefusesAnyOtherValue(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		for i := range 5 {
			params := [5][]byte{c.P, c.A, c.B, c.N, c.G}
			params[i] = bytes.Clone(params[i])
			params[i][len(params[i])-1] ^= 4
			if found, err := curve.ByParams(params[0], params[1], params[2], params[3], params[4]); err == nil {
				t.Errorf("parameter %d changed: found %s", i, found.Name)
			}
		}
	})
	_, err := curve.ByParams([]byte{0, 0x1f, 0xff}, nil, nil, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "13 bits") {
		t.Errorf("error does not name the field size: %v", err)
	}
}

func TestCheckPointRefuses(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		n := c.FieldLen()
		edit := func(f func([]byte)) []byte { q := bytes.Clone(c.G); f(q); return q }
		for name, q := range map[string][]byte{
			"nothing":          nil,
			"infinity":         {0},
			"zeros":            make([]byte, 1+2*n),
			"origin":           edit(func(q []byte) { clear(q[1:]) }),
			"compressed even":  append([]byte{2}, c.G[1:1+n]...),
			"compressed odd":   append([]byte{3}, c.G[1:1+n]...),
			"hybrid":           edit(func(q []byte) { q[0] = 6 + q[2*n]&1 }),
			"short":            c.G[:2*n],
			"long":             append(bytes.Clone(c.G), 0),
			"y changed":        edit(func(q []byte) { q[2*n] ^= 1 }),
			"x changed":        edit(func(q []byte) { q[n] ^= 1 }),
			"x not reduced":    edit(func(q []byte) { copy(q[1:], c.P) }),
			"all ones":         edit(func(q []byte) { copy(q[1:], bytes.Repeat([]byte{0xff}, 2*n)) }),
			"x and y swapped":  append(append([]byte{4}, c.G[1+n:]...), c.G[1:1+n]...),
			"first byte wrong": edit(func(q []byte) { q[0] = 5 }),
		} {
			if err := c.CheckPoint(q); err == nil {
				t.Errorf("%s: accepted", name)
			}
			if c.Verify(q, []byte("digest"), []byte{0x30, 6, 2, 1, 1, 2, 1, 1}) {
				t.Errorf("%s: verified a signature", name)
			}
		}
	})
}
