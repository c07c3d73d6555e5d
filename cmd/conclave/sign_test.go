package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"runtime/debug"
	"strings"
	"testing"

	"filippo.io/mldsa"

	"conclave/internal/curve"
	"conclave/wire"
)

// TestWrongSignaturesAreNotWritten: what a device signs is checked as a
// verifier will check it, with the scheme and the hash that were asked for.
func TestWrongSignaturesAreNotWritten(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c, err := curve.ByName("secp256k1")
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := c.Generate()
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("message"))
	pkcs1, err := rsa.SignPKCS1v15(nil, rsaKey, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	pss, err := rsa.SignPSS(rand.Reader, rsaKey, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if err != nil {
		t.Fatal(err)
	}
	ecdsa, err := ecKey.Sign(digest[:])
	if err != nil {
		t.Fatal(err)
	}
	mldsaKey, err := mldsa.GenerateKey(mldsa.MLDSA44())
	if err != nil {
		t.Fatal(err)
	}
	pure, err := mldsaKey.Sign(nil, digest[:], nil)
	if err != nil {
		t.Fatal(err)
	}
	inContext, err := mldsaKey.Sign(nil, digest[:], &mldsa.Options{Context: "another"})
	if err != nil {
		t.Fatal(err)
	}
	mldsaPublic := wire.MLDSAPublicKey(mldsaKey.PublicKey())
	rsaPublic, ecPublic := wire.RSAPublicKey(&rsaKey.PublicKey), wire.ECPublicKey(c, ecKey.Q)
	for _, test := range []struct {
		name      string
		public    wire.PublicKey
		signature []byte
		good      bool
	}{
		{"rsa-pkcs1-sha256", rsaPublic, pkcs1, true},
		{"rsa-pss-sha256", rsaPublic, pss, true},
		{"ecdsa-sha256", ecPublic, ecdsa, true},
		{"ml-dsa", mldsaPublic, pure, true},
		{"ml-dsa", mldsaPublic, inContext, false},
		{"ml-dsa", ecPublic, pure, false},
		{"ecdsa-sha256", ecPublic, pure, false},
		{"rsa-pkcs1-sha256", mldsaPublic, pure, false},
		{"rsa-pkcs1-sha256", rsaPublic, pss, false},
		{"rsa-pss-sha256", rsaPublic, pkcs1, false},
		{"rsa-pkcs1-sha256", ecPublic, pkcs1, false},
		{"ecdsa-sha256", wire.ECPublicKey(c, c.G), ecdsa, false},
	} {
		var algorithm signAlgorithm
		if err := algorithm.UnmarshalText([]byte(test.name)); err != nil {
			t.Fatal(err)
		}
		if err := algorithm.verify(test.public, digest[:], test.signature); (err == nil) != test.good {
			t.Errorf("%s with %d bytes: %v", test.name, len(test.signature), err)
		}
		other := sha256.Sum256([]byte("another message"))
		if algorithm.verify(test.public, other[:], test.signature) == nil {
			t.Errorf("%s verifies another message", test.name)
		}
	}
}

func TestVersionText(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}
	if got := versionText(info, true); !strings.HasPrefix(got, "v1.2.3, go") {
		t.Errorf("without VCS: %q", got)
	}
	info.Settings = []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"},
	}
	if got := versionText(info, true); !strings.HasPrefix(got, "v1.2.3, revision abc of 2026-01-02T03:04:05Z with changes, go") {
		t.Errorf("with VCS: %q", got)
	}
	if got := versionText(nil, false); !strings.HasPrefix(got, "of unknown version, go") {
		t.Errorf("without build information: %q", got)
	}
}
