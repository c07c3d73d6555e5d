package keyop_test

import (
	"bytes"
	"crypto/rand"
	"sync"
	"testing"

	"conclave/internal/curve"
)

func named(t testing.TB, name string) *curve.Curve {
	t.Helper()
	c, err := curve.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestECDSA: an engine signs as package curve does, digests of any length, from several
// goroutines at once and also after the key that it was given is wiped; or it leaves the
// curve to that.
func TestECDSA(t *testing.T) {
	for _, engine := range engines(t) {
		for _, c := range curve.All() {
			k, err := c.Generate()
			if err != nil {
				t.Fatal(err)
			}
			signer, err := engine.NewECDSA(k)
			if err != nil {
				t.Fatalf("%s, %s: %v", engine.Name(), c.Name, err)
			}
			k.Wipe()
			if wanted := engine.Name()[:2] != "Go" && c.Name == "secp256r1"; wanted != (signer != nil) {
				t.Errorf("%s, %s: %v", engine.Name(), c.Name, signer)
			}
			if signer == nil {
				continue
			}
			seen := sync.Map{}
			var group sync.WaitGroup
			for length := 1; length <= 80; length++ {
				group.Go(func() {
					digest := make([]byte, length)
					rand.Read(digest)
					signature, err := signer.Sign(digest)
					if err != nil || !c.Verify(k.Q, digest, signature) {
						t.Errorf("%d bytes: %X, %v", length, signature, err)
						return
					}
					plain, err := curve.PlainSignature(c, signature)
					if err != nil {
						t.Error(err)
					}
					if _, again := seen.LoadOrStore(string(plain[:32]), true); again {
						t.Errorf("two signatures have one r, %X", plain[:32])
					}
				})
			}
			group.Wait()
			one, _ := signer.Sign([]byte("digest"))
			if two, _ := signer.Sign([]byte("digest")); bytes.Equal(one, two) {
				t.Error("a digest has one signature")
			}
			if _, err := signer.Sign(nil); err == nil {
				t.Error("no digest is signed")
			}
			signer.Wipe()
		}
	}
}

// TestSmallScalars have leading zeros, and the largest one is negative in two's
// complement.
func TestSmallScalars(t *testing.T) {
	c := named(t, "secp256r1")
	largest := bytes.Clone(c.N)
	largest[len(largest)-1]--
	for _, engine := range engines(t) {
		for _, d := range [][]byte{{1}, {2}, bytes.Repeat([]byte{0x7F}, 20), largest} {
			k, err := c.NewPrivateKey(d)
			if err != nil {
				t.Fatal(err)
			}
			signer, err := engine.NewECDSA(k)
			if err != nil {
				t.Fatal(err)
			}
			if signer == nil {
				continue
			}
			signature, err := signer.Sign([]byte("digest"))
			if err != nil || !c.Verify(k.Q, []byte("digest"), signature) {
				t.Errorf("d = %X: %X, %v", d, signature, err)
			}
			signer.Wipe()
		}
	}
}

// BenchmarkECDSA compares with package curve where an engine signs.
func BenchmarkECDSA(b *testing.B) {
	digest := make([]byte, 32)
	for _, c := range curve.All() {
		k, err := c.Generate()
		if err != nil {
			b.Fatal(err)
		}
		for _, engine := range engines(b) {
			signer, err := engine.NewECDSA(k)
			if err != nil {
				b.Fatal(err)
			}
			if signer == nil {
				continue
			}
			run := func(name string, sign func([]byte) ([]byte, error)) {
				b.Run(name+"/"+c.Name, func(b *testing.B) {
					for b.Loop() {
						if _, err := sign(digest); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			run("curve", k.Sign)
			run(engine.Name()[:2], signer.Sign)
		}
	}
}
