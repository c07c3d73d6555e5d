package ca_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ca/lint/zlint"
	"conclave/internal/foreign"
)

// at is a CRL that begins so many hours after all.
func at(hours int, change func(*ca.CRLSpec)) ca.CRLSpec {
	from := began.Add(time.Duration(hours) * time.Hour)
	s := ca.CRLSpec{ThisUpdate: from, NextUpdate: from.AddDate(0, 1, 0)}
	change(&s)
	return s
}

func asItIs(*ca.CRLSpec) {}

// TestCRLAfterTheLast compares CRLs with the last one: its beginning, and what it
// lists.
func TestCRLAfterTheLast(t *testing.T) {
	a := newAuthority(t, ca.Root, newKey(t))
	m := a.Ledger.(*memory)
	var certs [3]*x509.Certificate
	for i := range certs {
		certs[i] = issue(t, a, spec(ca.Subordinate), newKey(t).Public())
	}
	bad, held, late := certs[0], certs[1], certs[2]
	revoke(a, bad, 1, 1)
	revoke(a, held, 1, 6)
	list(t, a, 5, ca.CRLSpec{})
	revoke(a, late, 2, 4)
	revoke(a, held, 3, 8)
	for _, good := range []ca.CRLSpec{at(5, asItIs), at(4, func(s *ca.CRLSpec) { s.UnusualDates = true })} {
		if _, err := a.PrepareCRL(t.Context(), good); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	_, err := a.PrepareCRL(t.Context(), at(4, asItIs))
	mustSay(t, "PrepareCRL", err, "but CRL number 1 began at "+began.Add(5*time.Hour).Format(time.RFC3339))

	all := m.revocations
	m.revocations = all[1:]
	_, err = a.PrepareCRL(t.Context(), at(6, asItIs))
	mustSay(t, "PrepareCRL", err, "does not have as revoked: "+bad.SerialNumber.Text(16))
	m.revocations = all
	list(t, a, 7, ca.CRLSpec{DeltaOf: 1})
	for _, lost := range []int{0, 2} { // one that the base lists, and one that the delta CRL does
		m.revocations = append(append([]ca.Revocation{}, all[:lost]...), all[lost+1:]...)
		_, err = a.PrepareCRL(t.Context(), at(8, asItIs))
		mustSay(t, "PrepareCRL", err, "does not have as revoked: "+all[lost].Serial.Text(16))
	}
	m.revocations = nil
	for serial := range int64(12) {
		m.revocations = append(m.revocations, ca.Revocation{Serial: big.NewInt(serial), Time: began, Reason: 1})
	}
	m.signed = map[string][]byte{"crl 2": list(t, withLedger(a, m.revocations), 7, ca.CRLSpec{}).Raw}
	m.revocations = nil
	_, err = a.PrepareCRL(t.Context(), at(8, asItIs))
	mustSay(t, "PrepareCRL", err, "as revoked: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more;")
}

// withLedger is the authority with a ledger of its own.
func withLedger(a ca.Authority, revocations []ca.Revocation) ca.Authority {
	m := newMemory()
	m.revocations = revocations
	a.Ledger = m
	return a
}

// TestCRLAndClock compares CRLs with the clock.
func TestCRLAndClock(t *testing.T) {
	now := began.Add(24 * time.Hour)
	for want, s := range map[string]ca.CRLSpec{
		"":            at(48, asItIs),
		"thisUpdate:": at(49, asItIs),
		"nextUpdate:": at(0, func(s *ca.CRLSpec) { s.NextUpdate = now }),
	} {
		if err := s.CheckClock(now); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: %v; %q was expected", s, err, want)
		}
		s.UnusualDates = true
		if err := s.CheckClock(now); err != nil {
			t.Errorf("%v, unusual dates: %v", s, err)
		}
	}
	a := newAuthority(t, ca.Root, newKey(t))
	if _, err := a.PrepareCRL(t.Context(), at(1, func(s *ca.CRLSpec) { s.UnusualDates, s.NextUpdate = true, s.ThisUpdate.AddDate(10, 0, 0) })); err != nil {
		t.Errorf("ten years that are meant: %v", err)
	}
}

// TestReasonOfAPublicCA wants a reason for each CA that was revoked, and none for a
// responder.
func TestReasonOfAPublicCA(t *testing.T) {
	a := newAuthority(t, ca.CABFRoot, newKey(t))
	sub, responder := issue(t, a, spec(ca.CABFSubordinate), newKey(t).Public()), issue(t, a, spec(ca.CABFOCSP), newKey(t).Public())
	revoke(a, responder, 1, 0)
	list(t, a, 2, ca.CRLSpec{})
	revoke(a, sub, 1, 0)
	_, err := a.PrepareCRL(t.Context(), at(3, asItIs))
	mustSay(t, "PrepareCRL", err, "certificate "+sub.SerialNumber.Text(16)+": a public CA gives a reason")
	revoke(a, sub, 1, 5)
	list(t, a, 3, ca.CRLSpec{})
	m := a.Ledger.(*memory)
	m.revocations = append(m.revocations, ca.Revocation{Serial: big.NewInt(0xc0ffee), Time: began})
	_, err = a.PrepareCRL(t.Context(), at(4, asItIs))
	mustSay(t, "PrepareCRL", err, "certificate c0ffee: a public CA gives a reason") // it may have been a CA's
}

// TestCRLOfRootWithoutKeyUsage signs with a root that OpenSSL made as it makes them:
// without the extension, its key may do all (RFC 5280 section 4.2.1.3).
func TestCRLOfRootWithoutKeyUsage(t *testing.T) {
	foreign.Need(t, "openssl", "certtool")
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Acme Root"}, NotBefore: began, NotAfter: began.AddDate(20, 0, 0),
		IsCA: true, BasicConstraintsValid: true, SubjectKeyId: []byte{1, 2, 3, 4}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := ca.Authority{Certificate: cert, Signer: key, Ledger: newMemory(), Linter: zlint.Linter{}, Publication: published()}
	sub := issue(t, a, spec(ca.Subordinate), newKey(t).Public())
	revoke(a, sub, 1, 1)
	f := newFolder(t)
	root, crl := f.certificates("root.pem", cert), f.crls("crl.pem", list(t, a, 2, ca.CRLSpec{}))
	if out := mustRun(t, "openssl", "crl", "-in", crl, "-noout", "-CAfile", root); !strings.Contains(out, "verify OK") {
		t.Errorf("openssl crl: %s", out)
	}
	mustFail(t, "certificate revoked", "openssl", "verify", "-crl_check", "-CAfile", root, "-CRLfile", crl, f.certificates("sub.pem", sub))
	mustRun(t, "certtool", "--verify-crl", "--load-ca-certificate", root, "--infile", crl)
	if cert.KeyUsage != 0 {
		t.Error("the certificate was changed")
	}
}
