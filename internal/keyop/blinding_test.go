package keyop

import (
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"testing"
)

// TestBlinding: what is computed with is another number each time, and the result is
// the same.
func TestBlinding(t *testing.T) {
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := newCRT(k)
	if err != nil {
		t.Fatal(err)
	}
	in := append(make([]byte, k.Size()-1), 2)
	want := new(big.Int).Exp(big.NewInt(2), k.D, k.N)
	seen := map[string]bool{}
	for range 50 {
		out, err := loaded.private(in)
		if err != nil || new(big.Int).SetBytes(out).Cmp(want) != 0 {
			t.Errorf("%x, %v; expected %x", out, err, want)
		}
		seen[string(loaded.(*crt).factor.Bytes(loaded.(*crt).n))] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d factors in 50 operations", len(seen))
	}
}
