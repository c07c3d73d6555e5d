package ca

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"conclave/internal/pqx509"
)

// compare compares a CRL that is about to be made with the last one, and gives that;
// nil where none is known.
func (a Authority) compare(ctx context.Context, spec CRLSpec, revocations []Revocation) (*x509.RevocationList, error) {
	problems := []error{spec.checkLength(), a.checkReasons(ctx, spec, revocations)}
	last, full, err := a.lastCRLs(ctx)
	if err != nil {
		return nil, fmt.Errorf("CRL: the last one: %w", err)
	}
	if last != nil && !spec.UnusualDates && spec.ThisUpdate.Before(last.ThisUpdate) {
		problems = append(problems, fmt.Errorf("thisUpdate: %s, but CRL number %d began at %s; a time from then on was expected, unless that CRL was never published; %s", timeText(spec.ThisUpdate), last.Number, timeText(last.ThisUpdate), meantDates))
	}
	if spec.DeltaOf == 0 {
		problems = append(problems, checkGone(revocations, last, full))
	}
	return last, errors.Join(problems...)
}

// checkLength refuses what most likely is a slip of the pen.
func (s CRLSpec) checkLength() error {
	if !s.UnusualDates && s.NextUpdate.After(s.ThisUpdate.AddDate(0, longestPrivateCRL, 0)) {
		return fmt.Errorf("nextUpdate: %s, more than %d years after thisUpdate, %s; until then no one has to look for another CRL; %s", timeText(s.NextUpdate), longestPrivateCRL/12, timeText(s.ThisUpdate), meantDates)
	}
	return nil
}

// checkReasons wants a public CA to say why a CA's certificate was revoked, and one
// of which it is not known what it was.
func (a Authority) checkReasons(ctx context.Context, spec CRLSpec, revocations []Revocation) error {
	archive, ok := a.Ledger.(Archive)
	if !ok || !profiles[spec.Profile].public {
		return nil
	}
	for _, r := range revocations {
		if r.Reason != 0 {
			continue // the linter knows which there may be
		}
		isCA := true
		if der, err := archive.Signed(ctx, a.Certificate.RawSubject, KindCertificate, r.Serial); err == nil {
			cert, err := pqx509.ParseCertificate(der)
			isCA = err != nil || cert.IsCA
		}
		if err := spec.Profile.CheckReason(r.Reason, isCA); err != nil {
			return fmt.Errorf("certificate %x: %w; revoke it again with one", r.Serial, err)
		}
	}
	return nil
}

// lastCRLs are the newest CRL that is known and the newest full one: the base of it
// if that is a delta CRL, otherwise the same.
func (a Authority) lastCRLs(ctx context.Context) (last, full *x509.RevocationList, err error) {
	archive, ok := a.Ledger.(Archive)
	if !ok {
		return nil, nil, nil
	}
	der, err := archive.NewestCRL(ctx, a.Certificate.RawSubject)
	if err != nil || der == nil {
		return nil, nil, err
	}
	if last, err = pqx509.ParseRevocationList(der); err != nil {
		return nil, nil, err
	}
	base, err := baseOf(last)
	if err != nil || base == nil {
		return last, last, err
	}
	if der, err = archive.Signed(ctx, a.Certificate.RawSubject, KindCRL, base); err == nil {
		full, err = pqx509.ParseRevocationList(der)
	}
	return last, full, err
}

// baseOf is the number of the full CRL that a delta CRL is for, nil for a full one
// (RFC 5280 section 5.2.4).
func baseOf(crl *x509.RevocationList) (base *big.Int, err error) {
	for _, e := range crl.Extensions {
		if e.Id.Equal(oidDeltaCRLIndicator) {
			_, err = asn1.Unmarshal(e.Value, &base)
		}
	}
	return base, err
}

// checkGone wants all that earlier CRLs list to be known as revoked, or as no longer
// on hold. A certificate that has ended stays listed here, which RFC 5280 section 3.3
// allows.
func checkGone(revocations []Revocation, earlier ...*x509.RevocationList) error {
	known := map[string]bool{} // by serial number
	for _, r := range revocations {
		known[r.Serial.Text(16)] = true
	}
	gone := []string{}
	for _, crl := range earlier {
		if crl == nil {
			continue
		}
		for _, e := range crl.RevokedCertificateEntries {
			if serial := e.SerialNumber.Text(16); e.ReasonCode != ReasonRemoveFromCRL && !known[serial] {
				known[serial] = true // told of once
				gone = append(gone, serial)
			}
		}
	}
	if len(gone) == 0 {
		return nil
	}
	const shown = 10
	more := ""
	if len(gone) > shown {
		more = fmt.Sprintf(" and %d more", len(gone)-shown)
		gone = gone[:shown]
	}
	return fmt.Errorf("the last CRL lists certificates that the ledger does not have as revoked: %s%s; the new one would make them good again; note them first", strings.Join(gone, ", "), more)
}
