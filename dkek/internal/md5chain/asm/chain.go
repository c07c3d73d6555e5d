package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// machine emits the instructions of a kind of processor for one chain, or for
// one group of chains in the lanes of a register.
type machine interface {
	// register returns a new register.
	register() reg.Register
	// constant returns a new register that holds k.
	constant(k uint32) reg.Register
	// keep keeps the number-th word of the message for the block: w + k.
	keep(number int, w reg.Register, k uint32) operand.Op
	// sum returns a new register with a + x + k; x may be nil.
	sum(a reg.Register, x operand.Op, k uint32) reg.Register
	// mix returns a new register, f, so that s + f is s + the round's function
	// of b, c and d. It may add to s what does not depend on b.
	mix(round int, s, b, c, d reg.Register) reg.Register
	// turn makes dst = b + (s + f ⋘ n), and may change s and f. The chain waits
	// for f most, then for b.
	turn(dst, s, f, b reg.Register, n uint8)
}

// chain is the state of the emission of one block for one machine.
//
// Between blocks, words holds the digest less the initial state. The addition
// of the initial state is thus joined to others, and that of the second word,
// which comes last, does not make the next block wait.
type chain struct {
	machine
	words   [4]reg.Register
	message [4]operand.Op
	v       []reg.Register // results of the steps
	next    reg.Register   // what the next step adds that is known early
}

func (c *chain) step(i int, s step) {
	if i < 4 {
		c.early(i, s)
		return
	}
	sum := c.next
	f := c.mix(s.round, sum, c.v[i-1], c.v[i-2], c.v[i-3])
	c.prepare(i)
	c.finish(i, sum, f, s.rotation)
}

// prepare makes the early part of the sum of the step after step i. What is d
// in one step is a in the next.
func (c *chain) prepare(i int) {
	if i == 63 {
		return
	}
	s := steps()[i+1]
	var x operand.Op
	if s.word != none {
		x = c.message[s.word]
	}
	c.next = c.sum(c.v[i-3], x, s.constant)
}

// finish makes the result of step i; those of the last four are the digest.
func (c *chain) finish(i int, sum, f reg.Register, rotation uint8) {
	var result reg.Register
	if i >= 60 {
		result = c.words[[4]int{0, 3, 2, 1}[i-60]]
	} else {
		result = c.register()
	}
	c.turn(result, sum, f, c.v[i-1], rotation)
	c.v = append(c.v, result)
}

// early emits the steps 0 to 3, whose registers are partly the initial state.
func (c *chain) early(i int, s step) {
	iv := initialState()
	switch i {
	case 0:
		for n, w := range c.words {
			c.message[n] = c.keep(n, w, iv[n])
		}
		sum := c.sum(c.words[0], nil, iv[0]+s.constant+iv[0])
		c.v = []reg.Register{c.register()}
		c.turn(c.v[0], sum, c.constant(roundFunction(0, iv[1], iv[2], iv[3])), c.constant(iv[1]), s.rotation)
	case 1: // the second word is the last to be known
		early := c.constant(iv[3] + s.constant + iv[1])
		f := c.mix(0, early, c.v[0], c.constant(iv[1]), c.constant(iv[2]))
		c.finish(i, c.sum(early, f, 0), c.words[1], s.rotation)
	case 2:
		sum := c.sum(c.words[2], nil, iv[2]+s.constant+iv[2])
		c.finish(i, sum, c.mix(0, sum, c.v[1], c.v[0], c.constant(iv[1])), s.rotation)
	case 3:
		sum := c.sum(c.words[3], nil, iv[1]+s.constant+iv[3])
		c.prepare(i)
		c.finish(i, sum, c.mix(0, sum, c.v[2], c.v[1], c.v[0]), s.rotation)
	}
}
