package ca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"conclave/ca/lint"
)

// recipe is what a certificate or a CRL is made of, but for the key that signs.
type recipe struct {
	kind    Kind
	issuer  crypto.PublicKey
	demands lint.Demands
	create  func(key crypto.Signer) (der []byte, err error) // lets a key sign
	profile Profile                                         // of a CA's certificate; empty for anything else
	excused []string                                        // lints that what is carried on does not pass either
}

func (r recipe) sign(key crypto.Signer) (Signed, error) {
	der, err := r.create(key)
	if err != nil {
		return Signed{}, err
	}
	return ParseSigned(r.kind, der)
}

// rehearse lets a key that is thrown away sign, with the algorithm of the
// issuer's.
func (r recipe) rehearse() (Signed, error) {
	key, err := lintingKey(r.issuer)
	if err != nil {
		return Signed{}, err
	}
	return r.sign(key)
}

// judge rehearses and lints.
func (r recipe) judge(linter lint.Linter) (Signed, []lint.Finding, error) {
	rehearsed, err := r.rehearse()
	if err != nil {
		return Signed{}, nil, err
	}
	judge := linter.Certificate
	if r.kind == KindCRL {
		judge = linter.CRL
	}
	found, err := judge(rehearsed.DER, r.demands)
	return rehearsed, found, err
}

// draft wants no lint to find anything.
func (r recipe) draft(linter lint.Linter) (draft, error) {
	rehearsed, found, err := r.judge(linter)
	if err != nil {
		return draft{}, err
	}
	return draft{r, rehearsed}, r.refusal(found)
}

// refusal says what lints have found.
func (r recipe) refusal(found []lint.Finding) error {
	what := "certificate"
	if r.kind == KindCRL {
		what = "CRL"
	}
	var problems []error
	for _, f := range found {
		if slices.Contains(r.excused, f.Lint) {
			continue
		}
		problems = append(problems, fmt.Errorf("%s is refused by a lint: %s", what, f))
	}
	return errors.Join(problems...)
}

// draft is what was linted, and is ready to be signed.
type draft struct {
	recipe recipe
	linted Signed // with a key that is thrown away
}

// TBS gives what is to be signed: the TBSCertificate or TBSCertList, DER.
func (d *draft) TBS() []byte { return bytes.Clone(d.linted.TBS) }

// Number gives the serial number, or the CRL number.
func (d *draft) Number() *big.Int { return new(big.Int).Set(d.linted.Number) }

// sign notes an intent, lets the authority's key do it, and notes what was
// signed. The subject is the intent's.
func (a Authority) sign(ctx context.Context, d draft, subject string) (Signed, error) {
	if !sameKey(d.recipe.issuer, a.Signer.Public()) {
		return Signed{}, errors.New("the draft is another authority's; prepare it with this one")
	}
	intent := Intent{
		Kind: d.linted.Kind, Issuer: d.linted.Issuer, Number: d.linted.Number, Subject: subject,
		TBS: sha256.Sum256(d.linted.TBS), Time: time.Now().UTC(),
	}
	name := fmt.Sprintf("%s %x", intent.Kind, intent.Number)
	if err := a.noteProfile(ctx, d); err != nil {
		return Signed{}, fmt.Errorf("%s: it was not signed: the profile: %w", name, err)
	}
	if err := a.Ledger.Begin(ctx, intent); err != nil {
		return Signed{}, fmt.Errorf("%s: it was not signed: %w", name, err)
	}
	signed, err := d.recipe.sign(a.Signer)
	if err == nil {
		err = signed.verify(a.Signer.Public(), d.linted)
	}
	if err != nil {
		return Signed{}, fmt.Errorf("%s: %w; the ledger keeps that it was about to be signed: settle that, and prepare it again with another number", name, err)
	}
	if err := a.Ledger.Finish(ctx, intent, signed.DER); err != nil {
		return Signed{}, fmt.Errorf("%s: it is signed, but the ledger did not take it: %w; keep it: %x", name, err, signed.DER)
	}
	return signed, nil
}

// noteProfile notes what a CA's certificate makes of it, for the CRLs that it will
// sign. A profile that asks for more stays.
func (a Authority) noteProfile(ctx context.Context, d draft) error {
	profile := d.recipe.profile
	if profile == "" {
		return nil
	}
	name := d.linted.certificate.RawSubject
	known, err := a.Ledger.Profile(ctx, name)
	if err != nil || known != "" && (profiles[known].public || !profiles[profile].public) {
		return err
	}
	return a.Ledger.SetProfile(ctx, name, profile)
}
