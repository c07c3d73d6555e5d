package dkek

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"conclave/internal/fips204"
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
		if got := blob.Type.defaultAlgorithm(append(blob.Sizes(), 0)[0]); !bytes.Equal(got, blob.DefaultAlgorithm) {
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

// TestSizes reads the sizes of keys of all vectors from their blobs alone; those of
// pico-hsm leave the coefficient a out.
func TestSizes(t *testing.T) {
	blobs := readBlobs(t)
	for name, want := range map[string]int{
		"2-of-4/rsa-1024.wrap": 1024, "2-of-4/rsa-2048.wrap": 2048, "2-of-4/rsa-3072.wrap": 3072, "2-of-4/rsa-4096.wrap": 4096,
		"2-of-4/EC-secp192r1.wrap": 192, "2-of-4/EC-secp256r1.wrap": 256, "2-of-4/EC-secp256k1.wrap": 256, "2-of-4/EC-secp384r1.wrap": 384,
		"2-of-4/EC-brainpoolP512r1.wrap": 512, "2-of-4/EC-secp521r1.wrap": 521,
		"ml-dsa/ml-dsa-44.blob": 44, "ml-dsa/ml-dsa-65.blob": 65, "ml-dsa/ml-dsa-87.blob": 87,
	} {
		blob, err := ParseBlob(blobs["testdata/"+name])
		if err != nil {
			t.Fatal(err)
		}
		if sizes := blob.Sizes(); !slices.Contains(sizes, want) || len(sizes) > 3 {
			t.Errorf("%s: %d; %d was expected among three at most", name, sizes, want)
		}
	}
	if sizes := (Blob{Type: AES, Ciphertext: make([]byte, 32)}).Sizes(); sizes != nil {
		t.Errorf("an AES key: %d", sizes)
	}
	if sizes := (Blob{Type: MLDSA, DefaultAlgorithm: fips204.Sets()[0].Contents()[:8]}).Sizes(); len(sizes) > 0 {
		t.Errorf("a parameter set that is not known: %d", sizes)
	}
}
