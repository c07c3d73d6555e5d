package keyop

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"sync"
	"sync/atomic"

	"conclave/internal/keycheck"
	"conclave/internal/secret"

	"filippo.io/bigmod"
)

const publicExponent = 65537

// rounds of Miller and Rabin, each with another base, for random numbers of 512 bits
// and more: the chance to take a composite is below 2⁻¹¹² then (FIPS 186-5, table B.1).
const rounds = 5

// filter tells most composites, and takes each prime. It gets two numbers, since there
// are processors that compute two powers in the time of one. A filter belongs to one
// goroutine.
type filter interface {
	mayBePrimes(numbers [2]secret.Bytes) [2]bool
	close()
}

// generate makes a key of two primes that random numbers are tested for until two are
// found (FIPS 186-5, appendix A.1.3), on all processors at once. A filter of the
// engine comes before the test; whether a number is prime is for Go alone to say, so
// that no fault of a foreign library makes a key.
func generate(bits int, newFilter func() (filter, error)) (*rsa.PrivateKey, error) {
	if bits < 1024 || bits%16 != 0 {
		return nil, fmt.Errorf("keyop: a key of %d bits; 1024 or more were expected, in steps of 16", bits)
	}
	for {
		s := &search{bits: bits / 2, small: keycheck.PrimesBelow(4 * bits)[1:], newFilter: newFilter}
		primes, err := s.two()
		if err != nil {
			return nil, err
		}
		// Twice the same has never been seen of a good source; Validate would refuse it.
		if k := keyOf(primes[0], primes[1]); k != nil {
			return k, k.Validate()
		}
	}
}

// keyOf is the key of two primes, nil where the exponent does not fit them.
func keyOf(p, q *big.Int) *rsa.PrivateKey {
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	lcm := new(big.Int).Mul(p1, q1)
	lcm.Div(lcm, new(big.Int).GCD(nil, nil, p1, q1))
	d := new(big.Int).ModInverse(big.NewInt(publicExponent), lcm)
	if d == nil {
		return nil
	}
	k := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: publicExponent},
		D:         d, Primes: []*big.Int{p, q},
	}
	k.Precompute()
	return k
}

// search looks for primes of so many bits.
type search struct {
	bits      int
	small     []uint // odd primes that are divided by first
	newFilter func() (filter, error)
	enough    atomic.Bool

	mu    sync.Mutex
	found []*big.Int
	err   error
}

// two gives the first two primes that are found.
func (s *search) two() ([]*big.Int, error) {
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() { secret.Do(s.work) })
	}
	group.Wait()
	if s.err != nil {
		return nil, s.err
	}
	for _, surplus := range s.found[2:] {
		clear(surplus.Bits())
	}
	return s.found[:2], nil
}

func (s *search) work() {
	filter, err := s.newFilter()
	if err != nil {
		s.end(nil, err)
		return
	}
	defer filter.close()
	pair := [2]secret.Bytes{make(secret.Bytes, s.bits/8), make(secret.Bytes, s.bits/8)}
	defer func() { pair[0].Wipe(); pair[1].Wipe() }()
	for !s.enough.Load() {
		s.draw(pair[0])
		s.draw(pair[1])
		for i, may := range filter.mayBePrimes(pair) {
			if !may {
				continue
			}
			if prime, err := millerRabin(pair[i], rounds); prime || err != nil {
				s.end(new(big.Int).SetBytes(pair[i]), err)
			}
		}
	}
}

// draw gives a random number that no small prime divides.
func (s *search) draw(number []byte) {
	for n := new(big.Int); ; clear(n.Bits()) {
		rand.Read(number)
		number[0] |= 0xC0 // so that the product of two has all of its bits
		number[len(number)-1] |= 1
		if n.SetBytes(number); keycheck.SmallFactor(n, s.small) == 0 {
			clear(n.Bits())
			return
		}
	}
}

// end takes a prime, or an error, which ends the search.
func (s *search) end(prime *big.Int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = errors.Join(s.err, err)
	if err == nil {
		s.found = append(s.found, prime)
	}
	s.enough.Store(s.err != nil || len(s.found) >= 2)
}

// millerRabin is the test of FIPS 186-5, appendix B.3.1, of an odd number whose first
// bit is set. Powers are computed in constant time; how many there are is not secret.
func millerRabin(number []byte, rounds int) (bool, error) {
	n, err := bigmod.NewModulus(number)
	if err != nil {
		return false, err
	}
	odd := n.Nat().SubOne(n)
	twos := odd.TrailingZeroBitsVarTime()
	exponent := secret.Bytes(odd.ShiftRightVarTime(twos).Bytes(n))
	defer exponent.Wipe()
	for base := make([]byte, len(number)); rounds > 0; {
		rand.Read(base)
		b, err := bigmod.NewNat().SetBytes(base, n)
		if err != nil || b.IsZero() == 1 || b.IsOne() == 1 || b.IsMinusOne(n) == 1 {
			continue // it is not in the range of bases
		}
		if !passes(bigmod.NewNat().Exp(b, exponent, n), n, twos) {
			return false, nil
		}
		rounds--
	}
	return true, nil
}

// passes says whether a power b^odd of a base is as it is of a prime: 1, or -1 when it
// is squared less than twos times.
func passes(power *bigmod.Nat, n *bigmod.Modulus, twos uint) bool {
	if power.IsOne() == 1 {
		return true
	}
	for ; twos > 0; twos-- {
		if power.IsMinusOne(n) == 1 {
			return true
		}
		power.Mul(power, n)
	}
	return false
}
