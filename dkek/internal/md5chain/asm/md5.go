package main

import "math"

// step is one of the 64 steps of MD5 (RFC 1321 section 3.4) on a message of 16
// bytes: what is known about the message is in its constant.
type step struct {
	round    int    // 0 to 3
	rotation uint8  // to the left
	constant uint32 // T[i], and the word of the message if it is known
	word     int    // number of the word of the message that is added, or none
}

const none = -1

// initialState is A, B, C and D of RFC 1321 section 3.3.
func initialState() [4]uint32 { return [4]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476} }

func steps() (all [64]step) {
	rotations := [4][4]uint8{{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}
	for i := range all {
		round := i / 16
		word := [4]int{i, 5*i + 1, 3*i + 5, 7 * i}[round] % 16
		all[i] = step{
			round:    round,
			rotation: rotations[round][i%4],
			constant: uint32(math.Floor((1 << 32) * math.Abs(math.Sin(float64(i+1))))),
			word:     word,
		}
		// The bit after the message, and its length in bits: RFC 1321
		// sections 3.1 and 3.2. The words between are zero.
		if word == 4 || word == 14 {
			all[i].constant += 128
		}
		if word >= 4 {
			all[i].word = none
		}
	}
	return all
}

// roundFunction is F, G, H or I.
func roundFunction(round int, x, y, z uint32) uint32 {
	switch round {
	case 0:
		return x&y | ^x&z
	case 1:
		return x&z | y&^z
	case 2:
		return x ^ y ^ z
	}
	return y ^ (x | ^z)
}
