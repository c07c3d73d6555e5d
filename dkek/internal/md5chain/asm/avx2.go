package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// avx2 is a group of 8 chains in the lanes of ymm registers. There are 16 of
// them, so the message is kept in memory.
type avx2 struct {
	constants *pool
	kept      func(number int) Mem
	brief     bool
}

func (avx2) register() reg.Register { return YMM() }

func (m avx2) constant(k uint32) reg.Register {
	r := m.register()
	VMOVDQU(m.constants.address(k), r)
	return r
}

func (m avx2) keep(number int, w reg.Register, k uint32) Op {
	VMOVDQU(m.sum(w, nil, k), m.kept(number))
	return m.kept(number)
}

func (m avx2) sum(a reg.Register, x Op, k uint32) reg.Register {
	r := m.register()
	VPADDD(m.constants.address(k), a, r)
	if x != nil {
		VPADDD(x, r, r)
	}
	return r
}

func (m avx2) mix(round int, s, b, c, d reg.Register) reg.Register {
	t := m.register()
	switch round {
	case 0: // d ^ b & (c ^ d)
		VPXOR(c, d, t)
		VPAND(b, t, t)
		VPXOR(d, t, t)
	case 1: // the halves of G have no bit in common, so one is added early
		VPANDN(c, d, t)
		VPADDD(t, s, s)
		t = m.register()
		VPAND(b, d, t)
	case 2:
		VPXOR(c, d, t)
		VPXOR(b, t, t)
	case 3:
		VPXOR(m.constants.address(^uint32(0)), d, t)
		VPOR(b, t, t)
		VPXOR(c, t, t)
	}
	return t
}

func (m avx2) turn(dst, s, f, b reg.Register, n uint8) {
	if m.brief {
		turnBriefly(m, dst, s, f, b, n)
		return
	}
	VPADDD(f, s, s)
	if n == 16 {
		VPSHUFB(halvesSwapped(), s, s)
		VPADDD(s, b, dst)
		return
	}
	t := m.register()
	VPSLLD(U8(n), s, t)
	VPSRLD(U8(32-n), s, s)
	VPADDD(t, b, t)
	VPADDD(s, t, dst)
}

func avx2Lanes(name string, groups int, constants *pool) lanes {
	return lanes{
		name: name, needs: "AVX2", groups: groups, size: 32,
		machine: func(kept func(int) Mem) machine { return avx2{constants, kept, groups == 1} },
		move:    func(from, to Op) { VMOVDQU(from, to) },
		add:     func(k uint32, r reg.Register) { VPADDD(constants.address(k), r, r) },
	}
}
