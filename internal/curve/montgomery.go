package curve

import (
	"encoding/binary"
	"math/bits"
)

// maxLimbs limbs of 64 bits hold the largest modulus, that of brainpoolP512r1.
const maxLimbs = 8

// residue is an integer modulo an odd prime m in Montgomery form: x·R mod m,
// where R = 2^(64·limbs). The least significant limb comes first; limbs that
// the modulus does not use are 0. A residue is less than m, so two of them are
// equal if and only if their limbs are.
type residue [maxLimbs]uint64

// modulus is an odd prime and what its arithmetic needs to have computed once
// (Menezes, van Oorschot, Vanstone, Handbook of Applied Cryptography, section
// 14.3.2). No operation on residues branches on them or uses them as an index,
// so its time depends on the modulus alone.
type modulus struct {
	size     int // length in bytes
	limbs    int
	value    [maxLimbs]uint64
	negative uint64  // -m⁻¹ mod 2⁶⁴
	one      residue // R mod m
	square   residue // R² mod m in plain form, that is R in Montgomery form
	inverter []byte  // m-2, the exponent of Fermat's inversion
}

// newModulus takes a big-endian odd prime without leading zeros.
func newModulus(prime []byte) modulus {
	m := modulus{size: len(prime), limbs: (len(prime) + 7) / 8, value: limbsOf(prime)}
	inverse := uint64(1)
	for range 6 { // Newton's iteration doubles the correct bits: 1, 2, 4, … 64
		inverse *= 2 - m.value[0]*inverse
	}
	m.negative = -inverse
	m.one = m.shift(residue{1})
	m.square = m.shift(m.one)
	minusTwo := m.sub(residue{}, residue{2})
	m.inverter = bytesOf(minusTwo, m.size)
	return m
}

// shift returns x·R mod m, by doubling.
func (m *modulus) shift(x residue) residue {
	for range 64 * m.limbs {
		x = m.add(x, x)
	}
	return x
}

// residue returns the big-endian integer b modulo m; b has at most m.size
// bytes. Any such b is less than R, and for that mul reduces it.
func (m *modulus) residue(b []byte) residue { return m.mul(limbsOf(b), m.square) }

// bytes returns x as a big-endian integer of m.size bytes.
func (m *modulus) bytes(x residue) []byte { return bytesOf(m.mul(x, residue{1}), m.size) }

func (m *modulus) add(x, y residue) residue {
	var sum residue
	var carry uint64
	for i := range m.limbs {
		sum[i], carry = bits.Add64(x[i], y[i], carry)
	}
	return m.reduce(sum, carry)
}

func (m *modulus) sub(x, y residue) residue {
	var difference residue
	var borrow, carry uint64
	for i := range m.limbs {
		difference[i], borrow = bits.Sub64(x[i], y[i], borrow)
	}
	for i := range m.limbs {
		difference[i], carry = bits.Add64(difference[i], m.value[i]&-borrow, carry)
	}
	return difference
}

// mul returns x·y/R mod m, the Montgomery product. One factor may be any
// integer below R if the other is below m.
func (m *modulus) mul(x, y residue) residue {
	var t [2 * maxLimbs]uint64
	n := m.limbs
	var carry uint64
	for i := range n {
		high := addProduct(t[i:i+n], x[:n], y[i])
		low := addProduct(t[i:i+n], m.value[:n], t[i]*m.negative)
		t[i+n], carry = bits.Add64(high, low, carry)
	}
	var product residue
	copy(product[:n], t[n:2*n])
	return m.reduce(product, carry)
}

// addProduct adds x·y to z, which is as long as x, and returns the limb that
// is carried out.
func addProduct(z, x []uint64, y uint64) (carry uint64) {
	z = z[:len(x)]
	for i := range x {
		high, low := bits.Mul64(x[i], y)
		sum, c := bits.Add64(low, z[i], 0)
		high += c
		z[i], c = bits.Add64(sum, carry, 0)
		carry = high + c
	}
	return carry
}

// reduce returns x + carry·R, which is below 2m, modulo m.
func (m *modulus) reduce(x residue, carry uint64) residue {
	var difference residue
	var borrow uint64
	for i := range m.limbs {
		difference[i], borrow = bits.Sub64(x[i], m.value[i], borrow)
	}
	// x was below m already if the difference borrows more than was carried.
	_, below := bits.Sub64(carry, borrow, 0)
	return choose(below, x, difference)
}

// inverse returns 1/x by Fermat's little theorem, x^(m-2), and 0 for 0. Only
// the exponent, which is public, is branched on.
func (m *modulus) inverse(x residue) residue {
	power := m.one
	for _, b := range m.inverter {
		for bit := 7; bit >= 0; bit-- {
			power = m.mul(power, power)
			if b>>bit&1 == 1 {
				power = m.mul(power, x)
			}
		}
	}
	return power
}

// choose returns x if condition is 1 and y if it is 0.
func choose(condition uint64, x, y residue) residue {
	for i := range y {
		y[i] ^= -condition & (x[i] ^ y[i])
	}
	return y
}

// limbsOf splits a big-endian integer of at most 8·maxLimbs bytes into limbs.
func limbsOf(b []byte) (limbs residue) {
	var padded [8 * maxLimbs]byte
	copy(padded[len(padded)-len(b):], b)
	for i := range limbs {
		limbs[i] = binary.BigEndian.Uint64(padded[len(padded)-8*(i+1):])
	}
	return limbs
}

// bytesOf returns the last size bytes of the big-endian integer of these limbs.
func bytesOf(limbs residue, size int) []byte {
	var padded [8 * maxLimbs]byte
	for i, limb := range limbs {
		binary.BigEndian.PutUint64(padded[len(padded)-8*(i+1):], limb)
	}
	return padded[len(padded)-size:]
}
