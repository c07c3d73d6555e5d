package shamir

import (
	"errors"
	"fmt"
	"math/big"
)

// ErrNoPolynomial is the error of Locate and Infer when more shares are wrong
// than can be told from the right ones.
var ErrNoPolynomial = errors.New("no polynomial goes through enough of the shares; check each share against its sheet, or add shares")

// Located is what the shares say together, wrong ones among them.
type Located struct {
	Secret    *big.Int
	Threshold int
	Wrong     []int   // ascending indexes into the shares given
	Right     []Share // the shares as they should be, in the order given
}

// Locate combines shares some of which may be wrong, and says which. It finds
// the polynomial of degree below threshold that agrees with all shares but at
// most (len(shares)-threshold)/2, rounded down: there is never more than one,
// since two of them would have threshold shares in common. The error is
// ErrNoPolynomial if there is none. So two shares beyond the threshold are
// needed to locate a wrong one; one beyond it detects a wrong one, and exactly
// as many as the threshold are taken to be right.
//
// A share whose number X was misread is wrong as well; what is then in Right
// belongs to the number that was given. If more shares are wrong than the
// bound and yet lie on a polynomial with the right ones, that is returned; in
// GF(p), n random shares do so with a probability of about n/p.
//
// The algorithm is S. Gao's, "A new algorithm for decoding Reed-Solomon codes",
// in Communications, Information and Network Security, 2003: shares are the
// symbols of such a code (R. McEliece and D. Sarwate, "On sharing secrets and
// Reed-Solomon codes", CACM 24(9), 1981).
func Locate(shares []Share, prime *big.Int, threshold int) (Located, error) {
	if err := check(shares, prime); err != nil {
		return Located{}, err
	}
	switch {
	case threshold < 1:
		return Located{}, fmt.Errorf("threshold %d: 1 or more expected", threshold)
	case threshold > len(shares):
		return Located{}, fmt.Errorf("%d shares given; the threshold is %d, so at least as many are needed", len(shares), threshold)
	}
	f, ok := newDecoder(shares, prime).decode(threshold)
	if !ok {
		return Located{}, ErrNoPolynomial
	}
	return locate(shares, f, prime, threshold), nil
}

// Infer is Locate for a threshold that is not known: it takes the smallest one,
// from 2 up, with which Locate finds a polynomial, and with which that means
// something, which is when there are more shares than the threshold. It returns
// ErrNoPolynomial if there is none. Then either each share is needed or too
// many are wrong, and a caller can do no better than to take all as right, and
// their number as the threshold.
//
// That the polynomial is there by coincidence can be ruled out for a prime of
// 61 bits or more. With n shares and a threshold m it agrees with n-e of them,
// where e is at most (n-m)/2, so with m+1 at least, and with m+e. Any m shares
// are on some polynomial of degree below m; each one more that is not meant to
// be on it is there with a probability of 1/p. The e that are left out can be
// chosen in fewer than n^e ways, so the chance is below (n/p)^e, or 1/p if none
// is left out: about 2^-64 for few shares and sc-hsm-tool's primes. With the
// same probability the inferred threshold is too small: when the leading
// coefficient was drawn as 0.
func Infer(shares []Share, prime *big.Int) (Located, error) {
	if err := check(shares, prime); err != nil {
		return Located{}, err
	}
	var found polynomial
	threshold := 0
	d := newDecoder(shares, prime)
	for m := len(shares) - 1; m >= 2; m-- { // downwards, as the decoder must go
		if f, ok := d.decode(m); ok {
			found, threshold = f, m
		}
	}
	if threshold == 0 {
		return Located{}, ErrNoPolynomial
	}
	return locate(shares, found, prime, threshold), nil
}

// At returns the value that the share numbered x has on the polynomial through
// all shares: a lost share, if these are right and as many as the threshold, or
// more. X is above 0, since what is at 0 is not a share but the secret, which
// Combine returns. Like Combine, At cannot know that a share is wrong.
func At(shares []Share, x, prime *big.Int) (*big.Int, error) {
	if err := check(shares, prime); err != nil {
		return nil, err
	}
	if x.Sign() <= 0 || x.Cmp(prime) >= 0 {
		return nil, fmt.Errorf("share %v cannot be made: its number must be above 0 and below the prime", x)
	}
	f, _ := interpolate(shares, prime)
	return evaluate(f, x, prime), nil
}

// locate compares the shares with the polynomial that they should be on.
func locate(shares []Share, f polynomial, prime *big.Int, threshold int) Located {
	l := Located{Secret: evaluate(f, new(big.Int), prime), Threshold: threshold}
	for i, s := range shares {
		y := evaluate(f, s.X, prime)
		if y.Cmp(s.Y) != 0 {
			l.Wrong = append(l.Wrong, i)
		}
		l.Right = append(l.Right, Share{X: new(big.Int).Set(s.X), Y: y})
	}
	return l
}

// decoder runs Euclid's algorithm on g0, which is 0 at the X of each share, and
// g1, which goes through all shares. Of the last two remainders it keeps the
// factor v with remainder = u·g0 + v·g1; nobody asks for u.
type decoder struct {
	prime              *big.Int
	shares             int
	previous, current  polynomial // remainders
	previousV, factorV polynomial
}

func newDecoder(shares []Share, prime *big.Int) *decoder {
	through, roots := interpolate(shares, prime)
	return &decoder{
		prime: prime, shares: len(shares),
		previous: roots, current: through,
		previousV: nil, factorV: polynomial{big.NewInt(1)},
	}
}

// decode divides the first remainder of degree below (shares+threshold)/2 by
// its v. The quotient f is the polynomial in question if nothing is left over
// (Gao, algorithm 1). It agrees with each share at whose X v is not 0, as g0 is
// 0 there and so v·f = v·g1; and the degree of v is shares minus that of the
// remainder before, so (shares-threshold)/2 at most. The threshold must not
// grow from call to call.
func (d *decoder) decode(threshold int) (f polynomial, ok bool) {
	for 2*d.current.degree() >= d.shares+threshold {
		d.step()
	}
	f, rest := d.current.divide(d.factorV, d.prime)
	return f, rest.degree() < 0 && f.degree() < threshold
}

func (d *decoder) step() {
	quotient, rest := d.previous.divide(d.current, d.prime)
	v := d.previousV
	for i, c := range quotient {
		v = v.add(new(big.Int).Neg(c), i, d.factorV, d.prime)
	}
	d.previous, d.previousV, d.current, d.factorV = d.current, d.factorV, rest, v
}

// polynomial is a list of coefficients from 0 to the prime, the constant term
// first. The last is not 0; the polynomial 0 has none, and a degree of -1.
type polynomial []*big.Int

func (f polynomial) degree() int { return len(f) - 1 }

// add returns f + c·x^shift·g. It changes f, as append does.
func (f polynomial) add(c *big.Int, shift int, g polynomial, prime *big.Int) polynomial {
	for len(f) < len(g)+shift {
		f = append(f, new(big.Int))
	}
	product := new(big.Int)
	for i, coefficient := range g {
		sum := f[i+shift]
		sum.Add(sum, product.Mul(c, coefficient)).Mod(sum, prime)
	}
	for len(f) > 0 && f[len(f)-1].Sign() == 0 {
		f = f[:len(f)-1]
	}
	return f
}

// divide returns f / by, which is not 0, and what is left over.
func (f polynomial) divide(by polynomial, prime *big.Int) (quotient, rest polynomial) {
	one := polynomial{big.NewInt(1)}
	rest = polynomial(nil).add(one[0], 0, f, prime)
	inverse := new(big.Int).ModInverse(by[by.degree()], prime)
	for rest.degree() >= by.degree() {
		shift := rest.degree() - by.degree()
		c := new(big.Int).Mul(rest[rest.degree()], inverse)
		c.Mod(c, prime)
		quotient = quotient.add(c, shift, one, prime)
		rest = rest.add(c.Neg(c), shift, by, prime)
	}
	return quotient, rest
}

// interpolate returns the polynomial through all shares, of a degree below
// their number, and the product of all x - X. It is Newton's interpolation:
// what the next share differs by is made up for with a multiple of the product
// so far, which is 0 at all shares before.
func interpolate(shares []Share, prime *big.Int) (through, roots polynomial) {
	one := big.NewInt(1)
	roots = polynomial{one}
	for _, s := range shares {
		c := new(big.Int).ModInverse(evaluate(roots, s.X, prime), prime)
		c.Mul(c, new(big.Int).Sub(s.Y, evaluate(through, s.X, prime)))
		through = through.add(c.Mod(c, prime), 0, roots, prime)
		roots = polynomial(nil).add(one, 1, roots, prime).add(new(big.Int).Neg(s.X), 0, roots, prime)
	}
	return through, roots
}
