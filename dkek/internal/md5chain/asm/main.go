// Command asm writes the assembly of package md5chain. It is a module of its
// own, so that nothing else depends on what it needs.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func main() {
	ConstraintExpr("amd64")
	narrow, broad := &pool{name: "words", copies: 1}, &pool{name: "vectors", copies: 8}
	emitLanes(avx2Lanes("avx2x8", 1, broad))
	emitLanes(avx2Lanes("avx2x24", 3, broad))
	emitLanes(avx512Ymm("avx512x8", 1, narrow))
	emitLanes(avx512Zmm("avx512x16", 1, narrow))
	emitLanes(avx512Zmm("avx512x32", 2, narrow))
	emitLanes(avx512Zmm("avx512x64", 4, narrow))
	narrow.emit()
	broad.emit()
	emitSwap()
	Generate()
}

// function begins a function that advances the chains in state by n blocks.
func function(name, doc string) (state Mem) {
	TEXT(name, NOSPLIT, "func(state []uint32, n int)")
	Pragma("noescape")
	Doc(name + " " + doc)
	return Mem{Base: Load(Param("state").Base(), GP64())}
}

// loop repeats the block for all chains, step by step in turn, n times.
func loop(chains ...*chain) {
	n := Load(Param("n"), GP64())
	TESTQ(n, n)
	JLE(LabelRef("done"))
	Label("block")
	for i, s := range steps() {
		for _, c := range chains {
			c.step(i, s)
		}
	}
	DECQ(n)
	JNZ(LabelRef("block"))
	Label("done")
}
