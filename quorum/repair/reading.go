package repair

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"

	"conclave/internal/secret"
	"conclave/quorum"
	"conclave/shamir"
)

// reading is what is right about a base if the hypothesis gives the password.
func (b *base) reading(h hypothesis, password secret.Bytes) Reading {
	right := b.apply(h)
	r := Reading{Password: password.Clone()}
	for i, y := range right.values(right.sheets) {
		id := strconv.Itoa(right.sheets[i].x)
		r.Shares = append(r.Shares, quorum.CustodianShare{Prime: b.prime, ID: id, Value: y.Bytes()})
	}
	r.How = how(r.Shares, password)
	r.Findings = append(b.findings(), h.findings...)
	for _, draft := range b.left {
		r.Findings = append(r.Findings, right.explain(draft)...)
	}
	slices.SortStableFunc(r.Findings, func(f, g Finding) int { return f.Sheet - g.Sheet })
	return r
}

func how(shares []quorum.CustodianShare, password secret.Bytes) string {
	candidates, err := quorum.Candidates(shares)
	if err != nil {
		return ""
	}
	defer func() {
		for _, c := range candidates {
			c.Password.Wipe()
		}
	}()
	for _, c := range candidates {
		if c.Password.Equal(password) {
			return c.How
		}
	}
	return ""
}

// findings are the mistakes that a base supposes.
func (b *base) findings() []Finding {
	findings := slices.Clone(b.supposed)
	for i := range b.input.sheets {
		t := &b.input.sheets[i]
		for _, f := range t.findings {
			findings = append(findings, t.complete(f))
		}
		findings = append(findings, t.primeFindings(b.prime)...)
	}
	for _, s := range b.sheets {
		t := &b.input.sheets[s.draft]
		findings = append(findings, t.rowFindings(t.value, "share value")...)
		if t.unsureID {
			findings = append(findings, t.complete(Finding{Kind: WrongID, Field: "share ID", Right: fmt.Sprint(s.x)}))
		}
	}
	return findings
}

// primeFindings are the mistakes in a sheet's prime.
func (t *entered) primeFindings(prime *big.Int) []Finding {
	if isOpen(t.prime) || number(first(t.prime)).Cmp(prime) == 0 {
		return t.rowFindings(t.prime, "prime")
	}
	return []Finding{t.complete(describe(first(t.prime), prime, "prime"))}
}

// describe finds the one mistake that turns the right number into the digits
// typed.
func describe(text string, right *big.Int, field string) Finding {
	for _, edits := range slices.Concat(allEdits(), rareEdits()) {
		for e := range edits(text) {
			if number(e.text).Cmp(right) == 0 {
				e.finding.Field = field
				return e.finding
			}
		}
	}
	return Finding{Kind: WrongValue, Field: field}
}

// explain finds what is wrong with a sheet that was left out, from the others,
// which are right. There may be nothing wrong with it.
func (b *base) explain(draft int) []Finding {
	t := &b.input.sheets[draft]
	if isUnreadable(t.value) || t.unsureID {
		return []Finding{t.complete(Finding{Kind: MissingSheetData, Field: "sheet"})}
	}
	text := first(t.value)
	typed := number(text)
	right := b.at(t.ids[0])
	switch {
	case right == nil:
		return nil
	case right.Cmp(typed) == 0:
		return t.rowFindings(t.value, "share value")
	}
	f := describe(text, right, "share value")
	if f.Kind == WrongValue {
		f = b.explainID(t, typed)
	}
	return []Finding{t.complete(f)}
}

// explainID finds the share ID that a value belongs to.
func (b *base) explainID(t *entered, value *big.Int) Finding {
	for id := range maxSheets {
		y := b.at(id + 1)
		if y == nil || y.Cmp(value) != 0 {
			continue
		}
		f := Finding{Kind: WrongID, Field: "share ID", Right: strconv.Itoa(id + 1)}
		if id+1 == t.hex {
			f.Kind = HexadecimalID
		}
		return f
	}
	return Finding{Kind: WrongValue, Field: "share value"}
}

// at gives the share value that a custodian has who shares the polynomial.
func (b *base) at(id int) *big.Int {
	y, err := shamir.At(points(b.sheets, b.values(b.sheets)), big.NewInt(int64(id)), b.prime)
	if err != nil {
		return nil
	}
	return y
}
