package md5chain

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// eachImplementation runs a test body for every implementation, and says which
// the processor does not offer.
func eachImplementation[T interface {
	Run(string, func(T)) bool
	Skipf(string, ...any)
}](t T, body func(T, implementation)) {
	for _, i := range implementations() {
		t.Run(i.name, func(t T) {
			if !i.supported() {
				t.Skipf("this processor does not offer %s", i.name)
			}
			body(t, i)
		})
	}
}

// oracle is crypto/md5.
func oracle(digests [][16]byte, n int) [][16]byte {
	out := slices.Clone(digests)
	for i := range out {
		for range n {
			out[i] = md5.Sum(out[i][:])
		}
	}
	return out
}

// check compares an implementation with crypto/md5.
func check(t interface{ Fatalf(string, ...any) }, i implementation, digests [][16]byte, n int) {
	got := slices.Clone(digests)
	i.repeatAll(got, n)
	for lane, want := range oracle(digests, n) {
		if got[lane] != want {
			t.Fatalf("%s, number %d of %d digests, %d times: %x is %x, want %x", i.name, lane, len(digests), n, digests[lane], got[lane], want)
		}
	}
}

// TestKnownDigest: by Python's hashlib, which is OpenSSL's MD5.
func TestKnownDigest(t *testing.T) {
	const want = "5a7289687f3b91f748ab6ae200e4adbf"
	digests := [][16]byte{md5.Sum(nil)}
	RepeatAll(digests, 999)
	got := digests[0]
	if hex.EncodeToString(got[:]) != want {
		t.Errorf("%x, want %s", got, want)
	}
}

// TestAnyNumberOfDigests: every kernel, full and partial, and several in turn.
func TestAnyNumberOfDigests(t *testing.T) {
	eachImplementation(t, func(t *testing.T, i implementation) {
		for count := range 2*i.lanes() + 2 {
			digests := make([][16]byte, count)
			for lane := range digests {
				digests[lane] = md5.Sum([]byte{byte(lane)})
			}
			for _, n := range []int{0, 1, 2, 100} {
				check(t, i, digests, n)
			}
		}
	})
}

func TestExtremeWords(t *testing.T) {
	eachImplementation(t, func(t *testing.T, i implementation) {
		digests := make([][16]byte, i.lanes())
		for lane := range digests {
			for word := range 4 {
				copy(digests[lane][4*word:], bytes.Repeat([]byte{byte(-(lane >> word & 1))}, 4))
			}
		}
		check(t, i, digests, 3)
	})
}

func TestRepeatAll(t *testing.T) {
	digest := rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) [16]byte { return [16]byte(b) })
	eachImplementation(t, func(t *testing.T, i implementation) {
		rapid.Check(t, func(t *rapid.T) {
			check(t, i, rapid.SliceOfN(digest, 0, 2*i.lanes()).Draw(t, "digests"), rapid.IntRange(0, 50).Draw(t, "n"))
		})
	})
}

// TestLanes: a caller fills RepeatAll with Lanes digests, or answers soon with
// FreeLanes of them.
func TestLanes(t *testing.T) {
	if Lanes() < FreeLanes() || FreeLanes() < 1 {
		t.Errorf("%d lanes, %d of them free", Lanes(), FreeLanes())
	}
	for _, i := range implementations() {
		if !slices.IsSortedFunc(i.kernels, func(a, b kernel) int { return a.lanes - b.lanes }) {
			t.Errorf("%s: kernels are not in ascending order", i.name)
		}
	}
}

func FuzzRepeatAll(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte, n byte) {
		var digests [][16]byte
		for chunk := range slices.Chunk(b[:min(len(b), 16*200)], 16) {
			var digest [16]byte
			copy(digest[:], chunk)
			digests = append(digests, digest)
		}
		for _, i := range implementations() {
			if i.supported() {
				check(t, i, digests, int(n%16))
			}
		}
	})
}

// BenchmarkRepeat: an operation is a block of one chain.
func BenchmarkRepeat(b *testing.B) {
	eachImplementation(b, func(b *testing.B, i implementation) {
		i.repeatAll(make([][16]byte, 1), b.N)
	})
	b.Run("crypto-md5", func(b *testing.B) { oracle(make([][16]byte, 1), b.N) })
}

// BenchmarkRepeatAll: an operation is a block of each chain of a full kernel. A
// candidate for the password of a share file takes two chains of 10,000,000.
func BenchmarkRepeatAll(b *testing.B) {
	const blocks = 20_000_000
	eachImplementation(b, func(b *testing.B, i implementation) {
		for _, k := range i.kernels {
			b.Run(fmt.Sprint(k.lanes), func(b *testing.B) {
				k.repeat(make([][16]byte, k.lanes), b.N)
				b.ReportMetric(float64(b.N)*float64(k.lanes)/blocks/b.Elapsed().Seconds(), "candidates/s")
			})
		}
	})
}
