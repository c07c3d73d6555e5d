package md5chain

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// each runs a test body for every kernel alone, and for what was chosen of them.
func each[T interface {
	Run(string, func(T)) bool
}](t T, body func(T, choice)) {
	for _, k := range kernels() {
		t.Run(fmt.Sprint(k.name, " ", k.lanes), func(t T) { body(t, choose([]kernel{k}, []float64{1})) })
	}
	t.Run("chosen", func(t T) { body(t, fastest()) })
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

// check compares a choice with crypto/md5.
func check(t interface{ Fatalf(string, ...any) }, c choice, digests [][16]byte, n int) {
	got := slices.Clone(digests)
	c.repeatAll(got, n)
	for lane, want := range oracle(digests, n) {
		if got[lane] != want {
			t.Fatalf("number %d of %d digests, %d times: %x is %x, want %x", lane, len(digests), n, digests[lane], got[lane], want)
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
	each(t, func(t *testing.T, c choice) {
		for count := range 2*c.widest() + 2 {
			digests := make([][16]byte, count)
			for lane := range digests {
				digests[lane] = md5.Sum([]byte{byte(lane)})
			}
			for _, n := range []int{0, 1, 2, 100} {
				check(t, c, digests, n)
			}
		}
	})
}

func TestExtremeWords(t *testing.T) {
	each(t, func(t *testing.T, c choice) {
		digests := make([][16]byte, c.widest())
		for lane := range digests {
			for word := range 4 {
				copy(digests[lane][4*word:], bytes.Repeat([]byte{byte(-(lane >> word & 1))}, 4))
			}
		}
		check(t, c, digests, 3)
	})
}

func TestRepeatAll(t *testing.T) {
	digest := rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) [16]byte { return [16]byte(b) })
	each(t, func(t *testing.T, c choice) {
		rapid.Check(t, func(t *rapid.T) {
			check(t, c, rapid.SliceOfN(digest, 0, 2*c.widest()).Draw(t, "digests"), rapid.IntRange(0, 50).Draw(t, "n"))
		})
	})
}

// widest is the number of digests that fill the largest kernel.
func (c choice) widest() int { return len(c.first) - 1 }

// measured is what a block takes with each kernel, in nanoseconds, on processors
// that differ. On Zen 5, AVX-512 is slower for a few chains than portable Go; on
// Zen 4 it is faster for one.
func measured() map[string]map[kernelName]float64 {
	return map[string]map[kernelName]float64{
		"Zen 3":                  {{"portable", 1}: 91.3, {"AVX2", 8}: 100.9, {"AVX2", 24}: 166.7},
		"Zen 4":                  {{"portable", 1}: 77.3, {"AVX2", 8}: 78.8, {"AVX2", 24}: 135, {"AVX-512", 8}: 70.1, {"AVX-512", 16}: 99, {"AVX-512", 32}: 131, {"AVX-512", 64}: 204},
		"Zen 5":                  {{"portable", 1}: 82, {"AVX-512", 8}: 150, {"AVX-512", 16}: 150, {"AVX-512", 32}: 150, {"AVX-512", 64}: 163},
		"no vectors":             {{"portable", 1}: 80},
		"a kernel that is worse": {{"portable", 1}: 80, {"AVX2", 8}: 1000, {"AVX2", 24}: 300},
	}
}

type kernelName struct {
	name  string
	lanes int
}

// TestChoice: of all ways to split a number of digests into kernels, the one
// that takes the least time is taken. Time is what the kernels say about
// themselves.
func TestChoice(t *testing.T) {
	own := map[kernelName]float64{}
	for i, k := range kernels() {
		own[kernelName{k.name, k.lanes}] = measure(kernels())[i]
	}
	tables := measured()
	tables["this one"] = own
	for name, table := range tables {
		t.Run(name, func(t *testing.T) {
			var spent float64
			var all []kernel
			var nanoseconds []float64
			for k, cost := range table {
				all = append(all, kernel{k.name, k.lanes, func([]uint32, int) { spent += cost }})
				nanoseconds = append(nanoseconds, cost)
			}
			c := choose(all, nanoseconds)
			for digests := 1; digests <= c.widest(); digests++ {
				spent = 0
				c.repeatAll(make([][16]byte, digests), 1)
				if least := leastTime(all, nanoseconds, digests); spent > least*1.0001 {
					t.Errorf("%d digests take %.1f ns a block; %.1f is possible", digests, spent, least)
				}
			}
		})
	}
}

// leastTime tries every way in which the first kernel is one that takes all
// digests, or that leaves some to the same kernel or to others.
func leastTime(all []kernel, nanoseconds []float64, digests int) float64 {
	known := map[int]float64{}
	var least func(n int) float64
	least = func(n int) float64 {
		if n <= 0 {
			return 0
		}
		if _, ok := known[n]; !ok {
			known[n] = math.Inf(1)
			for i, k := range all {
				known[n] = min(known[n], nanoseconds[i]+least(n-k.lanes))
			}
		}
		return known[n]
	}
	return least(digests)
}

// TestLanes: a caller fills RepeatAll with Lanes digests, or answers soon with
// FreeLanes of them.
func TestLanes(t *testing.T) {
	for name, want := range map[string]struct{ lanes, free int }{
		"Zen 3": {24, 8}, "Zen 4": {64, 8}, "Zen 5": {64, 1}, "no vectors": {1, 1}, "a kernel that is worse": {24, 1},
	} {
		var all []kernel
		var nanoseconds []float64
		for k, cost := range measured()[name] {
			all, nanoseconds = append(all, kernel{k.name, k.lanes, nil}), append(nanoseconds, cost)
		}
		if c := choose(all, nanoseconds); c.lanes() != want.lanes || c.free() != want.free {
			t.Errorf("%s: %d lanes, %d of them free; %v was expected", name, c.lanes(), c.free(), want)
		}
	}
	if Lanes() < 1 || FreeLanes() < 1 {
		t.Errorf("%d lanes, %d of them free", Lanes(), FreeLanes())
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
		for _, k := range kernels() {
			check(t, choose([]kernel{k}, []float64{1}), digests, int(n%16))
		}
		check(t, fastest(), digests, int(n%16))
	})
}

// BenchmarkRepeat: an operation is a block of one chain.
func BenchmarkRepeat(b *testing.B) {
	b.Run("chosen", func(b *testing.B) { RepeatAll(make([][16]byte, 1), b.N) })
	b.Run("crypto-md5", func(b *testing.B) { oracle(make([][16]byte, 1), b.N) })
}

// BenchmarkRepeatAll: an operation is a block of each chain of a full kernel. A
// candidate for the password of a share file takes two chains of 10,000,000.
func BenchmarkRepeatAll(b *testing.B) {
	const blocks = 20_000_000
	each(b, func(b *testing.B, c choice) {
		lanes := c.lanes()
		c.repeatAll(make([][16]byte, lanes), b.N)
		b.ReportMetric(float64(b.N)*float64(lanes)/blocks/b.Elapsed().Seconds(), "candidates/s")
	})
}

// BenchmarkMeasure is what the choice costs a process that needs one.
func BenchmarkMeasure(b *testing.B) {
	for b.Loop() {
		all := kernels()
		choose(all, measure(all))
	}
}
