package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// avx512 is a group of chains in registers of any size. Each round function is
// one instruction, so that a step takes four cycles.
type avx512 struct {
	vector    func() reg.Register
	constants *pool
	kept      func(number int) Mem // where the message is kept, or nil for registers
	brief     bool
}

func (m avx512) register() reg.Register { return m.vector() }

func (m avx512) constant(k uint32) reg.Register {
	r := m.register()
	VPBROADCASTD(m.constants.address(k), r)
	return r
}

func (m avx512) keep(number int, w reg.Register, k uint32) Op {
	r := m.sum(w, nil, k)
	if m.kept == nil {
		return r
	}
	VMOVDQU32(r, m.kept(number))
	return m.kept(number)
}

func (m avx512) sum(a reg.Register, x Op, k uint32) reg.Register {
	r := m.register()
	VPADDD_BCST(m.constants.address(k), a, r)
	if x != nil {
		VPADDD(x, r, r)
	}
	return r
}

// mix overwrites a copy of b with the function's value, because on Zen 4 the
// chain waits a cycle longer for the other operands of VPTERNLOGD. The copy
// costs nothing.
func (m avx512) mix(round int, _, b, c, d reg.Register) reg.Register {
	f := m.register()
	VMOVDQA32(b, f)
	VPTERNLOGD(U8(truthTable(round)), d, c, f)
	return f
}

// truthTable is that of a round function, as VPTERNLOGD wants it.
func truthTable(round int) (table uint8) {
	for i := range uint32(8) {
		table |= uint8(roundFunction(round, i>>2, i>>1, i)&1) << i
	}
	return table
}

func (m avx512) turn(dst, s, f, b reg.Register, n uint8) {
	if m.brief {
		turnBriefly(m, dst, s, f, b, n)
		return
	}
	VPADDD(f, s, s)
	VPROLD(U8(n), s, s)
	VPADDD(s, b, dst)
}

// avx512Ymm is for few chains: on Zen 4, whose units are 32 bytes wide, zmm
// registers would take longer.
func avx512Ymm(name string, groups int, constants *pool) lanes {
	return avx512Lanes(name, "AVX-512 F and VL", groups, 32, constants, avx512{
		vector: func() reg.Register { return YMM() },
		brief:  true,
	})
}

func avx512Zmm(name string, groups int, constants *pool) lanes {
	return avx512Lanes(name, "AVX-512 F", groups, 64, constants, avx512{
		vector: func() reg.Register { return ZMM() },
	})
}

func avx512Lanes(name, needs string, groups, size int, constants *pool, m avx512) lanes {
	m.constants = constants
	return lanes{
		name: name, needs: needs, groups: groups, size: size,
		machine: func(kept func(int) Mem) machine {
			if groups > 2 { // there are not enough registers
				m.kept = kept
			}
			return m
		},
		move: func(from, to Op) { VMOVDQU32(from, to) },
		add:  func(k uint32, r reg.Register) { VPADDD_BCST(constants.address(k), r, r) },
	}
}
