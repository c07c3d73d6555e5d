package curve

import (
	"crypto/rand"
	"encoding/binary"
	"math/big"
	"os"
	"strconv"
	"testing"
)

// signaturesVariable says how many signatures TestNoncesHaveNoBias makes on each curve.
// A million takes half an hour: CONCLAVE_SIGNATURES=1000000 go test -timeout 0 -run NoBias
const signaturesVariable = "CONCLAVE_SIGNATURES"

// biased are the curves whose signatures are looked at, and how many of each: one of
// crypto/ecdsa, and of ours those whose orders are next to a power of two and far from
// one.
func biased() map[string]int {
	counts := map[string]int{"secp256r1": 20000, "secp256k1": 5000, "secp192r1": 2000, "brainpoolP256r1": 4000}
	if n, err := strconv.Atoi(os.Getenv(signaturesVariable)); err == nil {
		for name := range counts {
			counts[name] = n
		}
	}
	return counts
}

// TestNoncesHaveNoBias recovers the number per message from signatures, since it knows
// the key, and looks at each byte of it: all 256 values must be equally frequent, and
// so must be the differences to the number before. One bit that is known in each of
// some hundred signatures gives a key away. (The random source is the system's, which
// has no seed that could be printed.)
//
// The numbers are spread evenly over [1, N-1]: what is looked at is k·2^L/N, whose
// bytes are even on every curve, and the last byte of k.
func TestNoncesHaveNoBias(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	for name, count := range biased() {
		t.Run(name, func(t *testing.T) {
			c, err := ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			k, err := c.Generate()
			if err != nil {
				t.Fatal(err)
			}
			counted := countBytes(t, k, count)
			for place, values := range counted {
				if x := chiSquare(values, count); x > limit {
					t.Errorf("place %d of the numbers of %d signatures: χ² is %.0f, %d at most was expected", place, count, x, limit)
				}
			}
		})
	}
}

// limit is what a χ² with 255 degrees of freedom exceeds once in 10²³ times; that leaves
// room for counts which are not quite such a χ², since each value is expected eight
// times only.
const limit = 550

func chiSquare(values [256]int, count int) (x float64) {
	expected := float64(count) / 256
	for _, n := range values {
		d := float64(n) - expected
		x += d * d / expected
	}
	return x
}

// countBytes makes signatures of random digests, and counts the values of each byte of
// their numbers; the first two places are the last byte of k, and the difference of the
// first to that of the number before.
func countBytes(t *testing.T, k *PrivateKey, count int) [][256]int {
	t.Helper()
	n, size := integer(k.Curve.N), len(k.Curve.N)
	places := size - 8 // further to the right, that N is no power of two would show
	counted := make([][256]int, 2+places)
	seen := map[string]bool{}
	digest := make([]byte, 32)
	rand.Read(digest)
	var before byte
	for i := range count {
		binary.BigEndian.PutUint64(digest, uint64(i)) // as digests go that someone chooses
		der, err := k.Sign(digest)
		if err != nil {
			t.Fatal(err)
		}
		number := numberOf(t, k, digest, der)
		if b := number.FillBytes(make([]byte, size)); seen[string(b)] {
			t.Fatalf("signature %d has the number of another", i)
		} else {
			seen[string(b)] = true
			counted[0][b[size-1]]++
		}
		spread := new(big.Int).Lsh(number, uint(8*size))
		b := spread.Div(spread, n).FillBytes(make([]byte, size))
		counted[1][b[0]-before]++
		before = b[0]
		for place, v := range b[:places] {
			counted[2+place][v]++
		}
	}
	return counted
}
