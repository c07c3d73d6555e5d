package ca_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"conclave/ca"
	"conclave/ca/lint/zlint"
	"conclave/ca/register"
)

// A root is prepared, read by those who have to agree, and signed.
func Example() {
	dir, err := os.MkdirTemp("", "conclave")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ledger, err := register.Create(filepath.Join(dir, "register.sqlite"))
	if err != nil {
		log.Fatal(err)
	}
	defer ledger.Close()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader) // or a key in a device: hsm.HSM.Signer
	if err != nil {
		log.Fatal(err)
	}
	root := ca.Authority{Signer: key, Ledger: ledger, Linter: zlint.Linter{}}
	draft, err := root.Prepare(ca.Spec{
		Profile:   ca.Root,
		Subject:   ca.Name{CommonName: "Example Root CA", Organization: "Example Ltd", Country: "CH"},
		NotBefore: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:  time.Date(2046, 10, 31, 23, 59, 59, 0, time.UTC),
	}, key.Public())
	if err != nil {
		log.Fatal(err)
	}
	// Those present read draft.Text. Nothing is signed until they agree.
	root.Certificate, err = root.Sign(context.Background(), draft)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(root.Certificate.Issuer)
	// Output: CN=Example Root CA,O=Example Ltd,C=CH
}

// newRoot is such a root, to be closed.
func newRoot() (root ca.Authority, closeRoot func()) {
	dir, err := os.MkdirTemp("", "conclave")
	if err != nil {
		log.Fatal(err)
	}
	ledger, err := register.Create(filepath.Join(dir, "register.sqlite"))
	if err != nil {
		log.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	root = ca.Authority{Signer: key, Ledger: ledger, Linter: zlint.Linter{}}
	draft, err := root.Prepare(ca.Spec{
		Profile: ca.Root, Subject: ca.Name{CommonName: "Example Root CA"},
		NotBefore: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2046, 10, 31, 23, 59, 59, 0, time.UTC),
	}, key.Public())
	if err != nil {
		log.Fatal(err)
	}
	if root.Certificate, err = root.Sign(context.Background(), draft); err != nil {
		log.Fatal(err)
	}
	return root, func() { ledger.Close(); os.RemoveAll(dir) }
}

// The root certifies the key in a request of an issuing CA.
func ExampleCheckRequest() {
	root, closeRoot := newRoot()
	defer closeRoot()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	content, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		log.Fatal(err)
	}
	none := 0
	spec := ca.Spec{
		Profile: ca.Subordinate, Subject: ca.Name{CommonName: "Example Issuing CA 1"}, PathLen: &none,
		NotBefore:   time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:    time.Date(2036, 10, 31, 23, 59, 59, 0, time.UTC),
		Constraints: &ca.Constraints{PermittedDNS: []string{"example.com"}},
	}
	request, err := ca.CheckRequest(content, spec)
	if err != nil {
		log.Fatal(err)
	}
	draft, err := root.Prepare(request.Complete(spec), request.Public)
	if err != nil {
		log.Fatal(err)
	}
	cert, err := root.Sign(context.Background(), draft)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cert.Subject, "for", cert.PermittedDNSDomains, "under", cert.Issuer)
	// Output: CN=Example Issuing CA 1 for [example.com] under CN=Example Root CA
}

// The root signs its yearly CRL: all that its register has as revoked.
func ExampleAuthority_PrepareCRL() {
	root, closeRoot := newRoot()
	defer closeRoot()
	draft, err := root.PrepareCRL(context.Background(), ca.CRLSpec{
		ThisUpdate: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		NextUpdate: time.Date(2027, 11, 1, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		log.Fatal(err)
	}
	list, err := root.SignCRL(context.Background(), draft)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("CRL %v of %v has %d certificates\n", list.Number, list.Issuer, len(list.RevokedCertificateEntries))
	// Output: CRL 1 of CN=Example Root CA has 0 certificates
}

// What is wrong with a spec is told all at once, each problem with its field.
func ExampleSpec_Check() {
	spec := ca.Spec{
		Profile:   ca.Subordinate,
		NotBefore: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:  time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	fmt.Println(spec.Check())
	// Output:
	// subject.commonName: it is missing
	// notAfter: 2025-11-01T00:00:00Z is not after notBefore, 2026-11-01T00:00:00Z
}
