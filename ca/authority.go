package ca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

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
	rehearsed, found, err := r.judge(a.Linter)
	if err != nil {
		return nil, err
	}
	notes := append(spec.notes(), spec.leftOut()...)
	if spec.exempt() && r.demands == lint.Private && len(found) > 0 {
		inName, err := a.inName(spec, public, found)
		if err != nil {
			return nil, err
		}
		for _, f := range inName {
			notes = append(notes, "a lint found this in the subject, which is carried on as it is: "+f.String())
		}
		found = slices.DeleteFunc(found, func(f lint.Finding) bool { return slices.Contains(inName, f) })
	}
	if err := r.refusal(found); err != nil {
		return nil, err
	}
	return &Draft{draft{r, rehearsed}, notes}, nil
}

// inName are those of findings that lints have in the name alone: a certificate with
// another one does not have them.
func (a Authority) inName(spec Spec, public crypto.PublicKey, found []lint.Finding) ([]lint.Finding, error) {
	spec.RawSubject, spec.Subject = nil, Name{CommonName: spec.Serial.String()}
	r, err := newRecipe(spec, public, a.Certificate, a.Publication)
	if err != nil {
		return nil, err
	}
	_, other, err := r.judge(a.Linter)
	return slices.DeleteFunc(slices.Clone(found), func(f lint.Finding) bool {
		return slices.ContainsFunc(other, func(o lint.Finding) bool { return o.Lint == f.Lint })
	}), err
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

// PrepareAgain makes a certificate ready that is like an old one of this
// authority's: name, key and extensions stay, serial number and validity are
// new. Its key must be sound, but need not be one that a new certificate would be
// issued for; and it is linted as strictly as the old one can be.
func (a Authority) PrepareAgain(old *x509.Certificate, from, until time.Time) (*Draft, error) {
	if err := errors.Join(a.check(), checkPeriod("notBefore", from, "notAfter", until)); err != nil {
		return nil, err
	}
	if err := keycheck.Sound(old.PublicKey); err != nil { // the rules for new keys came after it
		return nil, fmt.Errorf("certificate %s: %w", SerialOf(old), err)
	}
	parent, err := a.parentOf(old, from, until)
	if err != nil {
		return nil, err
	}
	algorithm, err := signatureAlgorithm(a.Signer.Public())
	if err != nil {
		return nil, err
	}
	serial, err := a.newSerial()
	if err != nil {
		return nil, err
	}
	demands, err := a.demandsOf(old)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SignatureAlgorithm: algorithm, SerialNumber: serial.number, RawSubject: old.RawSubject,
		NotBefore: from.UTC(), NotAfter: until.UTC(), ExtraExtensions: old.Extensions,
	}
	return a.draft(certificateRecipe(template, parent, old.PublicKey, a.Signer.Public(), demands))
}

// parentOf is the issuer of an old certificate for the new one: the authority's,
// or the old one itself if that is a root.
func (a Authority) parentOf(old *x509.Certificate, from, until time.Time) (*x509.Certificate, error) {
	if sameKey(old.PublicKey, a.Signer.Public()) && old.CheckSignatureFrom(old) == nil {
		return old, nil
	}
	if a.Certificate == nil {
		return nil, fmt.Errorf("certificate %s: it does not sign itself; the certificate of its issuer was expected", SerialOf(old))
	}
	if !bytes.Equal(old.RawIssuer, a.Certificate.RawSubject) || old.CheckSignatureFrom(a.Certificate) != nil {
		return nil, fmt.Errorf("certificate %s: it is not from %s", SerialOf(old), DistinguishedName(a.Certificate.RawSubject))
	}
	return a.Certificate, errors.Join(keycheck.Sound(a.Certificate.PublicKey), checkIssuer(a.Certificate), Spec{NotBefore: from, NotAfter: until}.checkWithin(a.Certificate))
}

// demandsOf are all demands, if an old certificate meets them; otherwise those
// of a private PKI.
func (a Authority) demandsOf(old *x509.Certificate) (lint.Demands, error) {
	found, err := a.Linter.Certificate(old.Raw, lint.Public)
	if err != nil || len(found) > 0 {
		return lint.Private, err
	}
	return lint.Public, nil
}

// check wants a signer that belongs to the certificate.
func (a Authority) check() error {
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
	der, err := decode(content, formCertificate)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if err := keycheck.Length(cert.PublicKey); err != nil {
		return nil, err
	}
	return cert, nil
}

// ReadCertificate reads a file with one certificate.
func ReadCertificate(path string) (*x509.Certificate, error) {
	content, err := safefile.Read(path, MaxFile)
	if err != nil {
		return nil, err
	}
	cert, err := ParseCertificate(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cert, nil
}
