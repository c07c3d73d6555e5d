// Package md5chain hashes 16-byte digests with MD5, each hash of the one
// before, millions of times. That is what OpenSSL's EVP_BytesToKey does with
// its iteration count, and so what a DKEK share file costs.
//
// Nothing in such a chain can be done before what precedes it, so one chain is
// bound by the latency of MD5's instructions; but several chains fit beside
// each other in the lanes of vector registers. Which way is fastest for a
// number of chains differs from processor to processor: it is measured when it
// is first asked for, which takes less than a millisecond, and remembered.
//
// Time depends on the number of chains and hashes alone, not on the digests.
package md5chain

import (
	"encoding/binary"
	"math"
	"sync"
	"time"
)

// RepeatAll replaces each of the digests by its MD5, n times over. It may be
// any number of digests; it is done on the calling goroutine, which is not
// preempted for n hashes of Lanes digests.
func RepeatAll(digests [][16]byte, n int) { fastest().repeatAll(digests, n) }

// Lanes returns the number of digests for which RepeatAll takes the least time
// for each.
func Lanes() int { return fastest().lanes() }

// FreeLanes returns the number of digests for which RepeatAll takes about as
// long as for one.
func FreeLanes() int { return fastest().free() }

// kernel advances as many chains as it has lanes by n blocks. In state are the
// first words of all digests, then the second words, and so on.
type kernel struct {
	name    string
	lanes   int
	advance func(state []uint32, n int)
}

// kernels returns all that the processor can run.
func kernels() []kernel {
	return append([]kernel{{"portable", 1, portable}}, fastKernels()...)
}

// fastest measures once, and remembers.
var fastest = sync.OnceValue(func() choice {
	all := kernels()
	return choose(all, measure(all))
})

// measure returns how long a block takes with each kernel, in nanoseconds.
// Whatever else the machine does makes a run longer, so the shortest of several
// counts.
func measure(kernels []kernel) []float64 {
	const runs, blocks = 20, 64 // of 6 µs, or 15
	shortest := make([]float64, len(kernels))
	for i := range shortest {
		shortest[i] = math.Inf(1)
	}
	for range runs {
		for i, k := range kernels {
			state := make([]uint32, 4*k.lanes)
			start := time.Now()
			k.advance(state, blocks)
			shortest[i] = min(shortest[i], float64(time.Since(start))/blocks)
		}
	}
	return shortest
}

// choice says how any number of digests is hashed in the least time.
type choice struct {
	kernels []kernel
	// first is the kernel to begin with, by the number of digests, and cost what
	// a block of each of them takes. More digests than that are done in several
	// turns.
	first []int
	cost  []float64
}

// choose finds the way that takes the least time, from how long a block takes
// with each kernel.
func choose(kernels []kernel, nanoseconds []float64) choice {
	most := 0
	for _, k := range kernels {
		most = max(most, k.lanes)
	}
	c := choice{kernels, make([]int, most+1), make([]float64, most+1)}
	for digests := 1; digests <= most; digests++ {
		c.cost[digests] = math.Inf(1)
		for i, k := range kernels {
			if cost := nanoseconds[i] + c.cost[max(0, digests-k.lanes)]; cost < c.cost[digests] {
				c.first[digests], c.cost[digests] = i, cost
			}
		}
	}
	return c
}

func (c choice) lanes() int {
	best := 1
	for digests := range c.cost {
		if digests > 0 && c.cost[digests]/float64(digests) < c.cost[best]/float64(best) {
			best = digests
		}
	}
	return best
}

func (c choice) free() int {
	const about = 1.25
	for digests := len(c.cost) - 1; digests > 1; digests-- {
		if c.cost[digests] <= about*c.cost[1] {
			return digests
		}
	}
	return 1
}

func (c choice) repeatAll(digests [][16]byte, n int) {
	for len(digests) > 0 {
		turn := len(digests)
		if turn >= len(c.first) {
			turn = c.lanes()
		}
		k := c.kernels[c.first[turn]]
		group := digests[:min(k.lanes, len(digests))]
		k.repeat(group, n)
		digests = digests[len(group):]
	}
}

// repeat is for as many digests as there are lanes, or fewer.
func (k kernel) repeat(digests [][16]byte, n int) {
	state := make([]uint32, 4*k.lanes)
	defer clear(state) // it is as good as a password
	for lane, digest := range digests {
		for word := range 4 {
			state[word*k.lanes+lane] = binary.LittleEndian.Uint32(digest[4*word:])
		}
	}
	k.advance(state, n)
	for lane := range digests {
		for word := range 4 {
			binary.LittleEndian.PutUint32(digests[lane][4*word:], state[word*k.lanes+lane])
		}
	}
}
