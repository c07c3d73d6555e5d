package adopt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"conclave/ca/adopt"
	"conclave/internal/pqx509"
)

// began is when all issuers here have begun, and ended when what they issue ends.
var (
	began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ended = began.AddDate(10, 0, 0)
)

// issuer signs what is adopted.
type issuer struct {
	key  crypto.Signer
	cert *x509.Certificate
}

func newIssuer(t testing.TB, name string) issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newIssuerWith(t, name, key)
}

func newIssuerWith(t testing.TB, name string, key crypto.Signer) issuer {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: began, NotAfter: ended,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	i := issuer{key: key, cert: template}
	i.cert = i.sign(t, template)
	return i
}

func (i issuer) sign(t testing.TB, template *x509.Certificate) *x509.Certificate {
	t.Helper()
	der, err := pqx509.CreateCertificate(rand.Reader, template, i.cert, i.key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pqx509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (i issuer) issue(t testing.TB, serial int64) *x509.Certificate {
	t.Helper()
	return i.sign(t, &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: fmt.Sprintf("Sub %x", serial)}, NotBefore: began, NotAfter: ended})
}

// found are certificates as they are read from files.
func found(certs ...*x509.Certificate) (all []adopt.Certificate) {
	for i, cert := range certs {
		all = append(all, adopt.Certificate{File: fmt.Sprintf("%d.pem", i+1), DER: cert.Raw, Parsed: cert})
	}
	return all
}

// crl writes one, and reads it.
func (i issuer) crl(t testing.TB, number int64, entries ...x509.RevocationListEntry) *adopt.CRL {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: began.AddDate(0, 6, 0), NextUpdate: ended, RevokedCertificateEntries: entries}
	der, err := pqx509.CreateRevocationList(rand.Reader, template, i.cert, i.key)
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "last.crl", der)
	crl, err := adopt.ReadCRL(path)
	if err != nil {
		t.Fatal(err)
	}
	crl.File = "last.crl"
	return crl
}

func entry(serial int64, at time.Time, reason int) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: at, ReasonCode: reason}
}

func write(t testing.TB, name string, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func armour(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
