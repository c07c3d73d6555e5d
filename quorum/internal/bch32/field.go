package bch32

// multiply multiplies in GF(32) = GF(2)[x] / (x^5 + x^3 + 1), bit i of a symbol
// being the coefficient of x^i (BIP-93, bech32_mul).
func multiply(a, b byte) byte {
	x, y := uint(a), uint(b)
	product := x&-(y&1) ^ x<<1&-(y>>1&1) ^ x<<2&-(y>>2&1) ^ x<<3&-(y>>3&1) ^ x<<4&-(y>>4&1)
	for range 2 { // x^5 is x^3 + 1
		high := product >> 5
		product = product&31 ^ high ^ high<<3
	}
	return byte(product)
}

// An element a + bζ of GF(1024) = GF(32)[ζ] / (ζ^2 + ζ + 1), the extension that
// the code's roots are in (BIP-93, section "Mathematical Companion").
type element struct{ a, b byte }

const (
	// firstRoot is the first exponent of the roots that follow each other: the
	// generator vanishes at β^77, β^78, … β^84.
	firstRoot = 77

	// roots is their number, and one less than the code's distance.
	roots = 8
)

// power returns β to the power of n. β is Gζ, and the letter G is 8.
func power(n int) element { return element{b: 8}.power(n) }

func (x element) plus(y element) element { return element{x.a ^ y.a, x.b ^ y.b} }

func (x element) times(y element) element {
	low := multiply(x.a, y.a)
	return element{
		a: low ^ multiply(x.b, y.b),
		b: low ^ multiply(x.a^x.b, y.a^y.b),
	}
}

// power returns x to the power of n, by squaring; n is not negative.
func (x element) power(n int) element {
	result := element{a: 1}
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			result = result.times(x)
		}
		x = x.times(x)
	}
	return result
}

// inverse returns 1/x; that of zero is zero.
func (x element) inverse() element { return x.power(1022) }
