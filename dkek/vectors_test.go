package dkek

import (
	"bufio"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/mldsa"
	mldsax509 "filippo.io/mldsa/x509"

	"conclave/internal/curve"
	"conclave/internal/secret"
)

// shareVector is a share file that another implementation made, and what is in it.
type shareVector struct {
	file     ShareFile
	password secret.Bytes
	share    secret.Bytes
	kcv      string
}

func TestVectorShareFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("the KDF at its real cost")
	}
	for _, name := range []string{"2-of-4", "leading-zero", "two-leading-zeros", "prime-below-secret", "password"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := readShareVector(t, name)
			share, err := v.file.Decrypt(t.Context(), v.password, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !share.Equal(v.share) {
				t.Error("another share came out")
			}
			d, err := Combine(share)
			if err != nil {
				t.Fatal(err)
			}
			if d.KCV().String() != v.kcv {
				t.Errorf("KCV %v, want %s", d.KCV(), v.kcv)
			}
		})
	}
}

// TestVectorBlobs unwraps every key that others wrapped.
func TestVectorBlobs(t *testing.T) {
	d := vectorDKEK(t)
	for path, blob := range readBlobs(t) {
		t.Run(path, func(t *testing.T) {
			key, _, err := d.Unwrap(blob)
			if err != nil {
				t.Fatal(err)
			}
			if ec, ok := key.(*curve.PrivateKey); ok && !strings.EqualFold(ec.Curve.Name, curveName(path)) {
				t.Errorf("unwrapped as %s", ec.Curve.Name)
			}
			checkKey(t, path, key)
		})
	}
}

// checkKey compares with the public key, or the AES key, beside the blob.
func checkKey(t *testing.T, path string, key any) {
	t.Helper()
	base := strings.TrimSuffix(path, filepath.Ext(path))
	switch key := key.(type) {
	case *rsa.PrivateKey:
		public, err := x509.ParsePKIXPublicKey(readPEM(t, base+".pub.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if !key.PublicKey.Equal(public) {
			t.Error("another public key")
		}
		if err := key.Validate(); err != nil {
			t.Error(err)
		}
	case *curve.PrivateKey:
		if _, err := os.Stat(base + ".pub.pem"); err != nil {
			return // OpenSC could not read it; Unwrap has compared d and Q
		}
		c, q, err := curve.ParseSPKI(readPEM(t, base+".pub.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if c != key.Curve || string(q) != string(key.Q) {
			t.Error("another public key")
		}
	case *mldsa.PrivateKey:
		public, err := mldsax509.ParsePKIXPublicKey(readPEM(t, base+".pub.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if !key.PublicKey().Equal(public) {
			t.Error("another public key")
		}
	case AESKey:
		want, err := hex.DecodeString(strings.TrimSpace(string(readFile(t, base+".hex"))))
		if err != nil {
			t.Fatal(err)
		}
		if !secret.Bytes(key).Equal(want) {
			t.Error("another AES key")
		}
	}
}

func TestVectorMetadata(t *testing.T) {
	d := vectorDKEK(t)
	for name, want := range map[string]string{
		"2-of-4/rsa-1024.wrap":             "",
		"pypicohsm/aes-128.blob":           "101118995152",
		"pypicohsm/aes-128-cmac-only.blob": "18",
		"pypicohsm/rsa-1024-short-d.blob":  "20",
		"ml-dsa/ml-dsa-65.blob":            "6092",
	} {
		_, meta, err := d.Unwrap(readBlobs(t)[filepath.Join("testdata", name)])
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(meta.AllowedAlgorithms); got != want {
			t.Errorf("%s: allowed algorithms %s, want %s", name, got, want)
		}
	}
}

// readBlobs returns all wrapped keys by the path of their file.
func readBlobs(t testing.TB) map[string][]byte {
	blobs := make(map[string][]byte)
	for _, path := range glob(t, "testdata/2-of-4/*.wrap") {
		var parts []asn1.RawValue // the blob, and what is of no interest here
		if _, err := asn1.Unmarshal(readFile(t, path), &parts); err != nil || len(parts) == 0 {
			t.Fatalf("%s: not a wrap file: %v", path, err)
		}
		blobs[path] = parts[0].Bytes
	}
	for _, pattern := range []string{"testdata/pypicohsm/*.blob", "testdata/ml-dsa/*.blob"} {
		for _, path := range glob(t, pattern) {
			blobs[path] = readFile(t, path)
		}
	}
	return blobs
}

// curveName is the name of the curve in a path such as EC-secp256r1.wrap, or empty.
func curveName(path string) string {
	name := strings.ToLower(filepath.Base(path))
	if !strings.HasPrefix(name, "ec-") {
		return ""
	}
	name, _, _ = strings.Cut(strings.TrimPrefix(name, "ec-"), ".")
	return strings.TrimSuffix(name, "-short-d")
}

func vectorDKEK(t testing.TB) *DKEK {
	d, err := New(readShareVector(t, "2-of-4").share)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func readShareVector(t testing.TB, name string) (v shareVector) {
	var err error
	if v.file, err = ParseShareFile(readFile(t, filepath.Join("testdata", name, "dkek.pbe"))); err != nil {
		t.Fatal(err)
	}
	text := string(readFile(t, filepath.Join("testdata", name, "dkek.txt")))
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if s, found := strings.CutPrefix(line, "password (ASCII) "); found {
			v.password = secret.Bytes(s)
		} else if s, found := strings.CutPrefix(line, "password "); found {
			v.password = fromHex(t, s)
		} else if s, found := strings.CutPrefix(line, "DKEK share "); found {
			v.share = fromHex(t, s)
		} else if s, found := strings.CutPrefix(line, "KCV "); found {
			v.kcv = s
		}
	}
	if v.password == nil || v.share == nil || v.kcv == "" {
		t.Fatalf("%s: dkek.txt is not complete", name)
	}
	return v
}

func glob(t testing.TB, pattern string) []string {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatal("no files ", pattern, err)
	}
	return paths
}

func readFile(t testing.TB, path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readPEM(t testing.TB, path string) []byte {
	block, _ := pem.Decode(readFile(t, path))
	if block == nil {
		t.Fatalf("%s: not PEM", path)
	}
	return block.Bytes
}

func fromHex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(fmt.Errorf("%q: %w", s, err))
	}
	return b
}
