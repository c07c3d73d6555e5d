package dkek

import (
	"bytes"
	"crypto/rand"
	"reflect"
	"strings"
	"testing"

	"conclave/internal/curve"
)

func otherDKEK(t *testing.T) *DKEK {
	t.Helper()
	d, err := New(bytes.Repeat([]byte{0x5A}, ShareSize))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRewrap moves every key that others wrapped to another DKEK. An EC key has
// all its domain parameters then, one of which pico-hsm leaves out.
func TestRewrap(t *testing.T) {
	old, to := vectorDKEK(t), otherDKEK(t)
	for path, blob := range readBlobs(t) {
		want, wantMeta, err := old.Unwrap(blob)
		if err != nil {
			t.Fatal(err)
		}
		rewrapped, err := old.Rewrap(rand.Reader, blob, to)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		key, meta, err := to.Unwrap(rewrapped)
		if err != nil || !equalKeys(key, want) || !reflect.DeepEqual(meta, wantMeta) {
			t.Errorf("%s: another key came out, or other metadata (%v)", path, err)
		}
		if ec, ok := key.(*curve.PrivateKey); ok {
			f := fields(opened(t, to, rewrapped)[contentFrom:])
			if a, err := f.next("a"); err != nil || !bytes.Equal(a, ec.Curve.A) {
				t.Errorf("%s: the coefficient a is %x, %v", path, a, err)
			}
		}
	}
}

// TestRewrapUnknownCurve: a key that can be of use to another program passes
// through as it is. Opened here it is refused by the size of its field.
func TestRewrapUnknownCurve(t *testing.T) {
	old, to := vectorDKEK(t), otherDKEK(t)
	parts := ecParts(t)
	parts[1] = plus(parts[1], 1)
	plaintext := content(256, parts...)
	rewrapped, err := old.Rewrap(rand.Reader, old.seal(blobOf(EC, plaintext), plaintext), to)
	if err != nil {
		t.Fatal(err)
	}
	if got := opened(t, to, rewrapped); !bytes.Equal(got[randomSize:], plaintext[randomSize:]) {
		t.Errorf("what came out is %x", got)
	}
	_, _, err = to.Unwrap(rewrapped)
	if err == nil || !strings.Contains(err.Error(), "known are secp") || !strings.Contains(err.Error(), " 256 bits") {
		t.Errorf("error %v does not say which curves are known", err)
	}
}

func opened(t *testing.T, d *DKEK, b []byte) []byte {
	t.Helper()
	blob, err := ParseBlob(b)
	if err != nil {
		t.Fatal(err)
	}
	plaintext, err := d.open(blob)
	if err != nil {
		t.Fatal(err)
	}
	return plaintext
}
