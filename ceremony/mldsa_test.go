package ceremony_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/mldsa"

	"conclave/ca"
	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/custody/keyfile"
	"conclave/dkek/dkektest"
	"conclave/internal/foreign"
	"conclave/internal/pqx509"
	"conclave/internal/secret"
)

func newMLDSA(t testing.TB, set mldsa.Parameters) *mldsa.PrivateKey {
	t.Helper()
	key, err := mldsa.GenerateKey(set)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issuedByMLDSA reads what a ceremony has issued, and lets OpenSSL verify it.
func (s *stage) issuedByMLDSA(t *testing.T) (root, issuing *x509.Certificate) {
	t.Helper()
	read := func(name string) *x509.Certificate {
		cert, err := ca.ReadCertificate(filepath.Join(s.evidence(), evidence.CertificateFile(name)))
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	root, issuing = read("root"), read("issuing")
	content, err := os.ReadFile(filepath.Join(s.evidence(), evidence.CRLFile("root-crl-1")))
	if err != nil {
		t.Fatal(err)
	}
	crl, err := pqx509.ParseRevocationList(content)
	if err != nil {
		t.Fatal(err)
	}
	key := root.RawSubjectPublicKeyInfo
	for i, good := range foreign.NodeVerifies(t, []foreign.Signed{
		{Key: key, Content: root.RawTBSCertificate, Signature: root.Signature, Certificate: root.Raw, Issuer: root.Raw},
		{Key: key, Content: issuing.RawTBSCertificate, Signature: issuing.Signature, Certificate: issuing.Raw, Issuer: root.Raw},
		{Key: key, Content: crl.RawTBSRevocationList, Signature: crl.Signature},
	}) {
		if !good {
			t.Errorf("OpenSSL does not verify the root, what it has issued or its CRL: number %d", i)
		}
	}
	return root, issuing
}

// TestMLDSA holds a ceremony whose root, and whose request, have ML-DSA keys, and the one of
// a year later.
func TestMLDSA(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) { p.Keys[0].Type = "ml-dsa-65" })
	key := newMLDSA(t, mldsa.MLDSA44())
	der, err := pqx509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: s.Plan.FindCertificate("issuing").Subject.DER()}, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Base, "issuing.csr"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.verified(t)
	if _, issuing := s.issuedByMLDSA(t); !ca.HasKey(issuing, key.Public()) {
		t.Error("the certificate is of another key than the request")
	}
	t.Run("next", s.next)
}

// TestMLDSAIsImported: a root's ML-DSA key comes from a file, and is rehearsed with another.
func TestMLDSAIsImported(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) { p.Keys[0].Type, p.Keys[0].Import = "ml-dsa-87", "old.key" })
	key := newMLDSA(t, mldsa.MLDSA87())
	file, err := keyfile.EncryptedPEM(key, secret.Bytes("648219"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Base, "old.key"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	rehearsed := *s
	if rehearsed.Plan, err = s.Plan.Rehearsal(); err == nil {
		rehearsed.Source, err = rehearsed.Plan.Bytes()
	}
	rehearsed.Base, rehearsed.Dir = t.TempDir(), ceremony.Folder(filepath.Join(t.TempDir(), "rehearsal"))
	if err == nil {
		err = rehearsed.Practise(s.Plan, s.Base)
	}
	if err == nil {
		err = rehearsed.Run(dkektest.Practising(t.Context()))
	}
	if err != nil {
		t.Fatal(err)
	}
	if root, _ := rehearsed.issuedByMLDSA(t); ca.HasKey(root, key.Public()) {
		t.Error("the rehearsal has the true key")
	}
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.verified(t)
	if root, _ := s.issuedByMLDSA(t); !ca.HasKey(root, key.Public()) {
		t.Error("the root is of another key")
	}
}
