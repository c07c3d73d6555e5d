package evidence

import (
	"bytes"
	"math/big"
	"slices"

	"conclave/ca"
	"conclave/ca/register"
)

// growth wants the register to have at each CRL, and after the ceremony, all that
// it had before: nothing is taken out of a register, and no revocation taken back.
// What is known of issuers is only added to.
func (v signatures) growth() {
	earlier := v.before()
	files := []string{}
	for _, crl := range v.plan.CRLs {
		files = append(files, CRLRegisterFile(crl.Name))
	}
	for _, file := range append(files, RegisterFile) {
		later := v.export(file)
		if later == nil {
			continue // a problem says so
		}
		for _, e := range missing(earlier, later) {
			v.problem(file, "it does not have %s as it was before", e)
		}
		if n := len(earlier.Issuers); len(later.Issuers) < n || !slices.EqualFunc(later.Issuers[:n], earlier.Issuers, sameIssuer) {
			v.problem(file, "it does not have what was known of issuers before")
		}
		earlier = later
	}
}

func sameIssuer(a, b register.Issuer) bool {
	return bytes.Equal(a.Name, b.Name) && a.Profile == b.Profile && a.CRLsUnknown == b.CRLsUnknown
}

// missing are the entries of a register that a later state of it does not have, or
// has otherwise.
func missing(earlier, later *register.Export) (entries []register.Entry) {
	type number struct {
		kind           ca.Kind
		issuer, number string
	}
	now := map[number]register.Entry{}
	for _, e := range later.Entries {
		now[number{e.Kind, string(e.Issuer), e.Number.String()}] = e
	}
	for _, e := range earlier.Entries {
		if !continues(e, now[number{e.Kind, string(e.Issuer), e.Number.String()}]) {
			entries = append(entries, e)
		}
	}
	return entries
}

// continues says whether a later state of an entry leaves all as it was.
func continues(before, now register.Entry) bool {
	if now.TBS != before.TBS || now.Subject != before.Subject || !now.Time.Equal(before.Time) || len(now.Revocations) < len(before.Revocations) {
		return false
	}
	for i, revocation := range before.Revocations {
		if then := now.Revocations[i]; !then.Time.Equal(revocation.Time) || then.Reason != revocation.Reason {
			return false
		}
	}
	return (before.DER == nil || bytes.Equal(now.DER, before.DER)) && (before.Note == "" || now.Note == before.Note)
}

// lastCRL is the last number of a CRL that an issuer has used, zero for none.
func lastCRL(export *register.Export, issuer []byte) *big.Int {
	last := new(big.Int)
	for _, e := range export.Entries {
		if e.Kind == ca.KindCRL && bytes.Equal(e.Issuer, issuer) && e.Number.Cmp(last) > 0 {
			last.Set(e.Number)
		}
	}
	return last
}
