// Package md5chain hashes 16-byte digests with MD5, each hash of the one
// before, millions of times. That is what OpenSSL's EVP_BytesToKey does with
// its iteration count, and so what a DKEK share file costs.
//
// Nothing in such a chain can be done before what precedes it, so one chain is
// bound by the latency of MD5's instructions; but several chains fit beside
// each other in the lanes of vector registers. What the processor offers is
// found out at run time; on all others there is portable Go.
//
// Time depends on the number of chains and hashes alone, not on the digests.
package md5chain

import "encoding/binary"

// RepeatAll replaces each of the digests by its MD5, n times over. It may be
// any number of digests; it is done on the calling goroutine, which is not
// preempted for n hashes of Lanes digests.
func RepeatAll(digests [][16]byte, n int) { best().repeatAll(digests, n) }

// Lanes returns the number of digests for which RepeatAll takes the least time
// for each.
func Lanes() int { return best().lanes() }

// FreeLanes returns the number of digests for which RepeatAll takes about as
// long as for one.
func FreeLanes() int { return best().free }

// implementation is what a kind of processor can do.
type implementation struct {
	name      string
	supported func() bool
	kernels   []kernel // one at least, in ascending order of their lanes
	free      int      // see FreeLanes
}

// kernel advances as many chains as it has lanes by n blocks. In state are the
// first words of all digests, then the second words, and so on.
type kernel struct {
	lanes   int
	advance func(state []uint32, n int)
}

// implementations returns all that there are, the best first.
func implementations() []implementation {
	return append(accelerated(), implementation{
		name:      "portable",
		supported: func() bool { return true },
		kernels:   []kernel{{1, portable}},
		free:      1,
	})
}

func best() implementation {
	all := implementations()
	for _, i := range all {
		if i.supported() {
			return i
		}
	}
	return all[len(all)-1]
}

func (i implementation) lanes() int { return i.kernels[len(i.kernels)-1].lanes }

func (i implementation) repeatAll(digests [][16]byte, n int) {
	for len(digests) > 0 {
		k := i.kernelFor(len(digests))
		group := digests[:min(k.lanes, len(digests))]
		k.repeat(group, n)
		digests = digests[len(group):]
	}
}

// kernelFor returns the smallest kernel that takes all digests, or the largest.
func (i implementation) kernelFor(digests int) kernel {
	for _, k := range i.kernels {
		if digests <= k.lanes {
			return k
		}
	}
	return i.kernels[len(i.kernels)-1]
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
