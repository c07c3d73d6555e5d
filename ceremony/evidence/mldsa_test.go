package evidence

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"filippo.io/mldsa"

	"conclave/ca"
	"conclave/ceremony/plan"
	"conclave/internal/pqx509"
)

// mldsaRoot is a root with an ML-DSA key.
func mldsaRoot(t *testing.T, set mldsa.Parameters, name string) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key, err := mldsa.GenerateKey(set)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(9), RawSubject: ca.Name{CommonName: name}.DER(), NotBefore: began, NotAfter: began.AddDate(10, 0, 0),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := pqx509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pqx509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// signedBy is a content with a key's signature, DER. The content says that it is ML-DSA-65's.
func signedBy(t *testing.T, content []byte, key crypto.Signer) []byte {
	t.Helper()
	signature, err := key.Sign(rand.Reader, content, crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		Content   asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: content}, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 18}}, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func flipped(der []byte) []byte {
	der = bytes.Clone(der)
	der[len(der)-1] ^= 1
	return der
}

// TestMLDSASignatures: what the plan says byte for byte still has to be signed by the issuer.
func TestMLDSASignatures(t *testing.T) {
	root, key := mldsaRoot(t, mldsa.MLDSA65(), "Root")
	other, _ := mldsaRoot(t, mldsa.MLDSA65(), "Other")
	_, stranger := mldsaRoot(t, mldsa.MLDSA65(), "Root")
	_, longer := mldsaRoot(t, mldsa.MLDSA87(), "Root")
	serial, err := ca.NewSerial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	spec := ca.Spec{Profile: ca.Cross, Serial: serial, NotBefore: root.NotBefore, NotAfter: root.NotAfter, Existing: other.Raw}
	crlSpec := ca.CRLSpec{Number: 1, ThisUpdate: root.NotBefore, NextUpdate: root.NotBefore.AddDate(0, 6, 0)}
	p := &plan.Plan{
		Certificates: []plan.Certificate{{Name: "root", File: "root.cer"}, {Name: "cross", Issuer: "root", Spec: spec}},
		CRLs:         []plan.CRL{{Name: "list", Issuer: "root", CRLSpec: crlSpec}},
	}
	tbs, err := ca.TBS(spec, other.PublicKey, root, ca.Publication{})
	if err != nil {
		t.Fatal(err)
	}
	listTBS, err := ca.CRLTBS(crlSpec, nil, nil, root, ca.Publication{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name      string
		cert, crl []byte
		forged    bool
	}{
		{"good", signedBy(t, tbs, key), signedBy(t, listTBS, key), false},
		{"a bit", flipped(signedBy(t, tbs, key)), flipped(signedBy(t, listTBS, key)), true},
		{"another key", signedBy(t, tbs, stranger), signedBy(t, listTBS, stranger), true},
		{"another parameter set", signedBy(t, tbs, longer), signedBy(t, listTBS, longer), true},
	} {
		v, err := newVerifier(fstest.MapFS{
			InputFile("root.cer"):    {Data: root.Raw},
			CertificateFile("cross"): {Data: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tc.cert})},
			CRLFile("list"):          {Data: tc.crl},
		}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		v.plan = p
		signatures{v}.certificate("certify-cross", &p.Certificates[1])
		signatures{v}.crl("sign-list", &p.CRLs[0])
		for _, file := range []string{CertificateFile("cross"), CRLFile("list")} {
			refused := slices.ContainsFunc(v.report.Problems, func(problem Problem) bool {
				return problem.File == file && strings.HasPrefix(problem.Text, "its signature: ")
			})
			if refused != tc.forged {
				t.Errorf("%s, %s: refused is %v: %v", tc.name, file, refused, v.report.Problems)
			}
		}
	}
}
