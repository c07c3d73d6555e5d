package md5chain

import "math/bits"

// This is MD5 (RFC 1321) for one purpose: hashing a 16-byte digest again and
// again. Each hash waits for the one before, so what counts is the length of
// the chain of dependent instructions in a step, not their number. Three things
// shorten it over crypto/md5:
//
//   - the message is one block, of which all but the first four words are
//     known;
//   - in round 2 the halves of G are added, not or'ed, so that only one of
//     them has to wait for the step before;
//   - each step's sum of register, message and constant is made early.

// words is a digest, or the state, as MD5 computes with it.
type words struct{ a, b, c, d uint32 }

// portable advances one chain by n blocks.
func portable(state []uint32, n int) {
	iv := initialState()
	x := words{state[0], state[1], state[2], state[3]}
	for range n {
		x = block(iv, x)
	}
	state[0], state[1], state[2], state[3] = x.a, x.b, x.c, x.d
}

// initialState is of RFC 1321 section 3.3.
func initialState() words { return words{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476} }

// block returns the MD5 of the 16-byte message x. The initial state iv is
// always the same; were it written here, the compiler would carry its constants
// through all 64 additions.
func block(iv, x words) words {
	a, b, c, d := iv.a, iv.b, iv.c, iv.d
	x0, x1, x2, x3 := x.a, x.b, x.c, x.d
	// The rest of the block after a message of 16 bytes, RFC 1321 sections 3.1
	// and 3.2: the bit 1, zeros, and the length in bits.
	const (
		x4                                          = 0x80
		x5, x6, x7, x8, x9, x10, x11, x12, x13, x15 = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
		x14                                         = 128
	)

	// Round 1.
	a = ff(a, b, c, d, x0, 0xd76aa478, 7)
	d = ff(d, a, b, c, x1, 0xe8c7b756, 12)
	c = ff(c, d, a, b, x2, 0x242070db, 17)
	b = ff(b, c, d, a, x3, 0xc1bdceee, 22)
	a = ff(a, b, c, d, x4, 0xf57c0faf, 7)
	d = ff(d, a, b, c, x5, 0x4787c62a, 12)
	c = ff(c, d, a, b, x6, 0xa8304613, 17)
	b = ff(b, c, d, a, x7, 0xfd469501, 22)
	a = ff(a, b, c, d, x8, 0x698098d8, 7)
	d = ff(d, a, b, c, x9, 0x8b44f7af, 12)
	c = ff(c, d, a, b, x10, 0xffff5bb1, 17)
	b = ff(b, c, d, a, x11, 0x895cd7be, 22)
	a = ff(a, b, c, d, x12, 0x6b901122, 7)
	d = ff(d, a, b, c, x13, 0xfd987193, 12)
	c = ff(c, d, a, b, x14, 0xa679438e, 17)
	b = ff(b, c, d, a, x15, 0x49b40821, 22)

	// Round 2.
	a = gg(a, b, c, d, x1, 0xf61e2562, 5)
	d = gg(d, a, b, c, x6, 0xc040b340, 9)
	c = gg(c, d, a, b, x11, 0x265e5a51, 14)
	b = gg(b, c, d, a, x0, 0xe9b6c7aa, 20)
	a = gg(a, b, c, d, x5, 0xd62f105d, 5)
	d = gg(d, a, b, c, x10, 0x02441453, 9)
	c = gg(c, d, a, b, x15, 0xd8a1e681, 14)
	b = gg(b, c, d, a, x4, 0xe7d3fbc8, 20)
	a = gg(a, b, c, d, x9, 0x21e1cde6, 5)
	d = gg(d, a, b, c, x14, 0xc33707d6, 9)
	c = gg(c, d, a, b, x3, 0xf4d50d87, 14)
	b = gg(b, c, d, a, x8, 0x455a14ed, 20)
	a = gg(a, b, c, d, x13, 0xa9e3e905, 5)
	d = gg(d, a, b, c, x2, 0xfcefa3f8, 9)
	c = gg(c, d, a, b, x7, 0x676f02d9, 14)
	b = gg(b, c, d, a, x12, 0x8d2a4c8a, 20)

	// Round 3.
	a = hh(a, b, c, d, x5, 0xfffa3942, 4)
	d = hh(d, a, b, c, x8, 0x8771f681, 11)
	c = hh(c, d, a, b, x11, 0x6d9d6122, 16)
	b = hh(b, c, d, a, x14, 0xfde5380c, 23)
	a = hh(a, b, c, d, x1, 0xa4beea44, 4)
	d = hh(d, a, b, c, x4, 0x4bdecfa9, 11)
	c = hh(c, d, a, b, x7, 0xf6bb4b60, 16)
	b = hh(b, c, d, a, x10, 0xbebfbc70, 23)
	a = hh(a, b, c, d, x13, 0x289b7ec6, 4)
	d = hh(d, a, b, c, x0, 0xeaa127fa, 11)
	c = hh(c, d, a, b, x3, 0xd4ef3085, 16)
	b = hh(b, c, d, a, x6, 0x04881d05, 23)
	a = hh(a, b, c, d, x9, 0xd9d4d039, 4)
	d = hh(d, a, b, c, x12, 0xe6db99e5, 11)
	c = hh(c, d, a, b, x15, 0x1fa27cf8, 16)
	b = hh(b, c, d, a, x2, 0xc4ac5665, 23)

	// Round 4.
	a = ii(a, b, c, d, x0, 0xf4292244, 6)
	d = ii(d, a, b, c, x7, 0x432aff97, 10)
	c = ii(c, d, a, b, x14, 0xab9423a7, 15)
	b = ii(b, c, d, a, x5, 0xfc93a039, 21)
	a = ii(a, b, c, d, x12, 0x655b59c3, 6)
	d = ii(d, a, b, c, x3, 0x8f0ccc92, 10)
	c = ii(c, d, a, b, x10, 0xffeff47d, 15)
	b = ii(b, c, d, a, x1, 0x85845dd1, 21)
	a = ii(a, b, c, d, x8, 0x6fa87e4f, 6)
	d = ii(d, a, b, c, x15, 0xfe2ce6e0, 10)
	c = ii(c, d, a, b, x6, 0xa3014314, 15)
	b = ii(b, c, d, a, x13, 0x4e0811a1, 21)
	a = ii(a, b, c, d, x4, 0xf7537e82, 6)
	d = ii(d, a, b, c, x11, 0xbd3af235, 10)
	c = ii(c, d, a, b, x2, 0x2ad7d2bb, 15)
	b = ii(b, c, d, a, x9, 0xeb86d391, 21)

	return words{a + iv.a, b + iv.b, c + iv.c, d + iv.d}
}

// The four kinds of step, RFC 1321 section 3.4.

func ff(a, b, c, d, x, k uint32, s int) uint32 {
	return b + bits.RotateLeft32((d^(b&(c^d)))+sum(a, x, k), s)
}

func gg(a, b, c, d, x, k uint32, s int) uint32 {
	return b + bits.RotateLeft32((b&d)+((c&^d)+sum(a, x, k)), s)
}

func hh(a, b, c, d, x, k uint32, s int) uint32 {
	return b + bits.RotateLeft32((b^(c^d))+sum(a, x, k), s)
}

func ii(a, b, c, d, x, k uint32, s int) uint32 {
	return b + bits.RotateLeft32((c^(b|^d))+sum(a, x, k), s)
}

// sum adds what a step needs that does not depend on the step before. It does
// so in 64 bits because the compiler moves the constants of a 32-bit sum to the
// outermost addition, where the next step has to wait for it: 112 ns a hash
// instead of 78.
func sum(a, x, k uint32) uint32 {
	return uint32(int64(a) + int64(x) + int64(int32(k)))
}
