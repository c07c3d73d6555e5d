package shamir

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// TestVectors combines every pair, triple and so on of shares that sc-hsm-tool
// made, down to the threshold, and none below it.
func TestVectors(t *testing.T) {
	for name, threshold := range map[string]int{
		"2-of-4": 2, "leading-zero": 2, "two-leading-zeros": 3, "prime-below-secret": 2,
	} {
		t.Run(name, func(t *testing.T) {
			prime, shares := readShares(t, name)
			want := readSecret(t, name)
			want.Mod(want, prime) // only prime-below-secret is changed by this
			for subset := range subsets(shares) {
				got, err := Combine(subset, prime)
				if err != nil {
					t.Fatal(err)
				}
				if right := got.Cmp(want) == 0; right != (len(subset) >= threshold) {
					t.Errorf("%d shares, first %v: secret found %v", len(subset), subset[0].X, right)
				}
			}
		})
	}
}

func TestSplitThenCombine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prime := rapid.SampledFrom(primes).Draw(t, "prime")
		secret := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "secret"))
		secret.Mod(secret, prime)
		total := rapid.IntRange(1, 9).Draw(t, "total")
		threshold := rapid.IntRange(1, total).Draw(t, "threshold")
		shares, err := Split(rand.Reader, secret, prime, threshold, total)
		if err != nil {
			t.Fatal(err)
		}
		chosen := rapid.Permutation(shares).Draw(t, "order")[:rapid.IntRange(threshold, total).Draw(t, "present")]
		got, err := Combine(chosen, prime)
		if err != nil {
			t.Fatal(err)
		}
		if got.Cmp(secret) != 0 {
			t.Fatalf("%d of %d shares gave %v, want %v", len(chosen), total, got, secret)
		}
	})
}

// TestShareSaysNothing: over GF(11), one share of a threshold of two takes each
// value equally often, whatever the secret is.
func TestShareSaysNothing(t *testing.T) {
	prime := big.NewInt(11)
	const draws = 11000
	for secret := range int64(11) {
		var count [11]int
		for range draws {
			shares, err := Split(rand.Reader, big.NewInt(secret), prime, 2, 3)
			if err != nil {
				t.Fatal(err)
			}
			count[shares[1].Y.Int64()]++
		}
		for value, n := range count {
			if n < 750 || n > 1250 { // eight standard deviations
				t.Errorf("secret %d: share value %d came %d times of %d", secret, value, n, draws)
			}
		}
	}
}

func TestCombineRefuses(t *testing.T) {
	prime := big.NewInt(251)
	tests := []struct {
		name   string
		shares []Share
		prime  int64
		want   string
	}{
		{"none", nil, 251, "no shares"},
		{"composite modulus", points(1, 2, 3, 4), 253, "not a prime"},
		{"modulus zero", points(1, 2, 3, 4), 0, "not a prime"},
		{"duplicate", points(1, 2, 3, 4, 1, 9), 251, "share 1 is given twice"},
		{"x zero", points(0, 2, 3, 4), 251, "share 0: its number must be above 0"},
		{"x the prime", points(251, 2, 3, 4), 251, "share 251: its number must be"},
		{"x negative", points(-1, 2, 3, 4), 251, "share -1: its number must be"},
		{"value the prime", points(1, 2, 3, 251), 251, "share 3: value is not below the prime; was a digit added?"},
		{"value negative", points(1, -2, 3, 4), 251, "share 1: value is not below the prime"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Combine(test.shares, big.NewInt(test.prime))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	if _, err := Combine(points(1, 250, 250, 0), prime); err != nil {
		t.Errorf("the largest x and value: %v", err)
	}
}

func TestSplitRefuses(t *testing.T) {
	tests := []struct {
		name                            string
		secret, prime, threshold, total int
		want                            string
	}{
		{"composite modulus", 1, 15, 2, 3, "not a prime"},
		{"secret the prime", 13, 13, 2, 3, "not below the prime"},
		{"secret negative", -1, 13, 2, 3, "not below the prime"},
		{"threshold above total", 1, 13, 4, 3, "threshold 4 of 3"},
		{"threshold zero", 1, 13, 0, 3, "threshold 0 of 3"},
		{"more shares than numbers", 1, 13, 2, 13, "too small"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Split(rand.Reader, big.NewInt(int64(test.secret)), big.NewInt(int64(test.prime)), test.threshold, test.total)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestSafePrime(t *testing.T) {
	for _, bits := range []int{8, 9, 16, 63, 64, 65, 128} {
		for range 20 {
			p, err := SafePrime(rand.Reader, bits)
			if err != nil {
				t.Fatal(err)
			}
			half := new(big.Int).Rsh(p, 1)
			if p.BitLen() != bits || !p.ProbablyPrime(20) || !half.ProbablyPrime(20) {
				t.Errorf("%v is not a safe prime of %d bits", p, bits)
			}
		}
	}
	if _, err := SafePrime(rand.Reader, 7); err == nil {
		t.Error("7 bits accepted")
	}
}

// TestSafePrimeFindsAll: no safe prime of 8 bits is missed by the steps of 12.
func TestSafePrimeFindsAll(t *testing.T) {
	found := make(map[int64]bool)
	for range 500 {
		p, err := SafePrime(rand.Reader, 8)
		if err != nil {
			t.Fatal(err)
		}
		found[p.Int64()] = true
	}
	if len(found) != 3 || !found[167] || !found[179] || !found[227] {
		t.Errorf("found %v, want 167, 179 and 227", found)
	}
}

func TestBrokenRandomSource(t *testing.T) {
	broken := iotest.ErrReader(errors.New("the generator is gone"))
	if _, err := SafePrime(broken, 64); err == nil {
		t.Error("SafePrime went on without randomness")
	}
	if _, err := Split(broken, big.NewInt(1), big.NewInt(13), 2, 3); err == nil {
		t.Error("Split went on without randomness")
	}
}

// primes of very different sizes: the smallest, one of sc-hsm-tool's, and
// 2^128+51, 2^255-19.
var primes = []*big.Int{
	big.NewInt(11),
	hexInt("dc5f8eb51a1987ff"),
	hexInt("100000000000000000000000000000033"),
	hexInt("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed"),
}

func hexInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(strings.ReplaceAll(s, ":", ""), 16)
	if !ok {
		panic(s)
	}
	return n
}

// points makes shares of alternating x and y.
func points(xy ...int64) []Share {
	var shares []Share
	for i := 0; i < len(xy); i += 2 {
		shares = append(shares, Share{big.NewInt(xy[i]), big.NewInt(xy[i+1])})
	}
	return shares
}

// subsets yields every subset of shares but the empty one.
func subsets(shares []Share) func(func([]Share) bool) {
	return func(yield func([]Share) bool) {
		for mask := 1; mask < 1<<len(shares); mask++ {
			var subset []Share
			for i, s := range shares {
				if mask>>i&1 == 1 {
					subset = append(subset, s)
				}
			}
			if !yield(subset) {
				return
			}
		}
	}
}

func readShares(t *testing.T, name string) (prime *big.Int, shares []Share) {
	f, err := os.Open(filepath.Join("testdata", name, "shares.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		switch words := strings.Fields(lines.Text()); words[0] {
		case "prime":
			prime = hexInt(words[1])
		case "share":
			x, err := strconv.ParseInt(words[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			shares = append(shares, Share{big.NewInt(x), hexInt(words[2])})
		}
	}
	return prime, shares
}

func readSecret(t *testing.T, name string) *big.Int {
	f, err := os.Open(filepath.Join("testdata", name, "dkek.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var word, password string
	if _, err := fmt.Fscan(f, &word, &password); err != nil || word != "password" {
		t.Fatalf("%s: no password: %v", f.Name(), err)
	}
	return hexInt(password)
}
