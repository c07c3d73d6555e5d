package zlint_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ca/lint"
	"conclave/ca/lint/zlint"
)

func key(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var day = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func root() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: new(big.Int).Lsh(big.NewInt(1), 100), NotBefore: day, NotAfter: day.AddDate(20, 0, 0),
		Subject:               pkix.Name{CommonName: "Root", Organization: []string{"Example"}, Country: []string{"CH"}},
		BasicConstraintsValid: true, IsCA: true, MaxPathLen: -1, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// selfSigned makes a certificate that names itself as issuer; subject and
// signing key may differ.
func selfSigned(t *testing.T, template *x509.Certificate, subject, signer *ecdsa.PrivateKey) []byte {
	t.Helper()
	parent := *template
	der, err := x509.CreateCertificate(rand.Reader, template, &parent, subject.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func lints(findings []lint.Finding) (names []string) {
	for _, f := range findings {
		names = append(names, f.Lint)
	}
	return names
}

// TestRootBeforeItIsSigned holds a certificate with a stranger's signature to
// what roots are: otherwise it would lack what CAs below a root must have.
func TestRootBeforeItIsSigned(t *testing.T) {
	subject := key(t)
	for _, signer := range []*ecdsa.PrivateKey{subject, key(t)} {
		found, err := (zlint.Linter{}).Certificate(selfSigned(t, root(), subject, signer), lint.Public)
		if err != nil || len(found) > 0 {
			t.Errorf("%v, %v; nothing was expected", found, err)
		}
	}
	// A CA's certificate for its next key, which the old one signs, is not a
	// root.
	next := root()
	next.AuthorityKeyId = []byte("another key")
	found, err := (zlint.Linter{}).Certificate(selfSigned(t, next, subject, key(t)), lint.Public)
	if err != nil || !slices.Contains(lints(found), "e_sub_ca_crl_distribution_points_missing") {
		t.Errorf("%v, %v; it lacks a CRL distribution point", found, err)
	}
}

// TestFindings names what is wrong: by RFC 5280, and by the Forum alone.
func TestFindings(t *testing.T) {
	k := key(t)
	bad := root()
	bad.Subject.Country, bad.KeyUsage, bad.Subject.CommonName = nil, 0, strings.Repeat("x", 65)
	der := selfSigned(t, bad, k, k)
	private, err := (zlint.Linter{}).Certificate(der, lint.Private)
	if err != nil || !slices.Equal(lints(private), []string{"e_subject_common_name_max_length"}) {
		t.Errorf("%v, %v", private, err)
	}
	if private[0].Severity != "error" || private[0].Details == "" || !strings.Contains(private[0].String(), "e_subject_common_name_max_length") {
		t.Errorf("%s", private[0])
	}
	public, err := (zlint.Linter{}).Certificate(der, lint.Public)
	if err != nil || !slices.Contains(lints(public), "e_ca_country_name_missing") || !slices.IsSorted(lints(public)) {
		t.Errorf("%v, %v", public, err)
	}
}

// TestCRL takes a CRL as one of CA certificates, valid for a year and no more.
func TestCRL(t *testing.T) {
	k := key(t)
	issuer, err := x509.ParseCertificate(selfSigned(t, root(), k, k))
	if err != nil {
		t.Fatal(err)
	}
	for months, want := range map[int][]string{12: nil, 13: {"e_crl_next_update_invalid"}} {
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: day, NextUpdate: day.AddDate(0, months, 0)}, issuer, k)
		if err != nil {
			t.Fatal(err)
		}
		found, err := (zlint.Linter{}).CRL(der, lint.Public)
		if err != nil || !slices.Equal(lints(found), want) {
			t.Errorf("%d months: %v, %v; %v was expected", months, found, err, want)
		}
		if found, err := (zlint.Linter{}).CRL(der, lint.Private); err != nil || len(found) > 0 {
			t.Errorf("%d months, private: %v, %v", months, found, err)
		}
	}
}

func TestNothingToLint(t *testing.T) {
	k := key(t)
	der := selfSigned(t, root(), k, k)
	for want, do := range map[string]func() ([]lint.Finding, error){
		`demands "" are not known`: func() ([]lint.Finding, error) { return (zlint.Linter{}).Certificate(der, "") },
		"lint: the certificate: ":  func() ([]lint.Finding, error) { return (zlint.Linter{}).Certificate(der[1:], lint.Public) },
		"lint: the CRL: ":          func() ([]lint.Finding, error) { return (zlint.Linter{}).CRL(der, lint.Public) },
	} {
		if _, err := do(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; %q was expected", err, want)
		}
	}
}
