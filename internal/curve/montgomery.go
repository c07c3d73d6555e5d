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
	limbs    int // at least 4, for which there is faster code
	value    [maxLimbs]uint64
	negative uint64  // -m⁻¹ mod 2⁶⁴
	one      residue // R mod m
	square   residue // R² mod m in plain form, that is R in Montgomery form
	inverter []byte  // m-2, the exponent of Fermat's inversion
}

// newModulus takes a big-endian odd prime without leading zeros.
func newModulus(prime []byte) modulus {
	m := modulus{size: len(prime), limbs: max(4, (len(prime)+7)/8), value: limbsOf(prime)}
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

func (m *modulus) add(x, y residue) (z residue) { m.setAdd(&z, &x, &y); return z }
func (m *modulus) sub(x, y residue) (z residue) { m.setSub(&z, &x, &y); return z }

// mul returns x·y/R mod m, the Montgomery product. One factor may be any
// integer below R if the other is below m.
func (m *modulus) mul(x, y residue) (z residue) { m.setMul(&z, &x, &y); return z }

// setAdd lets z be x + y. This and the other functions that take z, which may be
// x or y, are there for speed: copying limbs that were written just before makes
// the processor wait.
func (m *modulus) setAdd(z, x, y *residue) {
	if m.limbs == 4 {
		m.add4(z, x, y)
		return
	}
	var sum residue
	var carry uint64
	for i := range m.limbs {
		sum[i], carry = bits.Add64(x[i], y[i], carry)
	}
	m.reduce(z, &sum, carry)
}

func (m *modulus) setSub(z, x, y *residue) {
	if m.limbs == 4 {
		m.sub4(z, x, y)
		return
	}
	var borrow, carry uint64
	for i := range m.limbs {
		z[i], borrow = bits.Sub64(x[i], y[i], borrow)
	}
	for i := range m.limbs {
		z[i], carry = bits.Add64(z[i], m.value[i]&-borrow, carry)
	}
}

// setMul adds x times a limb of y, and as many times the modulus as makes the
// lowest limb 0, which it then drops (algorithm 14.36 of the Handbook).
func (m *modulus) setMul(z, x, y *residue) {
	if m.limbs == 4 {
		m.mul4(z, x, y)
		return
	}
	var t residue
	var top, carry uint64
	last := m.limbs - 1
	for _, limb := range y[:m.limbs] {
		a, low := addMul(x[0], limb, t[0], 0)
		u := low * m.negative
		b, _ := addMul(m.value[0], u, low, 0)
		for j := range last {
			a, low = addMul(x[j+1], limb, t[j+1], a)
			b, t[j] = addMul(m.value[j+1], u, low, b)
		}
		low, carry = bits.Add64(a, b, 0)
		t[last], top = bits.Add64(low, top, 0)
		top += carry
	}
	m.reduce(z, &t, top)
}

// addMul returns x·y + z + carry.
func addMul(x, y, z, carry uint64) (high, low uint64) {
	high, low = bits.Mul64(x, y)
	low, c := bits.Add64(low, z, 0)
	high, _ = bits.Add64(high, 0, c)
	low, c = bits.Add64(low, carry, 0)
	high, _ = bits.Add64(high, 0, c)
	return high, low
}

// reduce lets z be x + carry·R, which is below 2m, modulo m.
func (m *modulus) reduce(z, x *residue, carry uint64) {
	var difference residue
	var borrow uint64
	for i := range m.limbs {
		difference[i], borrow = bits.Sub64(x[i], m.value[i], borrow)
	}
	// x was below m already if the difference borrows more than was carried.
	_, below := bits.Sub64(carry, borrow, 0)
	for i := range m.limbs {
		z[i] = difference[i] ^ -below&(x[i]^difference[i])
	}
}

// inverse returns 1/x by Fermat's little theorem, x^(m-2), and 0 for 0. The digits
// of the exponent, by which it looks up powers, are public.
func (m *modulus) inverse(x residue) residue {
	powers := [16]residue{0: m.one}
	for i := 1; i < len(powers); i++ {
		m.setMul(&powers[i], &powers[i-1], &x)
	}
	power := m.one
	for _, b := range m.inverter {
		for _, digit := range [2]byte{b >> 4, b & 15} {
			for range 4 {
				m.setMul(&power, &power, &power)
			}
			m.setMul(&power, &power, &powers[digit])
		}
	}
	return power
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
