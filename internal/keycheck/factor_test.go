package keycheck

import (
	"crypto/rsa"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/titanous/rocacheck"

	"conclave/internal/testrun"
)

// goodModulus is one of OpenSSL's.
func goodModulus(t testing.TB) *big.Int { return goodKeys(t)[3].Public().(*rsa.PublicKey).N }

// TestSmallFactors are found, whichever they are: the primes below 2^20 that are
// tried are all of them (OEIS A007053, A014234).
func TestSmallFactors(t *testing.T) {
	primes := PrimesBelow(smallest)
	if len(primes) != 82025 || primes[len(primes)-1] != 1048573 {
		t.Fatalf("%d primes, the last %d", len(primes), primes[len(primes)-1])
	}
	good := goodModulus(t)
	if p := SmallFactor(good, primes); p != 0 {
		t.Errorf("%d divides a good modulus", p)
	}
	for i := 1; i < len(primes); i += 997 {
		n := new(big.Int).Mul(good, new(big.Int).SetUint64(uint64(primes[i])))
		if p := SmallFactor(n, primes); p != primes[i] {
			t.Errorf("%d was found, %d was expected", p, primes[i])
		}
	}
}

// TestRho finds factors of 23 bits, beyond those that are divided by, nearly always.
func TestRho(t *testing.T) {
	good, found := goodModulus(t), 0
	const tried = 10
	p := big.NewInt(1 << 22)
	for range tried {
		for p.Add(p, one()); !p.ProbablyPrime(0); p.Add(p, one()) {
		}
		if rho(new(big.Int).Mul(good, p)) {
			found++
		}
	}
	if found < tried*9/10 {
		t.Errorf("%d of %d factors were found", found, tried)
	}
}

// TestInfineon: by rocacheck, which nobody here wrote. Moduli that are powers of
// 65537 modulo most of the small primes are the hard ones.
func TestInfineon(t *testing.T) {
	random := testrun.Random(t)
	weak := 0
	for range 2000 {
		n := infineonModulus()
		for range random.IntN(3) {
			n.Add(n, new(big.Int).Lsh(big.NewInt(random.Int64()), uint(1+random.IntN(900))))
		}
		want := rocacheck.IsWeak(&rsa.PublicKey{N: n, E: 65537})
		if got := fromInfineon(n); got != want {
			t.Errorf("%x: %v; rocacheck says %v", n, got, want)
		}
		if want {
			weak++
		}
	}
	if weak == 0 || weak == 2000 {
		t.Errorf("%d of 2000 moduli are weak: nothing was compared", weak)
	}
}

// infineonModulus is a power of 65537, the 0th, modulo each of the primes by
// which such moduli are known.
func infineonModulus() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(3), 2046)
	n.Sub(n, new(big.Int).Mod(n, infineonProduct()))
	return n.Add(n, one())
}

// infineonProduct is 2 and the primes by which such moduli are known.
func infineonProduct() *big.Int {
	product := big.NewInt(2)
	for _, prime := range []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		product.Mul(product, big.NewInt(prime))
	}
	return product
}

// TestDebian looks a modulus up in a list as Debian's package has it. Modulus and
// hash are those of letsencrypt/boulder, goodkey/weak_test.go.
func TestDebian(t *testing.T) {
	listed, ok := new(big.Int).SetString("D673252AF6723C3F72529403EAB7C30DEF3C52F97E799825F4A70191C616ADCF1ECE1113F1625971074C492C592025FDEADBDB146A081826BDF0D77C3C913DCF1B6F0B3B78F5108D2E493AD0EEE8CA5C021711ADC13D358E61133870FCD19C8E5C22403959782AA82E72AEE53A3D491E3912CE27B27E1A85EA69C19A527D28F7934C9823B7E56FDD657DAC83FDC65BB22A98D843DF73238919781B714C81A5E2AFEC71F5C54AA2A27C590AD94C03C1062D50EFCFFAC743E3C8A3AE056846A1D756EB862BF4224169D467C35215ADE0AFCC11E85FE629AFB802C4786FF2E9C929BCCF502B3D3B8876C6A11785CC398B389F1D86BDD9CB0BD4EC13956EC3FA270D", 16)
	if !ok {
		t.Fatal("no number")
	}
	folder := t.TempDir()
	look := func(n *big.Int, want bool) {
		t.Helper()
		if found, err := listedByDebian(folder, n); err != nil || found != want {
			t.Errorf("%v, %v; %v was expected", found, err, want)
		}
	}
	look(listed, false) // there is no list
	list := "# a comment\n00000f7a51cb5ba4b2c6\n8df20e6961a16398b85a\nfffc7b6ac2d0be3f5cbd\n"
	if err := os.WriteFile(filepath.Join(folder, "blacklist.RSA-2048"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	look(listed, true)
	look(goodModulus(t), false)
	if err := os.Mkdir(filepath.Join(folder, "blacklist.RSA-2049"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := listedByDebian(folder, new(big.Int).Lsh(listed, 1)); err == nil {
		t.Error("a list that cannot be read says nothing")
	}
}
