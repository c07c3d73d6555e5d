package custodypage

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/internal/pqx509"
)

// signed is what the register has, parsed.
type signed struct {
	newest      []*x509.RevocationList // of each issuer
	authorities []*x509.Certificate    // of CAs, which are not revoked
	others      int                    // certificates that are not of CAs
}

// read parses what a register has.
func read(entries []register.Entry) (s signed, err error) {
	newest, err := register.NewestCRLs(entries)
	if err != nil {
		return s, err
	}
	for _, issuer := range slices.Sorted(maps.Keys(newest)) {
		s.newest = append(s.newest, newest[issuer])
	}
	for _, e := range entries {
		if e.Kind == ca.KindCRL || e.State() != register.Issued || revoked(e) {
			continue
		}
		cert, err := pqx509.ParseCertificate(e.DER)
		if err != nil {
			return s, fmt.Errorf("%v: %w", e, err)
		}
		if cert.IsCA {
			s.authority(cert)
		} else {
			s.others++
		}
	}
	slices.SortStableFunc(s.authorities, func(a, b *x509.Certificate) int {
		return cmp.Or(cmp.Compare(nameOf(a.RawSubject), nameOf(b.RawSubject)), a.NotAfter.Compare(b.NotAfter))
	})
	return s, nil
}

// authority takes a certificate of a CA in place of an earlier one that says the same of
// the same key, and ends before it.
func (s *signed) authority(cert *x509.Certificate) {
	i := slices.IndexFunc(s.authorities, func(other *x509.Certificate) bool {
		return keySum(other) == keySum(cert) && string(other.RawSubject) == string(cert.RawSubject) && string(other.RawIssuer) == string(cert.RawIssuer)
	})
	switch {
	case i < 0:
		s.authorities = append(s.authorities, cert)
	case cert.NotAfter.After(s.authorities[i].NotAfter):
		s.authorities[i] = cert
	}
}

// revoked says whether the next CRL lists an entry.
func revoked(e register.Entry) bool {
	n := len(e.Revocations)
	return n > 0 && e.Revocations[n-1].Reason != ca.ReasonRemoveFromCRL
}

// keySum is the SHA-256 of the public key of a certificate.
func keySum(cert *x509.Certificate) string {
	return fmt.Sprintf("%x", sha256.Sum256(cert.RawSubjectPublicKeyInfo))
}

// nameOf is a distinguished name for people; DER.
func nameOf(name []byte) string { return ca.DistinguishedName(name) }
