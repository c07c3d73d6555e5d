package ca

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"filippo.io/mldsa"

	"conclave/ca/lint"
	"conclave/internal/keycheck"
)

// Renewal says what is new about a certificate that takes the place of an old one.
type Renewal struct {
	NotBefore, NotAfter time.Time
	// KeepSerial keeps a root's serial number, for the sake of certificates that name it
	// (see NamesNumberOf): RFC 5280 section 4.1.2.2 wants another one, so the old root must
	// go wherever the new one comes.
	KeepSerial bool
}

// PrepareRenewal makes a certificate ready that takes the place of an old one: a
// root's, or one that this authority has issued. Name, key and key identifier stay
// byte for byte, so that what the old one has issued is good under the new one.
// Serial number (unless it is kept), validity and the signature's hash are new; what
// says that it is a CA, what its key is for and by which key it is signed is said as
// RFC 5280 wants it. The authority's URLs replace the old ones, kind by kind, but for a
// root, which no one looks up anywhere; all else stays.
//
// Its key must be sound, but need not be one that a new certificate would be issued
// for; and it is linted as strictly as the old one can be.
func (a Authority) PrepareRenewal(old *x509.Certificate, spec Renewal) (*Draft, error) {
	if err := errors.Join(a.check(), a.Publication.Check(), spec.check(old)); err != nil {
		return nil, err
	}
	parent, err := a.parentOf(old, spec)
	if err != nil {
		return nil, err
	}
	extensions, err := renewedExtensions(old, parent, a.Publication)
	if err != nil {
		return nil, err
	}
	template, err := a.anew(old, spec.NotBefore, spec.NotAfter, extensions)
	if err != nil {
		return nil, err
	}
	r := certificateRecipe(template, parent, old.PublicKey, a.Signer.Public(), lint.Private)
	if spec.KeepSerial {
		r.kind, template.SerialNumber = KindRenewal, old.SerialNumber
	}
	if r.demands, r.excused, err = a.demandsOf(old, spec.NotBefore); err != nil {
		return nil, err
	}
	return a.draft(r)
}

// anew is a certificate with the name of an old one, and a number and a signature of
// its own.
func (a Authority) anew(old *x509.Certificate, from, until time.Time, extensions []pkix.Extension) (*x509.Certificate, error) {
	algorithm, err := signatureAlgorithm(a.Signer.Public())
	if err != nil {
		return nil, err
	}
	serial, err := a.newSerial()
	return &x509.Certificate{
		SignatureAlgorithm: algorithm, SerialNumber: serial.number, RawSubject: old.RawSubject,
		NotBefore: from.UTC(), NotAfter: until.UTC(), ExtraExtensions: extensions,
	}, err
}

// check wants a key that is not worthless, and a validity such as new certificates of
// its kind may have.
func (r Renewal) check(old *x509.Certificate) error {
	validity := rules{longest: longestOCSP}
	if saysCA(old) {
		validity.longest = longestPrivate
	}
	if err := errors.Join(keycheck.Sound(old.PublicKey), checkMayBeCA(old)); err != nil { // the rules for new keys came after it
		return fmt.Errorf("certificate %s: %w", SerialOf(old), err)
	}
	if r.KeepSerial && !isRoot(old) {
		return fmt.Errorf("certificate %s: it is not a root's, and its issuer could not revoke one of two that have one serial number; leave out that it is kept", SerialOf(old))
	}
	return validity.checkValidity(r.NotBefore, r.NotAfter)
}

// saysCA says whether a certificate is a CA's: it says so itself, or it is from before
// certificates did, and signs itself.
func saysCA(cert *x509.Certificate) bool {
	return cert.BasicConstraintsValid && cert.IsCA || !cert.BasicConstraintsValid && isRoot(cert)
}

// checkMayBeCA refuses to make a CA of what was none.
func checkMayBeCA(old *x509.Certificate) error {
	if saysCA(old) && old.KeyUsage != 0 && old.KeyUsage&x509.KeyUsageCertSign == 0 {
		return errors.New("its key may not sign certificates, so that it is not a CA's (RFC 5280 section 4.2.1.3)")
	}
	if isRoot(old) && !saysCA(old) {
		return errors.New("it signs itself, and says that it is not a CA's (RFC 5280 section 4.2.1.9)")
	}
	return nil
}

// parentOf is the issuer of an old certificate for the new one: the authority's,
// or the old one itself if that is a root.
func (a Authority) parentOf(old *x509.Certificate, spec Renewal) (*x509.Certificate, error) {
	if isRoot(old) && sameKey(old.PublicKey, a.Signer.Public()) {
		if err := CheckIssued(old, old); err != nil {
			return nil, fmt.Errorf("certificate %s: %w", SerialOf(old), err)
		}
		return old, nil
	}
	if a.Certificate == nil {
		return nil, fmt.Errorf("certificate %s: it does not sign itself; the certificate of its issuer was expected", SerialOf(old))
	}
	if err := CheckIssued(old, a.Certificate); err != nil {
		return nil, fmt.Errorf("certificate %s: %w", SerialOf(old), err)
	}
	return a.Certificate, errors.Join(keycheck.Sound(a.Certificate.PublicKey), checkIssuer(a.Certificate), Spec{NotBefore: spec.NotBefore, NotAfter: spec.NotAfter}.checkWithin(a.Certificate))
}

// demandsOf are all demands, if the old certificate would meet them today; otherwise
// those of a private PKI, but for the lints that it does not pass: no renewal can mend a
// key or a name.
func (a Authority) demandsOf(old *x509.Certificate, from time.Time) (lint.Demands, []string, error) {
	today, err := a.today(old, from)
	if err != nil {
		return "", nil, err
	}
	found, err := a.Linter.Certificate(today, lint.Public)
	if err != nil || len(found) == 0 {
		return lint.Public, nil, err
	}
	found, err = a.Linter.Certificate(today, lint.Private)
	return lint.Private, lintsOf(found), err
}

// today is a certificate that exists as it would be issued today, DER: with another
// number and beginning, but valid for as long as it was, and signed by a key that is
// thrown away. Most lints look at certificates of their own time alone.
func (a Authority) today(old *x509.Certificate, from time.Time) ([]byte, error) {
	template, err := a.anew(old, from, from.Add(old.NotAfter.Sub(old.NotBefore)), old.Extensions)
	if err != nil {
		return nil, err
	}
	rehearsed, err := certificateRecipe(template, &x509.Certificate{RawSubject: old.RawIssuer}, old.PublicKey, a.Signer.Public(), lint.Private).rehearse()
	return rehearsed.DER, err
}

// lintsOf are the lints that have found something.
func lintsOf(found []lint.Finding) (all []string) {
	for _, f := range found {
		all = append(all, f.Lint)
	}
	return all
}

// Extensions that every CA's certificate has, RFC 5280 section 4.2.1, and those that
// name where its issuer publishes.
var (
	oidSubjectKeyID     = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidAuthorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidAuthorityInfo    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1}
	oidOCSPAccess       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1}
	oidIssuersAccess    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 2}
)

// renewal collects the extensions of a renewed certificate; those that it replaces
// stay where they were.
type renewal struct {
	extensions []pkix.Extension
	err        error // the first
}

func (r *renewal) set(oid asn1.ObjectIdentifier, critical bool, value any) {
	der, err := asn1.Marshal(value)
	r.put(pkix.Extension{Id: oid, Critical: critical, Value: der}, err)
}

func (r *renewal) put(e pkix.Extension, err error) {
	r.err = cmp.Or(r.err, err)
	if i := slices.IndexFunc(r.extensions, func(old pkix.Extension) bool { return old.Id.Equal(e.Id) }); i >= 0 {
		r.extensions[i] = e
		return
	}
	r.extensions = append(r.extensions, e)
}

// renewedExtensions are those of an old certificate, in order.
func renewedExtensions(old, issuer *x509.Certificate, p Publication) ([]pkix.Extension, error) {
	own, err := keyIdentifier(old)
	if err != nil {
		return nil, err
	}
	issuers, err := keyIdentifier(issuer)
	if err != nil {
		return nil, err
	}
	r := renewal{extensions: slices.Clone(old.Extensions)}
	if saysCA(old) {
		r.set(oidBasicConstraints, true, basicConstraints{true, pathLen(old)})
		usage := old.KeyUsage | x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		if _, ok := old.PublicKey.(*mldsa.PublicKey); ok {
			usage &^= enciphering // RFC 9881 section 5
		}
		r.set(oidKeyUsage, true, keyUsage(usage))
	}
	if len(old.SubjectKeyId) == 0 {
		r.set(oidSubjectKeyID, false, own)
	}
	// The key's identifier alone: an issuer's serial number, which others add, is not
	// that of the issuer's next certificate.
	r.set(oidAuthorityKeyID, false, struct {
		KeyID []byte `asn1:"tag:0"`
	}{issuers})
	if CheckIssued(old, old) != nil {
		r.publish(old, p)
	}
	return r.extensions, r.err
}

// pathLen is that of a certificate, -1 for none.
func pathLen(cert *x509.Certificate) int {
	if cert.BasicConstraintsValid && (cert.MaxPathLen > 0 || cert.MaxPathLenZero) {
		return cert.MaxPathLen
	}
	return -1
}

// keyUsage is the BIT STRING of RFC 5280 section 4.2.1.3, without zeros at its end.
func keyUsage(usage x509.KeyUsage) asn1.BitString {
	bits := asn1.BitString{Bytes: make([]byte, 2)}
	for i := range 9 {
		if usage&(1<<i) != 0 {
			bits.Bytes[i/8] |= 0x80 >> (i % 8)
			bits.BitLength = i + 1
		}
	}
	bits.Bytes = bits.Bytes[:(bits.BitLength+7)/8]
	return bits
}

// accessDescription is RFC 5280 section 4.2.2.1's.
type accessDescription struct {
	Method   asn1.ObjectIdentifier
	Location asn1.RawValue
}

// publish replaces the URLs that there are new ones for.
func (r *renewal) publish(old *x509.Certificate, p Publication) {
	if len(p.CRL) > 0 {
		value, err := distributionPoints(p.CRL)
		r.put(pkix.Extension{Id: oidCRLDistributionPoints, Value: value}, err)
	}
	if len(p.Certificate)+len(p.OCSP) == 0 {
		return
	}
	var places []accessDescription
	for _, e := range old.Extensions {
		if e.Id.Equal(oidAuthorityInfo) {
			_, err := asn1.Unmarshal(e.Value, &places)
			r.err = cmp.Or(r.err, err)
		}
	}
	for _, given := range []struct {
		method asn1.ObjectIdentifier
		urls   URLs
	}{{oidOCSPAccess, p.OCSP}, {oidIssuersAccess, p.Certificate}} {
		if len(given.urls) > 0 {
			places = slices.DeleteFunc(places, func(d accessDescription) bool { return d.Method.Equal(given.method) })
		}
		for _, text := range given.urls {
			places = append(places, accessDescription{given.method, uri(text)})
		}
	}
	r.set(oidAuthorityInfo, false, places)
}

// NamesNumberOf says whether a certificate names its issuer's by serial number
// (RFC 5280 section 4.2.1.1), as OpenSSL writes it under an issuer without a key
// identifier, and easy-rsa always: OpenSSL and Java do not take it to be from a
// certificate of that issuer's with another number.
func NamesNumberOf(cert, issuer *x509.Certificate) bool {
	for _, e := range cert.Extensions {
		var id struct {
			KeyID  []byte        `asn1:"optional,tag:0"`
			Issuer asn1.RawValue `asn1:"optional,tag:1"`
			Number asn1.RawValue `asn1:"optional,tag:2"`
		}
		if e.Id.Equal(oidAuthorityKeyID) {
			_, err := asn1.Unmarshal(e.Value, &id)
			return err == nil && len(id.Number.Bytes) > 0 && bytes.Equal(bytes.TrimLeft(id.Number.Bytes, "\x00"), issuer.SerialNumber.Bytes())
		}
	}
	return false
}
