package ca

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"conclave/internal/pqx509"
)

// reasonNames are those of reason codes, by number (RFC 5280 section 5.3.1); 7 is not
// used.
var reasonNames = []string{
	"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
	"certificateHold", "", "removeFromCRL", "privilegeWithdrawn", "aACompromise",
}

// Reason codes that are unlike the others, RFC 5280 section 5.3.1.
const (
	ReasonCertificateHold = 6 // may be taken back, or become another
	ReasonRemoveFromCRL   = 8 // takes a hold back, and is no revocation
)

// ReasonName names a reason code.
func ReasonName(code int) string {
	if code < 0 || code >= len(reasonNames) || reasonNames[code] == "" {
		return fmt.Sprintf("reason %d", code)
	}
	return reasonNames[code]
}

// ParseReason gives the reason code with a name, as RFC 5280 section 5.3.1 writes it;
// false for another name.
func ParseReason(name string) (code int, known bool) {
	code = slices.Index(reasonNames, name)
	return code, name != "" && code >= 0
}

// newCRLRecipe checks what a good spec and the issuer have in common, and
// chooses the entries.
func newCRLRecipe(spec CRLSpec, number *big.Int, revocations []Revocation, base *x509.RevocationList, issuer *x509.Certificate, publication Publication) (recipe, error) {
	r, err := spec.rules()
	if err != nil {
		return recipe{}, err
	}
	algorithm, err := signatureAlgorithm(issuer.PublicKey)
	if err != nil {
		return recipe{}, err
	}
	if issuer, err = carriedOn(issuer); err != nil {
		return recipe{}, err
	}
	if err := errors.Join(publication.Check(), spec.checkIssuer(issuer), r.checkPostQuantum(nil, issuer), spec.checkBase(number, base, issuer), spec.checkRevocations(revocations)); err != nil {
		return recipe{}, err
	}
	extensions, err := spec.crlExtensions(publication)
	if err != nil {
		return recipe{}, err
	}
	template := &x509.RevocationList{
		SignatureAlgorithm: algorithm, Number: number, ThisUpdate: spec.ThisUpdate.UTC(), NextUpdate: spec.NextUpdate.UTC(),
		RevokedCertificateEntries: entries(revocations, base), ExtraExtensions: extensions,
	}
	return recipe{kind: KindCRL, issuer: issuer.PublicKey, demands: r.demands(), create: func(key crypto.Signer) ([]byte, error) {
		signing := *issuer
		signing.KeyUsage |= x509.KeyUsageCRLSign // which crypto/x509 wants to see
		return pqx509.CreateRevocationList(rand.Reader, template, &signing, key)
	}}, nil
}

func (s CRLSpec) checkIssuer(issuer *x509.Certificate) error {
	if issuer.BasicConstraintsValid && !issuer.IsCA && issuer.KeyUsage&x509.KeyUsageCRLSign == 0 {
		return fmt.Errorf("issuer: %s is not a CA, and its key may not sign CRLs (RFC 5280 section 4.2.1.3)", DistinguishedName(issuer.RawSubject))
	}
	if issuer.KeyUsage != 0 && issuer.KeyUsage&x509.KeyUsageCRLSign == 0 { // without the extension it may do all
		return fmt.Errorf("issuer: the key of %s may not sign CRLs (RFC 5280 section 4.2.1.3); if it is a CA's, make its certificate new first: conclave ca renew", DistinguishedName(issuer.RawSubject))
	}
	if s.ThisUpdate.After(issuer.NotAfter) {
		return fmt.Errorf("thisUpdate: %s, but the certificate of %s ended at %s; make it new first: conclave ca renew", timeText(s.ThisUpdate), DistinguishedName(issuer.RawSubject), timeText(issuer.NotAfter))
	}
	if s.ThisUpdate.Before(issuer.NotBefore) {
		return fmt.Errorf("thisUpdate: %s; a time within the issuer's validity, %s to %s, was expected", timeText(s.ThisUpdate), timeText(issuer.NotBefore), timeText(issuer.NotAfter))
	}
	return nil
}

// checkBase wants a full CRL from before, signed with the same key (RFC 5280
// section 5.2.4).
func (s CRLSpec) checkBase(number *big.Int, base *x509.RevocationList, issuer *x509.Certificate) error {
	switch {
	case s.DeltaOf == 0 && base == nil:
		return nil
	case s.DeltaOf == 0:
		return errors.New("deltaOf: it is missing, but there is a base CRL")
	case base == nil:
		return fmt.Errorf("deltaOf: the full CRL number %d was expected, but there is none", s.DeltaOf)
	case base.Number == nil || base.Number.Cmp(big.NewInt(s.DeltaOf)) != 0:
		return fmt.Errorf("deltaOf: the full CRL number %d was expected, but this is number %v", s.DeltaOf, base.Number)
	case !bytes.Equal(base.RawIssuer, issuer.RawSubject) || !bytes.Equal(base.AuthorityKeyId, issuer.SubjectKeyId):
		return fmt.Errorf("deltaOf: CRL number %d is not signed by %s with the key of its certificate, as its delta CRLs must be", s.DeltaOf, DistinguishedName(issuer.RawSubject))
	case slices.ContainsFunc(base.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidDeltaCRLIndicator) }):
		return fmt.Errorf("deltaOf: CRL number %d is a delta CRL; a full one was expected", s.DeltaOf)
	case number.Cmp(base.Number) <= 0 || s.ThisUpdate.Before(base.ThisUpdate):
		return fmt.Errorf("deltaOf: CRL number %d, of %s, is not before this one", s.DeltaOf, timeText(base.ThisUpdate))
	}
	return nil
}

// checkRevocations refuses a revocation after thisUpdate, which would have to
// be left out.
func (s CRLSpec) checkRevocations(revocations []Revocation) error {
	for _, r := range revocations {
		if seconds(r.Time).After(s.ThisUpdate) {
			return fmt.Errorf("thisUpdate: %s; certificate %x has been revoked since %s, and a time from then on was expected; if that is a mistake, revoke it again with an earlier time", timeText(s.ThisUpdate), r.Serial, timeText(r.Time))
		}
	}
	return nil
}

// crlExtensions are those beside authority key identifier and CRL number. Full
// CRLs name where the newest delta CRL is, if there are any.
func (s CRLSpec) crlExtensions(publication Publication) ([]pkix.Extension, error) {
	if s.DeltaOf > 0 {
		value, err := asn1.Marshal(s.DeltaOf)
		return []pkix.Extension{{Id: oidDeltaCRLIndicator, Critical: true, Value: value}}, err
	}
	if len(publication.DeltaCRL) == 0 {
		return nil, nil
	}
	value, err := distributionPoints(publication.DeltaCRL)
	return []pkix.Extension{{Id: oidFreshestCRL, Value: value}}, err
}

// entries are what a CRL lists, by serial number: a full one all that is
// revoked, a delta CRL what has changed since its base.
func entries(revocations []Revocation, base *x509.RevocationList) []x509.RevocationListEntry {
	listed := bySerial(base)
	var all []x509.RevocationListEntry
	for _, r := range revocations {
		before, inBase := listed[r.Serial.Text(16)]
		if r.belongs(base, before, inBase) {
			all = append(all, x509.RevocationListEntry{SerialNumber: r.Serial, RevocationTime: seconds(r.Time), ReasonCode: r.Reason})
		}
	}
	slices.SortFunc(all, func(a, b x509.RevocationListEntry) int { return a.SerialNumber.Cmp(b.SerialNumber) })
	return all
}

// bySerial are the entries of a CRL by serial number, in hexadecimal; none of nil.
func bySerial(crl *x509.RevocationList) map[string]x509.RevocationListEntry {
	listed := map[string]x509.RevocationListEntry{}
	if crl != nil {
		for _, e := range crl.RevokedCertificateEntries {
			listed[e.SerialNumber.Text(16)] = e
		}
	}
	return listed
}

// belongs says whether a revocation is listed. A certificate that is no longer
// on hold is in no full CRL; delta CRLs say so where their base lists it, or a
// CRL since then may have done (RFC 5280 sections 5.2.4 and 5.3.1).
func (r Revocation) belongs(base *x509.RevocationList, before x509.RevocationListEntry, inBase bool) bool {
	switch {
	case base == nil:
		return r.Reason != ReasonRemoveFromCRL
	case r.Reason == ReasonRemoveFromCRL:
		return inBase || !seconds(r.Time).Before(base.ThisUpdate)
	}
	return !inBase || before.ReasonCode != r.Reason || !before.RevocationTime.Equal(seconds(r.Time))
}

// seconds is a time as certificates have it.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
