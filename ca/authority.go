package ca

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"conclave/ca/lint"
)

// Authority issues certificates and CRLs.
type Authority struct {
	Certificate *x509.Certificate // nil for a root that is yet to sign itself
	Signer      crypto.Signer
	Publication Publication
	Ledger      Ledger
	// Linter judges what is to be signed.
	Linter lint.Linter
	Rand   io.Reader // for serial numbers; crypto/rand's where nil
}

// Draft is a certificate that was linted, and is ready to be signed.
type Draft struct {
	recipe recipe
	linted *x509.Certificate // signed with a key that is thrown away
}

// TBS gives what is to be signed: the TBSCertificate, DER.
func (d *Draft) TBS() []byte { return bytes.Clone(d.linted.RawTBSCertificate) }

// Serial gives the serial number.
func (d *Draft) Serial() Serial { return SerialOf(d.linted) }

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
	return r.draft(a.Linter)
}

// PrepareCross makes a certificate ready for the name and the key of another
// root; spec.Existing and spec.Subject are taken from it.
func (a Authority) PrepareCross(spec Spec, other *x509.Certificate) (*Draft, error) {
	spec.Existing, spec.Subject = other.Raw, Name{}
	return a.Prepare(spec, other.PublicKey)
}

// PrepareAgain makes a certificate ready that is like an old one of this
// authority's: name, key and extensions stay, serial number and validity are
// new. It is linted as strictly as the old one can be.
func (a Authority) PrepareAgain(old *x509.Certificate, from, until time.Time) (*Draft, error) {
	if err := errors.Join(a.check(), checkPeriod("notBefore", from, "notAfter", until)); err != nil {
		return nil, err
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
	return recipe{template, parent, old.PublicKey, a.Signer.Public(), demands}.draft(a.Linter)
}

// parentOf is the issuer of an old certificate for the new one: the authority's,
// or the old one itself where that is a root.
func (a Authority) parentOf(old *x509.Certificate, from, until time.Time) (*x509.Certificate, error) {
	if sameKey(old.PublicKey, a.Signer.Public()) && old.CheckSignatureFrom(old) == nil {
		return old, nil
	}
	if a.Certificate == nil {
		return nil, fmt.Errorf("certificate %s: it does not sign itself; the certificate of its issuer was expected", SerialOf(old))
	}
	if !bytes.Equal(old.RawIssuer, a.Certificate.RawSubject) || old.CheckSignatureFrom(a.Certificate) != nil {
		return nil, fmt.Errorf("certificate %s: it is not from %s", SerialOf(old), a.Certificate.Subject)
	}
	return a.Certificate, errors.Join(checkIssuer(a.Certificate), Spec{NotBefore: from, NotAfter: until}.checkWithin(a.Certificate))
}

// demandsOf are all that there are, if an old certificate is good by them; those
// of a private PKI else.
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
		return fmt.Errorf("signer: its key is not that of the certificate of %s", a.Certificate.Subject)
	}
	return nil
}

func (a Authority) newSerial() (Serial, error) {
	if a.Rand != nil {
		return NewSerial(a.Rand)
	}
	return NewSerial(rand.Reader)
}

// draft rehearses and lints.
func (r recipe) draft(linter lint.Linter) (*Draft, error) {
	cert, err := r.rehearse()
	if err != nil {
		return nil, err
	}
	found, err := linter.Certificate(cert.Raw, r.demands)
	if err != nil {
		return nil, err
	}
	if err := refused("certificate", found); err != nil {
		return nil, err
	}
	return &Draft{r, cert}, nil
}

// refused makes an error of findings.
func refused(what string, found []lint.Finding) error {
	var problems []error
	for _, f := range found {
		problems = append(problems, fmt.Errorf("%s is refused by a lint: %s", what, f))
	}
	return errors.Join(problems...)
}

// Sign lets the authority's key sign a draft of this authority's, and gives the
// certificate when it is in the ledger.
//
// After any error but ErrNumberUsed it may have been signed; the ledger keeps
// the intent.
func (a Authority) Sign(ctx context.Context, d *Draft) (*x509.Certificate, error) {
	if !sameKey(d.recipe.issuer, a.Signer.Public()) {
		return nil, errors.New("the draft is of another authority; prepare it with this one")
	}
	intent := Intent{
		Kind: KindCertificate, Issuer: d.linted.RawIssuer, Number: d.linted.SerialNumber,
		Subject: distinguishedName(d.linted.RawSubject), TBS: sha256.Sum256(d.linted.RawTBSCertificate), Time: time.Now().UTC(),
	}
	var cert *x509.Certificate
	err := a.record(ctx, intent, func() (der []byte, err error) {
		if cert, err = d.recipe.create(a.Signer); err != nil {
			return nil, err
		}
		return cert.Raw, verify(a.Signer.Public(), cert.SignatureAlgorithm, cert.RawTBSCertificate, d.linted.RawTBSCertificate, cert.Signature)
	})
	if err != nil {
		return nil, err
	}
	return cert, nil
}

// record notes an intent, lets sign do it, and notes what was signed.
func (a Authority) record(ctx context.Context, intent Intent, sign func() ([]byte, error)) error {
	name := fmt.Sprintf("%s %x", intent.Kind, intent.Number)
	if err := a.Ledger.Begin(ctx, intent); err != nil {
		return fmt.Errorf("%s: it was not signed: %w", name, err)
	}
	der, err := sign()
	if err != nil {
		return fmt.Errorf("%s: %w; the ledger keeps that it was about to be signed: settle that, and prepare it again with another number", name, err)
	}
	if err := a.Ledger.Finish(ctx, intent, der); err != nil {
		return fmt.Errorf("%s: it is signed, and the ledger did not take it: %w; keep it: %x", name, err, der)
	}
	return nil
}

// verify wants a signature over exactly what was linted.
func verify(public crypto.PublicKey, algorithm x509.SignatureAlgorithm, signed, linted, signature []byte) error {
	if !bytes.Equal(signed, linted) {
		return errors.New("what was signed is not byte for byte what was linted")
	}
	if err := (&x509.Certificate{PublicKey: public}).CheckSignature(algorithm, signed, signature); err != nil {
		return fmt.Errorf("the signature is not of the authority's key: %w", err)
	}
	return nil
}

// ParseCertificate reads one certificate, PEM or DER.
func ParseCertificate(content []byte) (*x509.Certificate, error) {
	der, err := decode(content, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// ReadCertificate reads a file with one certificate.
func ReadCertificate(path string) (*x509.Certificate, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cert, err := ParseCertificate(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cert, nil
}

// decode gives the DER in a file that is DER, or PEM with one block of one of
// the types.
func decode(content []byte, types ...string) ([]byte, error) {
	block, rest := pem.Decode(content)
	if block == nil {
		return content, nil
	}
	for _, t := range types {
		if block.Type == t && len(bytes.TrimSpace(rest)) == 0 {
			return block.Bytes, nil
		}
	}
	return nil, fmt.Errorf("%s was found in PEM, and %d bytes after it; one %s alone was expected", block.Type, len(rest), cmp.Or(types...))
}
