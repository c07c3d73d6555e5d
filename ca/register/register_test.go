package register

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ca"
)

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// authority signs what the tests put into registers.
type authority struct {
	key  ed25519.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB, name string) authority {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	a := authority{key: ed25519.NewKeyFromSeed(seed[:])}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: day, NotAfter: day.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: seed[:20]}
	der, err := x509.CreateCertificate(nil, template, template, a.key.Public(), a.key)
	if err == nil {
		a.cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a authority) name() []byte { return a.cert.RawSubject }

// signed is an intent with what belongs to it.
type signed struct {
	ca.Intent
	der []byte
}

func (a authority) certificate(t testing.TB, serial int64) signed {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "<leaf> & co"}, NotBefore: day, NotAfter: day.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(nil, template, a.cert, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return a.intent(t, ca.KindCertificate, serial, der, "CN=<leaf> & co")
}

func (a authority) crl(t testing.TB, number int64) signed {
	t.Helper()
	der, err := x509.CreateRevocationList(nil, &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: day, NextUpdate: day.AddDate(0, 1, 0)}, a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return a.intent(t, ca.KindCRL, number, der, "full")
}

// make is a certificate or a CRL.
func (a authority) make(t testing.TB, kind ca.Kind, number int64) signed {
	t.Helper()
	if kind == ca.KindCRL {
		return a.crl(t, number)
	}
	return a.certificate(t, number)
}

// intent hashes the TBS part without the package's help: it is the first element
// in the outer one.
func (a authority) intent(t testing.TB, kind ca.Kind, number int64, der []byte, subject string) signed {
	t.Helper()
	var outer struct {
		TBS       asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	_, err := asn1.Unmarshal(der, &outer)
	must(t, err)
	return signed{ca.Intent{Kind: kind, Issuer: a.name(), Number: big.NewInt(number), Subject: subject,
		TBS: sha256.Sum256(outer.TBS.FullBytes), Time: day}, der}
}

func newRegister(t testing.TB) *Register {
	t.Helper()
	r, err := Create(filepath.Join(t.TempDir(), "register"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func open(t testing.TB, path string) *Register {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func closed(t testing.TB, r *Register) (path string) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return r.path
}

// tester is what testing.TB and rapid.T have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
}

func must(t tester, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wantError wants an error that names the register and has all the texts.
func wantError(t testing.TB, r *Register, err error, texts ...string) {
	t.Helper()
	for _, text := range append(texts, r.path) {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v; one with %q was expected", err, text)
		}
	}
}

func export(t testing.TB, r *Register) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, r.Export(context.Background(), &b))
	return b.Bytes()
}

func filled(t testing.TB) *Register {
	t.Helper()
	r := newRegister(t)
	fill(t, r)
	for _, issuer := range issuersOf(t) {
		must(t, r.setIssuer(issuer))
	}
	return r
}

// fill gives a register an entry of each state, and its revocations.
func fill(t testing.TB, r *Register) {
	t.Helper()
	ctx, a := context.Background(), newAuthority(t, "Root")
	for number := range int64(3) {
		for _, kind := range []ca.Kind{ca.KindCertificate, ca.KindCRL} {
			s := a.make(t, kind, 2+number)
			must(t, r.Begin(ctx, s.Intent))
			switch number {
			case 0:
				must(t, r.Finish(ctx, s.Intent, s.der))
			case 1:
				must(t, r.Settle(ctx, s.Issuer, s.Kind, s.Number, "the card was never asked; A. and B., 2 March 2026"))
			}
		}
	}
	must(t, r.Import(ctx, a.cert))
	for serial, reasons := range map[int64][]int{2: {certificateHold, removeFromCRL, 1}, 4: {certificateHold}} {
		for i, reason := range reasons {
			must(t, r.Revoke(ctx, a.name(), ca.Revocation{Serial: big.NewInt(serial), Time: day.AddDate(0, 0, i), Reason: reason}))
		}
	}
}

// issuersOf are what is noted of issuers in tests that need some.
func issuersOf(t testing.TB) []Issuer {
	root, other := newAuthority(t, "Root").name(), newAuthority(t, "Other").name()
	return []Issuer{{root, "", true}, {other, ca.Subordinate, false}, {root, ca.CABFRoot, true}, {root, ca.CABFRoot, false}}
}
