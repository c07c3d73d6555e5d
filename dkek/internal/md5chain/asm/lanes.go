package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes describes a function that advances groups of chains. A group is in the
// lanes of its registers. In memory, the first words of all digests come first.
type lanes struct {
	name, needs string
	groups      int
	size        int // of a register, in bytes
	// machine returns the machine of a group. It may keep the message where it
	// was read from.
	machine func(kept func(number int) Mem) machine
	move    func(from, to Op)
	add     func(k uint32, r reg.Register)
}

func emitLanes(l lanes) {
	number := l.groups * l.size / 4
	state := function(l.name, fmt.Sprintf("advances %d chains by n blocks. It needs %s.", number, l.needs))
	var chains []*chain
	for group := range l.groups {
		place := func(word int) Mem { return state.Offset(l.size * (l.groups*word + group)) }
		c := &chain{machine: l.machine(place)}
		for i, k := range initialState() {
			c.words[i] = c.register()
			l.move(place(i), c.words[i])
			l.add(-k, c.words[i])
		}
		chains = append(chains, c)
	}
	loop(chains...)
	for group, c := range chains {
		for i, k := range initialState() {
			l.add(k, c.words[i])
			l.move(c.words[i], state.Offset(l.size*(l.groups*i+group)))
		}
	}
	VZEROUPPER()
	RET()
}

// turnBriefly is the turn with the shortest way from f to dst, at the cost of
// more instructions than fit beside each other in several groups. A rotation is
// the sum of two shifts, and a shift to the left may be made before an
// addition:
//
//	b + (s ≪ n) + (f ≪ n) + (s + f ≫ 32 - n)
//
// So dst waits for three instructions of one cycle each, as with a rotation of
// one cycle. There is none without AVX-512, and on Zen 4 it takes two.
func turnBriefly(m machine, dst, s, f, b reg.Register, n uint8) {
	left, right := m.register(), m.register()
	VPSLLD(U8(n), s, left)
	VPADDD(b, left, left)
	VPADDD(f, s, right)
	VPSLLD(U8(n), f, s)
	VPSRLD(U8(32-n), right, right)
	VPADDD(s, left, left)
	VPADDD(right, left, dst)
}
