package tlv_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"conclave/tlv"
)

func TestLengthForms(t *testing.T) {
	for _, n := range []int{0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000} {
		value := make([]byte, n)
		b, err := new(tlv.Builder).Add(0x7F49, value).Add(0x5F20, []byte("x")).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		c := tlv.Cursor(b)
		got, err := c.Take(0x7F49)
		if err != nil || len(got) != n {
			t.Errorf("length %d: %d bytes, %v", n, len(got), err)
		}
		if name, err := c.Take(0x5F20); err != nil || string(name) != "x" || !c.Empty() {
			t.Errorf("after length %d: %q, %v", n, name, err)
		}
	}
}

// The head of a device certificate as pico-hsm 6.6 sends it.
func TestForeignBytes(t *testing.T) {
	c := tlv.Cursor(mustHex(t, "5F290100421045535049434F48534D54523030303031"))
	if v, err := c.Take(0x5F29); err != nil || !bytes.Equal(v, []byte{0}) {
		t.Errorf("profile identifier: % X, %v", v, err)
	}
	if v, err := c.Take(0x42); err != nil || string(v) != "ESPICOHSMTR00001" {
		t.Errorf("authority reference: %q, %v", v, err)
	}
}

func mustHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMalformed(t *testing.T) {
	for name, text := range map[string]string{
		"tag alone":                "30",
		"two-byte tag cut off":     "7F",
		"tag of four bytes":        "7FFFFFFF0100",
		"length past the end":      "300501",
		"length cut off":           "308201",
		"indefinite length":        "30800000",
		"length of four bytes":     "308400000000",
		"second object is cut off": "0101FF02",
	} {
		c := tlv.Cursor(mustHex(t, text))
		var err error
		for err == nil && !c.Empty() {
			_, _, _, err = c.Next()
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFind(t *testing.T) {
	b := mustHex(t, "0101AA0201BB0101CC")
	if v, err := tlv.Find(b, 0x01); err != nil || v[0] != 0xAA {
		t.Errorf("the first of two: % X, %v", v, err)
	}
	if _, err := tlv.Find(b, 0x03); !errors.Is(err, tlv.ErrAbsent) {
		t.Errorf("an absent tag: %v", err)
	}
	if _, err := tlv.Find(mustHex(t, "0205"), 0x03); err == nil || errors.Is(err, tlv.ErrAbsent) {
		t.Errorf("a broken object is not an absent one: %v", err)
	}
}

func TestNestedInPrimitiveIsRefused(t *testing.T) {
	if _, err := new(tlv.Builder).AddNested(0x04, func(b *tlv.Builder) { b.Add(0x02, nil) }).Bytes(); err == nil {
		t.Error("objects inside an OCTET STRING's tag were built")
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tags := rapid.SliceOf(rapid.SampledFrom([]tlv.Tag{0x02, 0x30, 0x5F37, 0x7F21, 0x42})).Draw(t, "tags")
		var b tlv.Builder
		var values [][]byte
		for _, tag := range tags {
			values = append(values, rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "value"))
			b.Add(tag, values[len(values)-1])
		}
		built, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		c := tlv.Cursor(built)
		for i, tag := range tags {
			if v, err := c.Take(tag); err != nil || !bytes.Equal(v, values[i]) {
				t.Fatalf("object %d: % X, %v", i, v, err)
			}
		}
		if !c.Empty() {
			t.Fatalf("%d bytes are left", len(c))
		}
	})
}

// FuzzCursor looks for a panic, and for elements that do not add up to what
// was read.
func FuzzCursor(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		var seen []byte
		c := tlv.Cursor(b)
		for !c.Empty() {
			_, value, element, err := c.Next()
			if err != nil {
				return
			}
			if !bytes.HasSuffix(element, value) {
				t.Fatalf("element % X does not end with its value % X", element, value)
			}
			seen = append(seen, element...)
		}
		if !bytes.Equal(seen, b) {
			t.Fatalf("% X was read as % X", b, seen)
		}
	})
}
