package ca

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"

	"conclave/ca/lint"
	"conclave/internal/keycheck"
	"conclave/internal/safefile"
)

// Authority issues certificates and CRLs.
type Authority struct {
	Certificate *x509.Certificate // nil for a root that is yet to sign itself
	Signer      crypto.Signer
	Publication Publication
	Ledger      Ledger
	// Linter judges what is to be signed.
	Linter lint.Linter
	Rand   io.Reader // for serial numbers; crypto/rand's if nil
}

// Draft is a certificate that was linted, and is ready to be signed.
type Draft struct {
	draft
	notes []string // what people should know beside what it says
}

// Prepare makes a certificate ready for a subject's key; a root's is the
// signer's. The ledger is not asked.
func (a Authority) Prepare(spec Spec, public crypto.PublicKey) (*Draft, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if a.Certificate == nil && !sameKey(public, a.Signer.Public()) {
		return nil, errors.New("key: it is not the signer's; a root signs its own")
	}
	if spec.Serial.IsZero() {
		serial, err := a.newSerial()
		if err != nil {
			return nil, err
		}
		spec.Serial = serial
	}
	r, err := newRecipe(spec, public, a.Certificate, a.Publication)
	if err != nil {
		return nil, err
	}
	if r.excused, err = a.excused(spec, r); err != nil {
		return nil, err
	}
	rehearsed, found, err := r.judge(a.Linter)
	if err != nil {
		return nil, err
	}
	notes := append(spec.notes(), spec.leftOut()...)
	if r.demands == lint.Private {
		inSubject, inIssuer, err := a.inNames(spec, public, found)
		if err != nil {
			return nil, err
		}
		for _, f := range inSubject {
			notes = append(notes, "a lint found this in the subject, which is carried on as it is: "+f.String())
		}
		r.excused = slices.Concat(r.excused, lintsOf(inSubject), lintsOf(inIssuer))
	}
	if err := r.refusal(found); err != nil {
		return nil, err
	}
	return &Draft{draft{r, rehearsed}, notes}, nil
}

// inNames are those of findings that lints have in names alone that are carried on: in
// the subject, where lints need not like it, and in the issuer's name, which exists. A
// certificate with another name does not have them.
func (a Authority) inNames(spec Spec, public crypto.PublicKey, found []lint.Finding) (inSubject, inIssuer []lint.Finding, err error) {
	other := Name{CommonName: spec.Serial.String()}
	if len(found) > 0 && spec.exempt() {
		renamed := spec
		renamed.RawSubject, renamed.Subject = nil, other
		inSubject, err = a.notFound(renamed, public, found)
	}
	if len(found) > len(inSubject) && a.Certificate != nil && err == nil {
		issuer := *a.Certificate
		issuer.RawSubject, a.Certificate = other.DER(), &issuer
		inIssuer, err = a.notFound(spec, public, found)
	}
	return inSubject, inIssuer, err
}

// notFound are those of findings that lints do not have in the certificate of a spec.
func (a Authority) notFound(spec Spec, public crypto.PublicKey, found []lint.Finding) ([]lint.Finding, error) {
	r, err := newRecipe(spec, public, a.Certificate, a.Publication)
	if err != nil {
		return nil, err
	}
	_, other, err := r.judge(a.Linter)
	return slices.DeleteFunc(slices.Clone(found), func(f lint.Finding) bool {
		return slices.ContainsFunc(other, func(o lint.Finding) bool { return o.Lint == f.Lint })
	}), err
}

// excused are the lints that a root which is cross-signed does not pass itself: its
// name and its key are carried on.
func (a Authority) excused(spec Spec, r recipe) ([]string, error) {
	existing := spec.existing()
	if existing == nil || r.demands != lint.Private {
		return nil, nil
	}
	today, err := a.today(existing, spec.NotBefore)
	if err != nil {
		return nil, err
	}
	found, err := a.Linter.Certificate(today, lint.Private)
	return lintsOf(found), err
}

// draft rehearses and lints a certificate.
func (a Authority) draft(r recipe) (*Draft, error) {
	d, err := r.draft(a.Linter)
	if err != nil {
		return nil, err
	}
	return &Draft{d, nil}, nil
}

// PrepareCross makes a certificate ready for the name and the key of another
// root; spec.Existing and spec.Subject are taken from it.
func (a Authority) PrepareCross(spec Spec, other *x509.Certificate) (*Draft, error) {
	spec.Existing, spec.Subject = other.Raw, Name{}
	return a.Prepare(spec, other.PublicKey)
}

// check wants a signer that belongs to the certificate.
func (a Authority) check() error {
	if a.Signer.Public() == nil {
		return errors.New("signer: its key is of a kind, or on a curve, that is not supported in certificates; " + keycheck.Certifiable + " was expected")
	}
	if a.Certificate != nil && !sameKey(a.Certificate.PublicKey, a.Signer.Public()) {
		return fmt.Errorf("signer: its key is not that of the certificate of %s", DistinguishedName(a.Certificate.RawSubject))
	}
	return nil
}

func (a Authority) newSerial() (Serial, error) {
	if a.Rand != nil {
		return NewSerial(a.Rand)
	}
	return NewSerial(rand.Reader)
}

// Sign lets the authority's key sign a draft of this authority's, and gives the
// certificate once it is in the ledger.
//
// After any error but ErrNumberUsed it may have been signed; the ledger keeps
// the intent.
func (a Authority) Sign(ctx context.Context, d *Draft) (*x509.Certificate, error) {
	signed, err := a.sign(ctx, d.draft, DistinguishedName(d.linted.certificate.RawSubject))
	return signed.certificate, err
}

// ParseCertificate reads one certificate: DER, PEM with whatever text around it, or
// base64.
func ParseCertificate(content []byte) (*x509.Certificate, error) {
	der, err := CertificateDER(content)
	if err != nil {
		return nil, err
	}
	return parseCertificate(der)
}

// ReadCertificate reads a file with one certificate.
func ReadCertificate(path string) (*x509.Certificate, error) {
	content, err := safefile.Read(path, MaxFile)
	if err != nil {
		return nil, err
	}
	cert, err := ParseCertificate(content)
	if _, unread := errors.AsType[*Unreadable](err); unread {
		return nil, fmt.Errorf("%s: it cannot be read here: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cert, nil
}
