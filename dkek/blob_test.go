package dkek

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestParseBlob(t *testing.T) {
	for path, b := range readBlobs(t) {
		blob, err := ParseBlob(b)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if blob.KCV.String() != "7C7D7EC59505B990" {
			t.Errorf("%s: KCV %v", path, blob.KCV)
		}
		if got := blob.Type.defaultAlgorithm(); !bytes.Equal(got, blob.DefaultAlgorithm) {
			t.Errorf("%s: default algorithm %x, we would write %x", path, blob.DefaultAlgorithm, got)
		}
		if !bytes.Equal(blob.Bytes(), b) {
			t.Errorf("%s: Bytes differs from what was parsed", path)
		}
	}
}

func TestParseBlobRefuses(t *testing.T) {
	blob := readBlobs(t)["testdata/2-of-4/EC-secp256r1.wrap"]
	for _, test := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "0 bytes are too few"},
		{"no room for the MAC", blob[:24], "24 bytes are too few"},
		{"nothing but KCV, type and MAC", blob[:25], "default algorithm: a length was expected"},
		{"default algorithm", withByte(blob, 9, 0xFF), "default algorithm: length 65290 runs past the end"},
		{"allowed algorithms", withByte(blob, 21, 0xFF), "allowed algorithms: length 65280 runs past the end"},
		{"access conditions", withByte(blob, 23, 0xFF), "access conditions: length 65280 runs past the end"},
		{"key OID", withByte(blob, 25, 0xFF), "key OID: length 65280 runs past the end"},
		{"no ciphertext", blob[:27+16], "ciphertext of 0 bytes"},
		{"cut", blob[:len(blob)-1], "was the end cut off?"},
		{"too long", make([]byte, 4097), "4097 bytes, at most 4096"},
	} {
		_, err := ParseBlob(test.b)
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func FuzzParseBlob(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		if blob, err := ParseBlob(b); err == nil && !bytes.Equal(blob.Bytes(), b) {
			t.Error("Bytes differs from what was parsed")
		}
	})
}
