package dkek

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"conclave/internal/secret"

	"pgregory.net/rapid"
)

// Known value: SHA-256 of 32 zero bytes begins with 66687AADF862BD77.
func TestKCV(t *testing.T) {
	d, err := New(make(secret.Bytes, ShareSize))
	if err != nil {
		t.Fatal(err)
	}
	if got := d.KCV().String(); got != "66687AADF862BD77" {
		t.Error(got)
	}
}

func TestCombine(t *testing.T) {
	a, b := filled(0x0F), filled(0x33)
	d, err := Combine(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if !d.Bytes().Equal(filled(0x3C)) {
		t.Error("not the XOR of the shares")
	}
	if !a.Equal(filled(0x0F)) || !b.Equal(filled(0x33)) {
		t.Error("the shares were changed")
	}
}

func TestCombineInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.Custom(func(t *rapid.T) secret.Bytes { return rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "share") })
		shares := rapid.SliceOfNDistinct(share, 1, 6, func(s secret.Bytes) string { return string(s) }).Draw(t, "shares")
		one, err := Combine(shares...)
		if err != nil {
			t.Fatal(err)
		}
		other, err := Combine(rapid.Permutation(shares).Draw(t, "order")...)
		if err != nil {
			t.Fatal(err)
		}
		if one.KCV() != other.KCV() {
			t.Fatal("the order of shares matters")
		}
	})
}

func TestCombineRefuses(t *testing.T) {
	tests := []struct {
		name   string
		shares []secret.Bytes
		want   string
	}{
		{"none", nil, "at least one"},
		{"short", []secret.Bytes{filled(1), filled(2)[:31]}, "share 2 has 31 bytes, 32 expected"},
		{"twice the same", []secret.Bytes{filled(1), filled(2), filled(1)}, "shares 1 and 3 are equal and would cancel each other out"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Combine(test.shares...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	if _, err := New(filled(1)[:31]); err == nil {
		t.Error("New took 31 bytes")
	}
}

func TestKeyIsOurs(t *testing.T) {
	key := filled(7)
	d, err := New(key)
	if err != nil {
		t.Fatal(err)
	}
	key.Wipe()
	d.Bytes().Wipe()
	if !d.Bytes().Equal(filled(7)) {
		t.Error("the key shares memory with the caller")
	}
	d.Wipe()
	if !d.Bytes().Equal(filled(0)) {
		t.Error("Wipe left something")
	}
}

func TestNothingPrintsTheKey(t *testing.T) {
	d, err := New(secret.Bytes("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{d, *d, AESKey("0123456789abcdef")} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, "0123") || strings.Contains(out, "30313233") || strings.Contains(out, "0x30") {
				t.Errorf("%s of %T shows it: %s", verb, v, out)
			}
		}
	}
}

// filled is a share that consists of one value.
func filled(value byte) secret.Bytes { return bytes.Repeat([]byte{value}, ShareSize) }
