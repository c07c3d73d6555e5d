package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// pool gives each constant that is used a place in a table.
type pool struct {
	name   string
	copies int // of each constant, side by side: as many as there are lanes, unless it is broadcast
	values []uint32
}

// address returns where k is.
func (p *pool) address(k uint32) Mem {
	for i, v := range p.values {
		if v == k {
			return p.at(i)
		}
	}
	p.values = append(p.values, k)
	return p.at(len(p.values) - 1)
}

func (p *pool) at(i int) Mem { return NewDataAddr(NewStaticSymbol(p.name), 4*p.copies*i) }

func (p *pool) emit() {
	GLOBL(p.name, RODATA|NOPTR)
	for i, v := range p.values {
		for j := range p.copies {
			DATA(4*(p.copies*i+j), U32(v))
		}
	}
}

const swap = "swap"

// halvesSwapped is the control of VPSHUFB that swaps the halves of each word,
// which is its rotation by 16.
func halvesSwapped() Mem { return NewDataAddr(NewStaticSymbol(swap), 0) }

func emitSwap() {
	GLOBL(swap, RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(0x01000302+0x04040404*uint32(i%4)))
	}
}
