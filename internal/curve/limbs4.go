package curve

import "math/bits"

// The operations on residues of four limbs, enough for 256 bits: those of
// montgomery.go with their loops unrolled, so that the limbs stay in registers.

func (m *modulus) add4(z, x, y *residue) {
	s0, carry := bits.Add64(x[0], y[0], 0)
	s1, carry := bits.Add64(x[1], y[1], carry)
	s2, carry := bits.Add64(x[2], y[2], carry)
	s3, carry := bits.Add64(x[3], y[3], carry)
	m.reduce4(z, s0, s1, s2, s3, carry)
}

func (m *modulus) sub4(z, x, y *residue) {
	d0, borrow := bits.Sub64(x[0], y[0], 0)
	d1, borrow := bits.Sub64(x[1], y[1], borrow)
	d2, borrow := bits.Sub64(x[2], y[2], borrow)
	d3, borrow := bits.Sub64(x[3], y[3], borrow)
	var carry uint64
	z[0], carry = bits.Add64(d0, m.value[0]&-borrow, 0)
	z[1], carry = bits.Add64(d1, m.value[1]&-borrow, carry)
	z[2], carry = bits.Add64(d2, m.value[2]&-borrow, carry)
	z[3], _ = bits.Add64(d3, m.value[3]&-borrow, carry)
}

func (m *modulus) mul4(z, x, y *residue) {
	var t0, t1, t2, t3, t4 uint64
	for _, limb := range y[:4] {
		var a, b, carry uint64
		a, t0 = addMul(x[0], limb, t0, 0)
		u := t0 * m.negative
		b, _ = addMul(m.value[0], u, t0, 0)
		a, t1 = addMul(x[1], limb, t1, a)
		b, t0 = addMul(m.value[1], u, t1, b)
		a, t2 = addMul(x[2], limb, t2, a)
		b, t1 = addMul(m.value[2], u, t2, b)
		a, t3 = addMul(x[3], limb, t3, a)
		b, t2 = addMul(m.value[3], u, t3, b)
		t3, carry = bits.Add64(a, b, 0)
		t3, t4 = bits.Add64(t3, t4, 0)
		t4 += carry
	}
	m.reduce4(z, t0, t1, t2, t3, t4)
}

// reduce4 lets z be t + carry·R, which is below 2m, modulo m.
func (m *modulus) reduce4(z *residue, t0, t1, t2, t3, carry uint64) {
	d0, borrow := bits.Sub64(t0, m.value[0], 0)
	d1, borrow := bits.Sub64(t1, m.value[1], borrow)
	d2, borrow := bits.Sub64(t2, m.value[2], borrow)
	d3, borrow := bits.Sub64(t3, m.value[3], borrow)
	_, below := bits.Sub64(carry, 0, borrow)
	z[0] = d0 ^ -below&(t0^d0)
	z[1] = d1 ^ -below&(t1^d1)
	z[2] = d2 ^ -below&(t2^d2)
	z[3] = d3 ^ -below&(t3^d3)
}
