package keycheck

import (
	"crypto/rsa"
	"errors"
	"math/big"
	"math/rand/v2"
	"testing"

	"conclave/internal/testrun"
)

// TestGoodKeys: a key that was made as it should be is certified, and taken.
func TestGoodKeys(t *testing.T) {
	random := testrun.Random(t)
	for _, bits := range []int{1024, 1024, 1536, 2048} {
		key := keyOf(randomPrime(random, bits/2), randomPrime(random, bits/2))
		if err := errors.Join(Sound(&key.PublicKey), Private(key)); err != nil {
			t.Errorf("%x, %x: %v", key.Primes[0], key.Primes[1], err)
		}
	}
	for i, key := range goodKeys(t) {
		if err := ForCertificate(key.Public()); err != nil {
			t.Errorf("key %d: %v", i, err)
		}
		if key, ok := key.(*rsa.PrivateKey); ok && Private(key) != nil {
			t.Errorf("key %d: %v", i, Private(key))
		}
	}
}

// TestPrivate refuses a key for each fault.
func TestPrivate(t *testing.T) {
	random := testrun.Random(t)
	prime := func(bits int) *big.Int { return randomPrime(random, bits) }
	q := prime(512)
	next := new(big.Int).Add(q, big.NewInt(2))
	for !next.ProbablyPrime(0) {
		next.Add(next, big.NewInt(2))
	}
	composite := new(big.Int)
	for composite.Bit(510) == 0 { // as long, with q, as a key's modulus
		composite.Mul(prime(256), prime(256))
	}
	short := *keyOf(prime(512), q)
	short.D = prime(512)
	for want, key := range map[string]*rsa.PrivateKey{
		"its modulus has 1020 bits; a multiple of 8 was expected": keyOf(prime(510), prime(510)),
		"its primes have 16 and 1008 bits; 512 each":              keyOf(prime(16), prime(1008)),
		"one of its two primes is not a prime number":             keyOf(composite, q),
		"its primes are so close that it can be factored":         keyOf(next, q),
		"its private exponent is so short that it can be found":   &short,
		"of the kind that Infineon's chips made":                  keyOf(infineonPrime(random), infineonPrime(random)),
		"has a p-1 of small factors":                              keyOf(smoothPrime(random), q),
	} {
		mustSay(t, "Private", Private(key), want)
	}
	smooth := new(big.Int).Mul(smoothPrime(random), q)
	if p := pMinus1(smooth, PrimesBelow(smallest)); p.Cmp(one()) == 0 {
		t.Errorf("%x: a private key with it is refused, and the public one is sound", smooth)
	}
}

// keyOf makes a key of two primes.
func keyOf(p, q *big.Int) *rsa.PrivateKey {
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one()), new(big.Int).Sub(q, one()))
	d := new(big.Int).ModInverse(big.NewInt(65537), phi)
	return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: d, Primes: []*big.Int{p, q}}
}

// randomPrime gives one of which two have a product of twice the length, and that
// goes with the exponent 65537.
func randomPrime(random *rand.Rand, bits int) *big.Int {
	for {
		p := new(big.Int)
		for p.BitLen() < bits {
			p.Lsh(p, 32).Or(p, big.NewInt(int64(random.Uint32()|1)))
		}
		p.Rsh(p, uint(p.BitLen()-bits)).SetBit(p, 0, 1).SetBit(p, bits-2, 1)
		if p.ProbablyPrime(0) && new(big.Int).Mod(p, big.NewInt(65537)).Cmp(one()) != 0 {
			return p
		}
	}
}

// smoothPrime gives one of 512 bits whose p-1 is a product of small primes, each of them
// once: the square of one may be no small factor.
func smoothPrime(random *rand.Rand) *big.Int {
	primes := PrimesBelow(smooth)[2:]
	for {
		p := big.NewInt(2 * 19683) // 3^9 too: powers of small primes are small factors
		for _, i := range random.Perm(len(primes))[:36] {
			p.Mul(p, new(big.Int).SetUint64(uint64(primes[i])))
		}
		if p.Add(p, one()); p.BitLen() == 512 && p.Bit(510) == 1 && p.ProbablyPrime(0) {
			return p
		}
	}
}

// infineonPrime gives one of 512 bits that is 1 modulo each prime by which such
// ones are known.
func infineonPrime(random *rand.Rand) *big.Int {
	product := infineonProduct()
	p := randomPrime(random, 512)
	for p.Sub(p, new(big.Int).Mod(p, product)).Add(p, one()); !p.ProbablyPrime(0); p.Sub(p, product) {
	}
	return p
}
