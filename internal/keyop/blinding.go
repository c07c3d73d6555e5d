package keyop

import (
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"sync"

	"filippo.io/bigmod"
)

// blinding multiplies what a key is used on by a random r^e, so that whoever chooses it
// does not know what is computed with, and the result by 1/r (Kocher, "Timing Attacks on
// Implementations of Diffie-Hellman, RSA, DSS, and Other Systems", section 10). The
// arithmetic is constant-time; this is for what a processor lets slip in spite of that. Both
// are squared for each operation, which costs less than another r.
type blinding struct {
	mu              sync.Mutex
	factor, unblind *bigmod.Nat // r^e and 1/r modulo n
}

func newBlinding(public *rsa.PublicKey, n *bigmod.Modulus) (*blinding, error) {
	for {
		r, err := rand.Int(rand.Reader, public.N)
		if err != nil {
			return nil, err
		}
		inverse := new(big.Int).ModInverse(r, public.N)
		if inverse == nil {
			continue // 0, or a multiple of a prime
		}
		factor, err := bigmod.NewNat().SetBytes(padTo(n, r), n)
		if err != nil {
			return nil, err
		}
		factor = bigmod.NewNat().ExpShortVarTime(factor, uint(public.E), n)
		unblind, err := bigmod.NewNat().SetBytes(padTo(n, inverse), n)
		return &blinding{factor: factor, unblind: unblind}, err
	}
}

// blind changes c, and gives what the result must be multiplied by.
func (b *blinding) blind(c *bigmod.Nat, n *bigmod.Modulus) (unblind *bigmod.Nat) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.factor.Mul(b.factor, n)
	b.unblind.Mul(b.unblind, n)
	c.Mul(b.factor, n)
	return bigmod.NewNat().SetUint(1).ExpandFor(n).Mul(b.unblind, n) // a copy
}
