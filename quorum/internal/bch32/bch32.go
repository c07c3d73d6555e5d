// Package bch32 is the error-correcting checksum of codex32 (BIP-93, section
// "Checksum"): 13 symbols of five bits each, written with the letters of bech32
// (BIP-173). It finds up to 8 wrong symbols, and Correct repairs up to 4, or e
// unreadable and t wrong ones as long as e + 2t <= 8.
//
// The code is a BCH code over GF(32) of length 93 and distance 9. BIP-93 fixes
// the human-readable part to "ms"; here it is a parameter, brought into the
// checksum as BIP-173 does, and "ms" gives exactly BIP-93's checksum. The long
// checksum of 15 symbols is not here.
//
// A checksum protects from accidents. Whoever can choose the symbols can make
// any word pass.
//
// Nothing here is constant time: how long Correct takes reveals how many
// symbols were wrong, and where.
package bch32

// Alphabet is bech32's (BIP-173, section "Bech32"): symbol v, 0 to 31, is
// written Alphabet[v].
const Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// ChecksumLen is the number of symbols that Checksum gives.
const ChecksumLen = 13

// MaxLen is the longest word, data and checksum symbols together: beyond it,
// two wrong symbols can cancel each other out. The prefix and the separator do
// not count, as in BIP-93, where a data part has at most 93 symbols: they enter
// the checksum, but as something known that Correct never changes. 80 symbols
// are left for data.
const MaxLen = 93

// Checksum returns the symbols to append to data, so that Verify accepts the
// word. The prefix is the human-readable part in lower case, without the
// separator "1".
//
// A symbol of data above 31, or more than MaxLen-ChecksumLen of them, is the
// caller's mistake: Verify refuses the result.
func Checksum(prefix string, data []byte) [ChecksumLen]byte {
	r := start(prefix)
	for _, v := range data {
		r.append(v)
	}
	for range ChecksumLen {
		r.append(0)
	}
	return r.plus(target)
}

// Verify says whether word, data and checksum, is a code word for prefix. A word
// shorter than the checksum or longer than MaxLen is not one, nor is one with a
// symbol above 31.
func Verify(prefix string, word []byte) bool {
	return checkWord(word, nil) == nil && syndrome(prefix, word) == residue{}
}

// A residue is a polynomial over GF(32) reduced modulo the generator. The
// coefficient of x^12 comes first, as the symbols of a checksum are written.
type residue [ChecksumLen]byte

// generator is the code's generator polynomial without its leading x^13, in
// BIP-93's letters EM3GQEEELMCSS (section "Mathematical Companion").
var generator = residue{25, 27, 17, 8, 0, 25, 25, 25, 31, 27, 24, 16, 16}

// target is the residue of every code word. It spells SECRETSHARE32 (BIP-93,
// MS32_CONST). Were it zero, zeros could be put before a word unnoticed.
var target = residue{16, 25, 24, 3, 25, 11, 16, 23, 29, 3, 25, 17, 10}

// start returns the residue of the prefix: a one, the high bits of each
// character, a zero, and the low bits of each (BIP-173, bech32_hrp_expand).
func start(prefix string) residue {
	r := residue{ChecksumLen - 1: 1}
	for _, c := range []byte(prefix) {
		r.append(c >> 5)
	}
	r.append(0)
	for _, c := range []byte(prefix) {
		r.append(c & 31)
	}
	return r
}

// append appends a symbol: r becomes r*x + v modulo the generator.
func (r *residue) append(v byte) {
	lead := r[0]
	copy(r[:], r[1:])
	r[ChecksumLen-1] = v
	for i, g := range generator {
		r[i] ^= multiply(lead, g)
	}
}

func (r residue) plus(s residue) residue {
	for i := range r {
		r[i] ^= s[i]
	}
	return r
}

// syndrome returns what the word's errors leave modulo the generator, which is
// zero for a code word and does not depend on which code word was spoilt.
func syndrome(prefix string, word []byte) residue {
	r := start(prefix)
	for _, v := range word {
		r.append(v)
	}
	return r.plus(target)
}
