package shamir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conclave/internal/testrun"
)

// TestLocateVectors changes each digit of each share that sc-hsm-tool made, one
// at a time.
func TestLocateVectors(t *testing.T) {
	for name, threshold := range map[string]int{"2-of-4": 2, "leading-zero": 2, "two-leading-zeros": 3} {
		t.Run(name, func(t *testing.T) {
			prime, shares := readShares(t, name)
			secret := readSecret(t, name)
			for i := range shares {
				for digit := range uint(16) {
					damaged := slices.Clone(shares)
					damaged[i].Y = flipDigit(shares[i].Y, digit)
					if damaged[i].Y.Cmp(prime) >= 0 {
						continue
					}
					want := Located{secret, threshold, []int{i}, shares}
					got, err := Locate(damaged, prime, threshold)
					sameLocated(t, got, err, want)
					got, err = Infer(damaged, prime)
					sameLocated(t, got, err, want)
				}
			}
		})
	}
}

// TestOneTooMany: a wrong share shows, but cannot be told from the others, when
// there is only one more than the threshold.
func TestOneTooMany(t *testing.T) {
	prime, shares := readShares(t, "prime-below-secret")
	want := readSecret(t, "prime-below-secret")
	got, err := Infer(shares, prime)
	sameLocated(t, got, err, Located{want.Mod(want, prime), 2, nil, shares})

	shares[1].Y = flipDigit(shares[1].Y, 3)
	if got, err := Locate(shares, prime, 2); !errors.Is(err, ErrNoPolynomial) {
		t.Errorf("Locate: %+v, %v", got, err)
	}
	if got, err := Infer(shares, prime); !errors.Is(err, ErrNoPolynomial) {
		t.Errorf("Infer: %+v, %v", got, err)
	}
}

// TestMisreadNumber: the wrong share may be right but for its number.
func TestMisreadNumber(t *testing.T) {
	prime, shares := readShares(t, "two-leading-zeros")
	lost := shares[3]
	shares[3].X = big.NewInt(40)
	got, err := Locate(shares, prime, 3)
	if err != nil || !slices.Equal(got.Wrong, []int{3}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if y, err := At(got.Right, lost.X, prime); err != nil || y.Cmp(lost.Y) != 0 {
		t.Errorf("share %v is %v, %v; want %v", lost.X, y, err, lost.Y)
	}
}

func TestLocate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t, 1)
		wrong := c.damage(t, rapid.IntRange(0, (len(c.shares)-c.threshold)/2).Draw(t, "wrong"))
		got, err := Locate(c.damaged, c.prime, c.threshold)
		sameLocated(t, got, err, Located{c.secret, c.threshold, wrong, c.shares})
	})
}

// TestLocateBeyondBound: whatever is wrong, nothing is returned that disagrees
// with more shares than the bound allows.
func TestLocateBeyondBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t, 1)
		c.damage(t, rapid.IntRange((len(c.shares)-c.threshold)/2, len(c.shares)).Draw(t, "wrong"))
		got, err := Locate(c.damaged, c.prime, c.threshold)
		if errors.Is(err, ErrNoPolynomial) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		consistent(t, got, c.damaged, c.prime)
	})
}

// TestInfer leaves out GF(11), in which coincidences are common.
func TestInfer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t, 2)
		if c.prime.BitLen() < 64 {
			t.Skip("a small prime")
		}
		bound := (len(c.shares) - c.threshold) / 2
		wrong := c.damage(t, rapid.IntRange(0, min(bound+2, len(c.shares))).Draw(t, "wrong"))
		got, err := Infer(c.damaged, c.prime)
		if len(c.shares) > c.threshold && len(wrong) <= bound {
			sameLocated(t, got, err, Located{c.secret, c.threshold, wrong, c.shares})
		} else if !errors.Is(err, ErrNoPolynomial) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

// TestInferNeedsMore: what any shares would fit is not inferred.
func TestInferNeedsMore(t *testing.T) {
	for _, shares := range [][]Share{points(1, 5), points(1, 5, 2, 5), points(1, 5, 2, 6, 3, 8)} {
		if got, err := Infer(shares, primes[1]); !errors.Is(err, ErrNoPolynomial) {
			t.Errorf("%d shares: %+v, %v", len(shares), got, err)
		}
	}
}

func TestLocateRefuses(t *testing.T) {
	good := points(1, 2, 3, 4, 5, 7)
	tests := []struct {
		name             string
		shares           []Share
		prime, threshold int
		want             string
	}{
		{"none", nil, 251, 2, "no shares"},
		{"composite modulus", good, 253, 2, "not a prime"},
		{"duplicate", points(1, 2, 3, 4, 1, 9), 251, 2, "share 1 is given twice"},
		{"value the prime", points(1, 2, 3, 251), 251, 2, "share 3: value is not below the prime"},
		{"too few", good, 251, 4, "3 shares given; the threshold is 4"},
		{"threshold zero", good, 251, 0, "threshold 0: 1 or more"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			prime := big.NewInt(int64(test.prime))
			_, err := Locate(test.shares, prime, test.threshold)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Locate: %v, want %q", err, test.want)
			}
			if strings.Contains(test.want, "threshold") {
				return // Infer has none
			}
			_, err = Infer(test.shares, prime)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Infer: %v, want %q", err, test.want)
			}
		})
	}
}

func TestAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t, 1)
		present := c.shares[:rapid.IntRange(c.threshold, len(c.shares)).Draw(t, "present")]
		for _, lost := range c.shares {
			y, err := At(present, lost.X, c.prime)
			if err != nil || y.Cmp(lost.Y) != 0 {
				t.Fatalf("share %v: %v, %v, want %v", lost.X, y, err, lost.Y)
			}
		}
	})
}

func TestAtRefuses(t *testing.T) {
	prime, good := big.NewInt(251), points(1, 2, 3, 4)
	for _, x := range []int64{-1, 0, 251} {
		if y, err := At(good, big.NewInt(x), prime); err == nil || !strings.Contains(err.Error(), "cannot be made") {
			t.Errorf("share %d: %v, %v", x, y, err)
		}
	}
	if _, err := At(points(1, 2, 1, 4), big.NewInt(9), prime); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Errorf("duplicate: %v", err)
	}
}

// TestLocateExhaustively lists all words of GF(11) that are within the bound of
// a polynomial, and asks for all words.
func TestLocateExhaustively(t *testing.T) {
	for _, size := range testrun.Draw(t, [][2]int{{2, 3}, {1, 4}, {2, 4}, {3, 4}, {3, 5}}, 2) {
		threshold, total := size[0], size[1]
		if testing.Short() && total == 5 {
			continue
		}
		near := wordsNear(11, threshold, total)
		for word := range tuples(11, total) {
			got, err := Locate(wordShares(word), big.NewInt(11), threshold)
			right, found := near[fmt.Sprint(word)]
			if found {
				sameLocated(t, got, err, expectation(word, right, threshold, 11))
			} else if !errors.Is(err, ErrNoPolynomial) {
				t.Fatalf("threshold %d, %v: %+v, %v", threshold, word, got, err)
			}
		}
	}
}

func TestInferExhaustively(t *testing.T) {
	const total = 4
	near := map[int]map[string][]int{2: wordsNear(11, 2, total), 3: wordsNear(11, 3, total)}
	for word := range tuples(11, total) {
		got, err := Infer(wordShares(word), big.NewInt(11))
		threshold, right := 2, near[2][fmt.Sprint(word)]
		if right == nil {
			threshold, right = 3, near[3][fmt.Sprint(word)]
		}
		if right != nil {
			sameLocated(t, got, err, expectation(word, right, threshold, 11))
		} else if !errors.Is(err, ErrNoPolynomial) {
			t.Fatalf("%v: %+v, %v", word, got, err)
		}
	}
}

// TestLocateByBruteForce tries all lines of GF(251) against words near one and
// far from any.
func TestLocateByBruteForce(t *testing.T) {
	random := mathrand.New(mathrand.NewPCG(1, 2))
	for range 300 {
		word := values([]int{random.IntN(251), random.IntN(251)}, 6, 251)
		for range random.IntN(5) {
			word[random.IntN(6)] = random.IntN(251)
		}
		var right []int
		for line := range tuples(251, 2) {
			if candidate := values(line, 6, 251); distance(candidate, word) <= 2 {
				right = candidate
			}
		}
		got, err := Locate(wordShares(word), big.NewInt(251), 2)
		if right != nil {
			sameLocated(t, got, err, expectation(word, right, 2, 251))
		} else if !errors.Is(err, ErrNoPolynomial) {
			t.Fatalf("%v: %+v, %v", word, got, err)
		}
	}
}

// FuzzLocate takes two bytes for a share, and tries all subsets of the shares
// that could be right.
func FuzzLocate(f *testing.F) {
	f.Fuzz(func(t *testing.T, field, threshold byte, xy []byte) {
		prime := primes[int(field)%len(primes)]
		var shares []Share
		for ; len(xy) >= 2 && len(shares) < 7; xy = xy[2:] {
			shares = append(shares, Share{big.NewInt(int64(xy[0])), big.NewInt(int64(xy[1]))})
		}
		checkFuzzed(t, shares, prime, int(threshold))
		if inferred, err := Infer(shares, prime); err == nil {
			again, err := Locate(shares, prime, inferred.Threshold)
			sameLocated(t, again, err, inferred)
		}
	})
}

func checkFuzzed(t *testing.T, shares []Share, prime *big.Int, threshold int) {
	got, err := Locate(shares, prime, threshold)
	if err == nil {
		consistent(t, got, shares, prime)
		return
	}
	if !errors.Is(err, ErrNoPolynomial) {
		if check(shares, prime) == nil && threshold >= 1 && threshold <= len(shares) {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	for subset := range subsets(shares) {
		if 2*len(subset) >= len(shares)+threshold && onPolynomial(t, subset, prime, threshold) {
			t.Fatalf("%d of %d shares agree, threshold %d, and were not found", len(subset), len(shares), threshold)
		}
	}
}

func BenchmarkLocate(b *testing.B) {
	for _, size := range [][2]int{{2, 4}, {5, 12}, {128, 255}} {
		threshold, total := size[0], size[1]
		shares, err := Split(rand.Reader, big.NewInt(12345), primes[2], threshold, total)
		if err != nil {
			b.Fatal(err)
		}
		for i := range (total - threshold) / 2 {
			shares[i].Y = flipDigit(shares[i].Y, 0)
		}
		name := fmt.Sprintf("%d-of-%d", threshold, total)
		b.Run("Locate/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Locate(shares, primes[2], threshold); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("Infer/"+name, func(b *testing.B) {
			for b.Loop() {
				if l, err := Infer(shares, primes[2]); err != nil || l.Threshold != threshold {
					b.Fatal(l.Threshold, err)
				}
			}
		})
	}
}

// shared is a split secret, and the same shares damaged.
type shared struct {
	secret, prime   *big.Int
	threshold       int
	shares, damaged []Share
}

// drawCase splits a secret, and keeps some of the shares, in any order.
func drawCase(t *rapid.T, leastThreshold int) *shared {
	prime := rapid.SampledFrom(primes).Draw(t, "prime")
	secret := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "secret"))
	secret.Mod(secret, prime)
	total := rapid.IntRange(leastThreshold, 10).Draw(t, "total")
	threshold := rapid.IntRange(leastThreshold, total).Draw(t, "threshold")
	all, err := Split(rand.Reader, secret, prime, threshold, total)
	if err != nil {
		t.Fatal(err)
	}
	shares := rapid.Permutation(all).Draw(t, "order")[:rapid.IntRange(threshold, total).Draw(t, "present")]
	return &shared{secret, prime, threshold, shares, slices.Clone(shares)}
}

// damage makes count of the shares wrong, and returns which.
func (c *shared) damage(t *rapid.T, count int) []int {
	indexes := make([]int, len(c.shares))
	for i := range indexes {
		indexes[i] = i
	}
	indexes = rapid.Permutation(indexes).Draw(t, "indexes")[:count]
	slices.Sort(indexes)
	for _, i := range indexes {
		offset, err := rand.Int(rand.Reader, new(big.Int).Sub(c.prime, big.NewInt(1)))
		if err != nil {
			t.Fatal(err)
		}
		y := offset.Add(offset, big.NewInt(1)).Add(offset, c.shares[i].Y)
		c.damaged[i].Y = y.Mod(y, c.prime)
	}
	return indexes
}

func sameLocated(t rapid.TB, got Located, err error, want Located) {
	t.Helper()
	if err != nil {
		t.Fatalf("error %v, want %+v", err, want)
	}
	same := func(a, b Share) bool { return a.X.Cmp(b.X) == 0 && a.Y.Cmp(b.Y) == 0 }
	if got.Secret.Cmp(want.Secret) != 0 || got.Threshold != want.Threshold ||
		!slices.Equal(got.Wrong, want.Wrong) || !slices.EqualFunc(got.Right, want.Right, same) {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
}

// consistent checks that what was located follows from the shares.
func consistent(t rapid.TB, got Located, shares []Share, prime *big.Int) {
	t.Helper()
	if bound := (len(shares) - got.Threshold) / 2; len(got.Wrong) > bound || len(got.Right) != len(shares) {
		t.Fatalf("%d shares, threshold %d: wrong are %v", len(shares), got.Threshold, got.Wrong)
	}
	for i, s := range shares {
		if right := got.Right[i]; right.X.Cmp(s.X) != 0 || (right.Y.Cmp(s.Y) != 0) != slices.Contains(got.Wrong, i) {
			t.Fatalf("share %v is %v, should be %v, wrong are %v", s.X, s.Y, right, got.Wrong)
		}
	}
	secret, err := Combine(got.Right[:got.Threshold], prime)
	if err != nil || secret.Cmp(got.Secret) != 0 || !onPolynomial(t, got.Right, prime, got.Threshold) {
		t.Fatalf("%+v do not have the secret in common", got)
	}
}

// onPolynomial combines each share with the first threshold-1. All give the
// same if and only if they are on one polynomial.
func onPolynomial(t rapid.TB, shares []Share, prime *big.Int, threshold int) bool {
	t.Helper()
	var secret *big.Int
	for _, s := range shares[threshold-1:] {
		got, err := Combine(append(slices.Clone(shares[:threshold-1]), s), prime)
		if err != nil {
			t.Fatal(err)
		}
		if secret == nil {
			secret = got
		}
		if got.Cmp(secret) != 0 {
			return false
		}
	}
	return true
}

// flipDigit changes a hexadecimal digit, counted from the last.
func flipDigit(n *big.Int, digit uint) *big.Int {
	return new(big.Int).Xor(n, new(big.Int).Lsh(big.NewInt(1), 4*digit))
}

// wordsNear maps each word of share values that is within the bound of a
// polynomial to the values of that.
func wordsNear(prime, threshold, total int) map[string][]int {
	near := make(map[string][]int)
	for f := range tuples(prime, threshold) {
		right := values(f, total, prime)
		near[fmt.Sprint(right)] = right
		if (total-threshold)/2 == 0 {
			continue
		}
		for i := range total { // the bound is 1 in what is tried
			for wrong := range prime {
				word := slices.Clone(right)
				word[i] = wrong
				near[fmt.Sprint(word)] = right
			}
		}
	}
	return near
}

// tuples yields all lists of count numbers below the limit. The slice is the
// same each time.
func tuples(limit, count int) func(func([]int) bool) {
	return func(yield func([]int) bool) {
		tuple := make([]int, count)
		for {
			if !yield(tuple) {
				return
			}
			i := 0
			for ; i < count && tuple[i] == limit-1; i++ {
				tuple[i] = 0
			}
			if i == count {
				return
			}
			tuple[i]++
		}
	}
}

// values evaluates a polynomial, the constant term first, at 1, 2, … total.
func values(f []int, total, prime int) []int {
	word := make([]int, total)
	for i := range word {
		for j := len(f) - 1; j >= 0; j-- {
			word[i] = (word[i]*(i+1) + f[j]) % prime
		}
	}
	return word
}

func distance(a, b []int) (d int) {
	for i := range a {
		if a[i] != b[i] {
			d++
		}
	}
	return d
}

// wordShares are numbered 1, 2, ….
func wordShares(word []int) []Share {
	var shares []Share
	for i, y := range word {
		shares = append(shares, Share{big.NewInt(int64(i + 1)), big.NewInt(int64(y))})
	}
	return shares
}

func expectation(word, right []int, threshold, prime int) Located {
	want := Located{Threshold: threshold, Right: wordShares(right)}
	for i := range word {
		if word[i] != right[i] {
			want.Wrong = append(want.Wrong, i)
		}
	}
	want.Secret, _ = Combine(want.Right, big.NewInt(int64(prime)))
	return want
}
