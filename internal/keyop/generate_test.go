package keyop

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"strings"
	"testing"

	"conclave/internal/keycheck"
	"conclave/internal/secret"
	"conclave/internal/testrun"
)

// allEngines has libcrypto where it is found.
func allEngines() []Engine {
	all := []Engine{Go()}
	if lib, err := openLibcrypto(libcryptoNames()); err == nil {
		all = append(all, lib)
	}
	return all
}

// TestGenerateKey: math/big says whether the primes are any.
func TestGenerateKey(t *testing.T) {
	for _, engine := range allEngines() {
		for _, bits := range []int{1024, 1536, 2048} {
			k, err := engine.GenerateKey(bits)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(keycheck.Private(k), k.Validate()); err != nil || k.N.BitLen() != bits || k.E != 65537 {
				t.Errorf("%s made a key of %d bits, exponent %d: %v", engine.Name(), k.N.BitLen(), k.E, err)
			}
			loaded, err := engine.NewKey(k)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := loaded.Private(make([]byte, k.Size())); err != nil {
				t.Error(err)
			}
			loaded.Close()
		}
	}
}

func TestGenerateKeyRefusesSizes(t *testing.T) {
	for _, engine := range allEngines() {
		for _, bits := range []int{-1, 0, 512, 1008, 1025, 2056} {
			if k, err := engine.GenerateKey(bits); err == nil || k != nil || !strings.Contains(err.Error(), "1024 or more") {
				t.Errorf("%s with %d bits: %v", engine.Name(), bits, err)
			}
		}
	}
}

// TestNoFilterMakesAKey: a key of primes comes out whatever is let through.
func TestNoFilterMakesAKey(t *testing.T) {
	k, err := generate(1024, func() (filter, error) { return noFilter{}, nil })
	if err != nil || keycheck.Private(k) != nil {
		t.Errorf("without a filter: %v, %v", err, keycheck.Private(k))
	}
	missing := errors.New("no filter")
	if k, err := generate(1024, func() (filter, error) { return nil, missing }); k != nil || !errors.Is(err, missing) {
		t.Errorf("with a filter that cannot be made: %v, %v", k, err)
	}
}

// TestFermat: it takes primes, and not one of many composites.
func TestFermat(t *testing.T) {
	lib, err := openLibcrypto(libcryptoNames())
	if err != nil {
		t.Skip(err)
	}
	random := testrun.Random(t)
	for _, bits := range []int{512, 768, 1024, 1536, 2048} {
		f, err := lib.newFermat(bits / 8)
		if err != nil {
			t.Fatal(err)
		}
		prime, err := rand.Prime(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		composite := new(big.Int).Sub(prime, big.NewInt(2))
		for composite.ProbablyPrime(1) {
			composite.Sub(composite, big.NewInt(2))
		}
		bytes := func(n *big.Int) secret.Bytes { return n.FillBytes(make([]byte, bits/8)) }
		for range 8 {
			pair, want := [2]secret.Bytes{}, [2]bool{}
			for i := range pair {
				if want[i] = random.IntN(2) == 0; want[i] {
					pair[i] = bytes(prime)
				} else {
					pair[i] = bytes(composite)
				}
			}
			if got := f.mayBePrimes(pair); got != want {
				t.Errorf("%d bits: %v, expected %v", bits, got, want)
			}
		}
		f.close()
	}
}

// TestMillerRabin agrees with math/big, also on what other tests take for primes.
func TestMillerRabin(t *testing.T) {
	random := testrun.Random(t)
	numbers := []*big.Int{
		// Carmichael numbers of three primes 6m+1, 12m+1 and 18m+1 (Chernick 1939).
		big.NewInt(1729), big.NewInt(294409), big.NewInt(56052361), big.NewInt(118901521),
		// strong pseudoprimes to the bases 2 to 37 (Jaeschke 1993, Zhang 2001)
		big.NewInt(3215031751), big.NewInt(3825123056546413051),
		big.NewInt(5), big.NewInt(7), big.NewInt(97), big.NewInt(65537),
	}
	for range 300 {
		numbers = append(numbers, big.NewInt(5+2*int64(random.Uint32())))
	}
	for _, n := range numbers {
		got, err := millerRabin(n.Bytes(), 30)
		if err != nil || got != n.ProbablyPrime(0) {
			t.Errorf("%d: %t, %v", n, got, err)
		}
	}
}

// TestKeyOf: an exponent that divides p-1 makes no key.
func TestKeyOf(t *testing.T) {
	p := big.NewInt(65537)
	for p.Mul(p, big.NewInt(2)); !new(big.Int).Add(p, big.NewInt(1)).ProbablyPrime(10); {
		p.Add(p, big.NewInt(2*65537))
	}
	p.Add(p, big.NewInt(1))
	if k := keyOf(p, big.NewInt(101)); k != nil {
		t.Errorf("a key of %d", p)
	}
	good, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if k := keyOf(good.Primes[0], good.Primes[1]); k == nil || !k.Equal(good) {
		t.Error("a key of the same primes differs from that of crypto/rsa")
	}
}
