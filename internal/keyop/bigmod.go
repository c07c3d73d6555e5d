package keyop

import (
	"crypto/rsa"
	"errors"
	"math/big"

	"conclave/internal/secret"

	"filippo.io/bigmod"
)

// Go returns the engine in constant-time Go, which is always there.
func Go() Engine { return goEngine{} }

type goEngine struct{}

func (goEngine) Name() string { return "Go (bigmod)" }

func (goEngine) NewKey(k *rsa.PrivateKey) (Key, error) { return newKey(k, newCRT) }

func (goEngine) GenerateKey(bits int) (*rsa.PrivateKey, error) {
	return generate(bits, func() (filter, error) { return noFilter{}, nil })
}

// noFilter leaves all to the test that comes after it.
type noFilter struct{}

func (noFilter) mayBePrimes([2]secret.Bytes) [2]bool { return [2]bool{true, true} }
func (noFilter) close()                              {}

// crt is a private key in the form of RFC 8017, section 3.2, for computing by
// the Chinese remainder theorem.
type crt struct {
	n, p, q *bigmod.Modulus
	e       uint
	dp, dq  secret.Bytes // as long as p and q
	qInv    *bigmod.Nat  // 1/q mod p
	*blinding
}

func newCRT(k *rsa.PrivateKey) (operation, error) {
	n, errN := bigmod.NewModulus(k.N.Bytes())
	p, errP := bigmod.NewModulus(k.Primes[0].Bytes())
	q, errQ := bigmod.NewModulus(k.Primes[1].Bytes())
	if err := errors.Join(errN, errP, errQ); err != nil {
		return nil, err
	}
	qInv, err := bigmod.NewNat().SetBytes(padTo(p, k.Precomputed.Qinv), p)
	if err != nil {
		return nil, err
	}
	blinding, err := newBlinding(&k.PublicKey, n)
	if err != nil {
		return nil, err
	}
	return &crt{
		n: n, p: p, q: q, e: uint(k.E),
		dp: padTo(p, k.Precomputed.Dp), dq: padTo(q, k.Precomputed.Dq), qInv: qInv,
		blinding: blinding,
	}, nil
}

// padTo returns v with the length of the modulus, so that the time of an
// operation does not reveal how long v is.
func padTo(modulus *bigmod.Modulus, v *big.Int) []byte {
	return v.FillBytes(make([]byte, modulus.Size()))
}

// private is RSADP of RFC 8017, section 5.1.2, step 2.b.
func (k *crt) private(in []byte) ([]byte, error) {
	c, err := bigmod.NewNat().SetBytes(in, k.n)
	if err != nil {
		return nil, err
	}
	unblind := k.blind(c, k.n)
	m1 := bigmod.NewNat().Exp(bigmod.NewNat().Mod(c, k.p), k.dp, k.p)
	m2 := bigmod.NewNat().Exp(bigmod.NewNat().Mod(c, k.q), k.dq, k.q)
	h := m1.Sub(bigmod.NewNat().Mod(m2, k.p), k.p).Mul(k.qInv, k.p)
	m := h.ExpandFor(k.n).Mul(k.q.Nat().ExpandFor(k.n), k.n).Add(m2.ExpandFor(k.n), k.n)
	return m.Mul(unblind, k.n).Bytes(k.n), nil
}

// public is RSAEP of RFC 8017, section 5.1.1. What is computed with is public, but for the
// fault that it may show.
func (k *crt) public(out []byte) ([]byte, error) {
	m, err := bigmod.NewNat().SetBytes(out, k.n)
	if err != nil {
		return nil, err
	}
	return bigmod.NewNat().ExpShortVarTime(m, k.e, k.n).Bytes(k.n), nil
}

func (k *crt) wipe() {
	k.dp.Wipe()
	k.dq.Wipe()
	clear(k.qInv.Bits())
	clear(k.unblind.Bits())
	k.p, k.q = nil, nil
}
