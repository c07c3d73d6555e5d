package shamir

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestProveVectors(t *testing.T) {
	for name, want := range map[string][2]int{
		"2-of-4": {2, 6}, "leading-zero": {2, 6}, "two-leading-zeros": {3, 10}, "prime-below-secret": {2, 3},
	} {
		prime, shares := readShares(t, name)
		secret := readSecret(t, name)
		n, all, err := Prove(rand.Reader, shares, secret.Mod(secret, prime), prime, want[0], 1000)
		if n != want[1] || !all || err != nil {
			t.Errorf("%s: %d subsets, all %v, %v; want %d", name, n, all, err, want[1])
		}
	}
}

// TestProveCounts: all subsets are tried up to the limit, and as many as the
// limit beyond it.
func TestProveCounts(t *testing.T) {
	for _, test := range []struct {
		threshold, total, limit, want int
		all                           bool
	}{
		{1, 1, 1, 1, true}, {1, 9, 9, 9, true}, {9, 9, 1, 1, true}, {2, 4, 6, 6, true}, {2, 4, 5, 5, false},
		{5, 12, 792, 792, true}, {5, 12, 791, 791, false}, {254, 255, 10000, 255, true}, {128, 255, 50, 50, false},
	} {
		secret := big.NewInt(12345)
		shares, err := Split(rand.Reader, secret, primes[2], test.threshold, test.total)
		if err != nil {
			t.Fatal(err)
		}
		n, all, err := Prove(rand.Reader, shares, secret, primes[2], test.threshold, test.limit)
		if n != test.want || all != test.all || err != nil {
			t.Errorf("%+v: %d, %v, %v", test, n, all, err)
		}
	}
}

// TestProveFindsWrongShare: wherever it is, and however little is wrong with
// it. The error names a subset that it is in.
func TestProveFindsWrongShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t, 1)
		wrong := c.damage(t, 1)[0]
		n, all, err := Prove(rand.Reader, c.damaged, c.secret, c.prime, c.threshold, 1000)
		if err == nil || all {
			t.Fatalf("%d subsets, all %v, %v", n, all, err)
		}
		named, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "shares "), " do not give the secret back")
		list := strings.Split(named, ", ")
		if len(list) != c.threshold || !slices.Contains(list, c.damaged[wrong].X.String()) {
			t.Fatalf("share %v is wrong: %v", c.damaged[wrong].X, err)
		}
	})
}

// TestProveAtRandomFindsWrongShare: it is missed 1 time in 2^200.
func TestProveAtRandomFindsWrongShare(t *testing.T) {
	secret, prime := big.NewInt(12345), primes[1]
	shares, err := Split(rand.Reader, secret, prime, 20, 40)
	if err != nil {
		t.Fatal(err)
	}
	for i := range shares {
		damaged := slices.Clone(shares)
		damaged[i].Y = flipDigit(shares[i].Y, 0)
		if _, _, err := Prove(rand.Reader, damaged, secret, prime, 20, 200); err == nil {
			t.Errorf("share %d is wrong, and no subset showed it", i+1)
		}
	}
}

// TestProveAgreesWithCombine: for each subset, whatever it gives, and whatever
// the numbers of the shares.
func TestProveAgreesWithCombine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prime := rapid.SampledFrom(primes).Draw(t, "prime")
		shares := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Share {
			x := rapid.Uint64Range(0, math.MaxUint64-1).Draw(t, "x")
			y := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "y"))
			return Share{inField(new(big.Int).SetUint64(x), prime), y.Mod(y, prime)}
		}), 1, 8, func(s Share) string { return s.X.String() }).Draw(t, "shares")
		secret, err := Combine(shares, prime)
		if err != nil {
			t.Fatal(err)
		}
		if n, all, err := Prove(rand.Reader, shares, secret, prime, len(shares), 1); n != 1 || !all || err != nil {
			t.Fatalf("%d subsets, all %v, %v", n, all, err)
		}
		secret.Add(secret, big.NewInt(1)).Mod(secret, prime)
		if n, _, err := Prove(rand.Reader, shares, secret, prime, len(shares), 1); n != 0 || err == nil {
			t.Fatalf("%d subsets give another secret, %v", n, err)
		}
	})
}

func TestProveRefuses(t *testing.T) {
	line := points(1, 5, 2, 6, 3, 7) // the secret is 4
	far := append(points(1, 5, 2, 6), Share{new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(1)})
	tests := []struct {
		name             string
		shares           []Share
		secret           int64
		prime            *big.Int
		threshold, limit int
		want             string
	}{
		{"composite modulus", line, 4, big.NewInt(253), 2, 10, "not a prime"},
		{"duplicate", points(1, 5, 1, 6), 4, primes[0], 2, 10, "given twice"},
		{"secret the prime", line, 11, primes[0], 2, 10, "secret is not below the prime"},
		{"secret negative", line, -7, primes[0], 2, 10, "secret is not below the prime"},
		{"threshold zero", line, 4, primes[0], 0, 10, "threshold 0 of 3"},
		{"threshold above total", line, 4, primes[0], 4, 10, "threshold 4 of 3"},
		{"limit zero", line, 4, primes[0], 2, 0, "limit of 0"},
		{"number of 65 bits", far, 4, primes[2], 2, 10, "below 2^64"},
		{"another secret", line, 3, primes[0], 2, 10, "shares 1, 2 do not give the secret back"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, all, err := Prove(rand.Reader, test.shares, big.NewInt(test.secret), test.prime, test.threshold, test.limit)
			if n != 0 || all || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%d, %v, %v; want %q", n, all, err, test.want)
			}
		})
	}
}

// TestProveBrokenRandomSource: it matters only where something is drawn.
func TestProveBrokenRandomSource(t *testing.T) {
	shares := points(1, 5, 2, 6, 3, 7)
	gone := errors.New("the generator is gone")
	if n, all, err := Prove(iotest.ErrReader(gone), shares, big.NewInt(4), primes[0], 2, 2); n != 0 || all || !errors.Is(err, gone) {
		t.Errorf("%d subsets, all %v, %v", n, all, err)
	}
	if _, _, err := Prove(bytes.NewReader(make([]byte, 31)), shares, big.NewInt(4), primes[0], 2, 2); err == nil {
		t.Error("went on with too little randomness")
	}
	if n, all, err := Prove(iotest.ErrReader(gone), shares, big.NewInt(4), primes[0], 2, 3); n != 3 || !all || err != nil {
		t.Errorf("%d subsets, all %v, %v", n, all, err)
	}
}

func TestEverySubset(t *testing.T) {
	for total := 1; total <= 9; total++ {
		for size := 1; size <= total; size++ {
			seen := make(map[string]bool)
			for subset := range everySubset(total, size) {
				if !isSubset(subset, total, size) || !slices.IsSorted(subset) {
					t.Fatalf("%d of %d: %v", size, total, subset)
				}
				seen[fmt.Sprint(subset)] = true
			}
			if want := new(big.Int).Binomial(int64(total), int64(size)); big.NewInt(int64(len(seen))).Cmp(want) != 0 {
				t.Errorf("%d of %d: %d subsets, want %v", size, total, len(seen), want)
			}
		}
	}
}

// TestRandomSubsetsAreUniform counts each of the 20 subsets of 3 of 6 among the
// first and second of a sequence: later ones would be even whatever the start.
func TestRandomSubsetsAreUniform(t *testing.T) {
	for position := range 2 {
		count := make(map[string]int)
		for range 20000 {
			subset := subsetAt(t, position)
			if !isSubset(subset, 6, 3) {
				t.Fatalf("%v is not a subset of 3 of 6", subset)
			}
			count[fmt.Sprint(slices.Sorted(slices.Values(subset)))]++
		}
		checkUniform(t, count)
	}
}

func subsetAt(t *testing.T, position int) []int {
	chosen, err := randomSubsets(rand.Reader, 6, 3, position+1)
	if err != nil {
		t.Fatal(err)
	}
	var last []int
	for subset := range chosen {
		last = subset
	}
	return last
}

func checkUniform(t *testing.T, count map[string]int) {
	for subset, n := range count {
		if n < 750 || n > 1250 { // eight standard deviations
			t.Errorf("%s came %d times of 20000, 1000 expected", subset, n)
		}
	}
	if len(count) != 20 {
		t.Errorf("%d subsets, 20 expected", len(count))
	}
}

func BenchmarkProve(b *testing.B) {
	const limit = 10000
	secret := big.NewInt(12345)
	for _, size := range [][2]int{{2, 4}, {5, 12}, {128, 255}} {
		for _, prime := range primes[1:3] {
			b.Run(fmt.Sprintf("%d-of-%d/%d-bit", size[0], size[1], prime.BitLen()), func(b *testing.B) {
				shares, err := Split(rand.Reader, secret, prime, size[0], size[1])
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for b.Loop() {
					if n, _, err = Prove(rand.Reader, shares, secret, prime, size[0], limit); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n), "subsets/op")
			})
		}
	}
}

// inField makes x the number of a share: 1 or more, below the prime.
func inField(x, prime *big.Int) *big.Int {
	one := big.NewInt(1)
	return x.Mod(x, new(big.Int).Sub(prime, one)).Add(x, one)
}

func isSubset(indexes []int, total, size int) bool {
	distinct := make(map[int]bool)
	for _, i := range indexes {
		if i >= 0 && i < total {
			distinct[i] = true
		}
	}
	return len(indexes) == size && len(distinct) == size
}
