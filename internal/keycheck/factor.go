package keycheck

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"math/bits"
	"path/filepath"
	"slices"
	"strings"

	"conclave/internal/safefile"
)

// The work that goes into looking for factors of 2048 bits.
const (
	smallest = 1 << 20 // no factor is below this
	smooth   = 1 << 15 // p-1 has a prime power above this
	steps    = 1 << 13 // rho: factors of up to 23 bits are found by then, with few exceptions
)

// scaled is how much of a work can be done for a modulus in the time that it takes
// for 2048 bits: a multiplication takes four times as long for twice the length.
func scaled(work int, n *big.Int) int { return work * 2048 / n.BitLen() * 2048 / n.BitLen() }

// findFactors looks for factors of an odd number that is not prime.
func findFactors(n *big.Int) error {
	primes := PrimesBelow(smallest)
	if p := SmallFactor(n, primes); p != 0 {
		return fmt.Errorf("key: its RSA modulus can be divided by %d; make another key, with other software (BR section 6.1.6)", p)
	}
	if p := pMinus1(n, primes); powerOf(p, n) {
		return errors.New("key: its RSA modulus is the power of a prime number, so that anyone can compute the private key; make another key, with other software (BR section 6.1.6)")
	} else if p.Cmp(one()) > 0 {
		return errors.New("key: a prime p of its RSA modulus has a p-1 of small factors, so that it can be factored; make another key, with other software")
	}
	if rho(n) {
		return errors.New("key: its RSA modulus has a prime factor so short that it is easily found; make another key, with other software")
	}
	return nil
}

func one() *big.Int { return big.NewInt(1) }

// PrimesBelow gives the primes below a limit, by the sieve of Eratosthenes.
func PrimesBelow(limit int) (primes []uint) {
	composite := make([]bool, limit)
	for i := 2; i < limit; i++ {
		if composite[i] {
			continue
		}
		primes = append(primes, uint(i))
		for j := i * i; j < limit; j += i {
			composite[j] = true
		}
	}
	return primes
}

// SmallFactor is one of the primes that divides a number, zero for none. The time that
// it takes tells of the number. It divides by as many at once as have a product of one
// word.
func SmallFactor(n *big.Int, primes []uint) uint {
	words := n.Bits()
	for len(primes) > 0 {
		product, count := uint(1), 0
		for count < len(primes) {
			high, low := bits.Mul(product, primes[count])
			if high != 0 {
				break
			}
			product, count = low, count+1
		}
		rest := uint(0)
		for _, word := range slices.Backward(words) {
			_, rest = bits.Div(rest, uint(word), product)
		}
		for _, p := range primes[:count] {
			if rest%p == 0 {
				return p
			}
		}
		primes = primes[count:]
	}
	return 0
}

// closePrimes factors a modulus as Fermat did, in as many rounds as BR section
// 6.1.1.3 wants: n = a² - b² for an a that is hardly above the root of n.
func closePrimes(n *big.Int) bool {
	const rounds = 100
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) < 0 {
		a.Add(a, one())
	}
	for range rounds {
		b2 := new(big.Int).Mul(a, a)
		b2.Sub(b2, n)
		if b := new(big.Int).Sqrt(b2); b.Mul(b, b).Cmp(b2) == 0 {
			return true
		}
		a.Add(a, one())
	}
	return false
}

// pMinus1 is a factor that Pollard's p-1 method finds, or 1: 2 to a power that is
// a multiple of p-1 is 1 modulo p (Fermat). The power is n-1 and all small factors:
// n-1 is a multiple of p-1 if n is a power of p.
func pMinus1(n *big.Int, primes []uint) *big.Int {
	exponent := new(big.Int).Sub(n, one())
	limit := uint(scaled(smooth, n))
	for _, p := range primes {
		if p > limit {
			break
		}
		power := p
		for power <= limit/p {
			power *= p
		}
		exponent.Mul(exponent, new(big.Int).SetUint64(uint64(power)))
	}
	x := new(big.Int).Exp(big.NewInt(2), exponent, n)
	return x.GCD(nil, nil, x.Sub(x, one()), n)
}

// powerOf says whether n is a power of a factor.
func powerOf(factor, n *big.Int) bool {
	if factor.Cmp(one()) <= 0 || factor.Cmp(n) == 0 {
		return false
	}
	rest, remainder := new(big.Int).Set(n), new(big.Int)
	for rest.Cmp(one()) > 0 {
		if rest.QuoRem(rest, factor, remainder); remainder.Sign() != 0 {
			return false
		}
	}
	return true
}

// rho says whether Pollard's method finds a factor: the numbers x² + 1 repeat
// themselves modulo a short p long before they do modulo n. Each is compared with
// the last whose index is a power of two (Brent), and all at once in the end.
func rho(n *big.Int) bool {
	x, before, product := big.NewInt(2), big.NewInt(2), one()
	t, quotient := new(big.Int), new(big.Int)
	for i := range scaled(steps, n) {
		quotient.QuoRem(t.Add(t.Mul(x, x), one()), n, x)
		quotient.QuoRem(t.Mul(product, t.Sub(x, before)), n, product)
		if i&(i+1) == 0 {
			before.Set(x)
		}
	}
	return t.GCD(nil, nil, product.Abs(product), n).Cmp(one()) > 0
}

// fromInfineon recognises the moduli of CVE-2017-15361, each prime of which is a
// power of 65537 modulo the product of many small ones; so is the modulus itself
// (Nemec and others, The Return of Coppersmith's Attack, section 2.1). Only those
// small ones are used for which most other moduli are not such a power.
func fromInfineon(n *big.Int) bool {
	for _, prime := range []uint64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		rest := new(big.Int).Mod(n, new(big.Int).SetUint64(prime)).Uint64()
		power := uint64(65537) % prime
		for power != rest {
			if power == 1 {
				return false // all powers were seen
			}
			power = power * 65537 % prime
		}
	}
	return true
}

const (
	// blacklists is where Debian's package openssl-blacklist has its lists.
	blacklists = "/usr/share/openssl-blacklist"
	// maxBlacklist is how many bytes each may have: room for a million keys.
	maxBlacklist = 32 << 20
)

// listedByDebian says whether a list of Debian's has a modulus: the last 80 bits of
// the SHA-1 of what `openssl rsa -modulus` prints, a line for each (openssl-vulnkey(1)).
func listedByDebian(folder string, n *big.Int) (bool, error) {
	list, err := safefile.Read(filepath.Join(folder, fmt.Sprintf("blacklist.RSA-%d", n.BitLen())), maxBlacklist)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	sum := sha1.Sum(fmt.Appendf(nil, "Modulus=%X\n", n))
	return strings.Contains(string(list), hex.EncodeToString(sum[10:])), err
}
