package bch32

// A polynomial over GF(1024), the constant term first. Leading zeros are
// allowed; the empty one is zero.
type polynomial []element

// degree returns -1 for zero.
func (p polynomial) degree() int {
	d := len(p) - 1
	for d >= 0 && p[d] == (element{}) {
		d--
	}
	return d
}

// at returns the value at x, by Horner's rule.
func (p polynomial) at(x element) (value element) {
	for i := p.degree(); i >= 0; i-- {
		value = value.times(x).plus(p[i])
	}
	return value
}

func (p polynomial) plus(q polynomial) polynomial {
	sum := make(polynomial, max(len(p), len(q)))
	copy(sum, p)
	for i, c := range q {
		sum[i] = sum[i].plus(c)
	}
	return sum
}

func (p polynomial) times(q polynomial) polynomial {
	product := make(polynomial, len(p)+len(q))
	for i, a := range p[:p.degree()+1] {
		for j, b := range q[:q.degree()+1] {
			product[i+j] = product[i+j].plus(a.times(b))
		}
	}
	return product
}

// modulo returns the remainder of a division by x^n.
func (p polynomial) modulo(n int) polynomial { return p[:min(n, len(p))] }

// divide returns quotient and remainder of a division by q, which is not zero.
func (p polynomial) divide(q polynomial) (quotient, rest polynomial) {
	n := q.degree()
	lead := q[n].inverse()
	quotient, rest = make(polynomial, len(p)), append(polynomial{}, p...)
	for d := rest.degree(); d >= n; d = rest.degree() {
		c := rest[d].times(lead)
		quotient[d-n] = c
		for i, b := range q[:n+1] {
			rest[d-n+i] = rest[d-n+i].plus(c.times(b))
		}
	}
	return quotient, rest
}

// derivative is the formal one: in characteristic 2, the terms of odd degree
// remain.
func (p polynomial) derivative() polynomial {
	d := make(polynomial, len(p))
	for i := 1; i < len(p); i += 2 {
		d[i-1] = p[i]
	}
	return d
}
