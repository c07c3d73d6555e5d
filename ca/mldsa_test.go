package ca_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"slices"
	"strings"
	"testing"

	"filippo.io/mldsa"

	"conclave/ca"
	"conclave/ca/lint/zlint"
	"conclave/internal/foreign"
	"conclave/internal/pqx509"
)

// mldsaSets are the parameter sets of FIPS 204 section 4.
func mldsaSets() []mldsa.Parameters {
	return []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()}
}

func newMLDSA(t testing.TB, set mldsa.Parameters) crypto.Signer {
	t.Helper()
	key, err := mldsa.GenerateKey(set)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signedCertificate and signedCRL are for OpenSSL to verify.
func signedCertificate(cert, issuer *x509.Certificate) foreign.Signed {
	return foreign.Signed{Key: issuer.RawSubjectPublicKeyInfo, Hash: nodeHash(cert.SignatureAlgorithm), Content: cert.RawTBSCertificate, Signature: cert.Signature, Certificate: cert.Raw, Issuer: issuer.Raw}
}

func signedCRL(crl *x509.RevocationList, issuer *x509.Certificate) foreign.Signed {
	return foreign.Signed{Key: issuer.RawSubjectPublicKeyInfo, Hash: nodeHash(crl.SignatureAlgorithm), Content: crl.RawTBSRevocationList, Signature: crl.Signature}
}

func nodeHash(algorithm x509.SignatureAlgorithm) string {
	return map[x509.SignatureAlgorithm]string{x509.SHA256WithRSA: "sha256", x509.ECDSAWithSHA256: "sha256", x509.ECDSAWithSHA384: "sha384"}[algorithm]
}

// TestMLDSA: every parameter set makes all that an authority makes, also for classical keys
// and below them, and OpenSSL finds it good, but nothing of it when a bit was changed.
func TestMLDSA(t *testing.T) {
	var all []foreign.Signed
	for _, set := range mldsaSets() {
		key := newMLDSA(t, set)
		root := newAuthority(t, ca.Root, key)
		ledger := root.Ledger.(*memory)
		subordinate := issue(t, root, spec(ca.Subordinate), newKey(t).Public())
		responder := issue(t, root, spec(ca.OCSP), newMLDSA(t, mldsa.MLDSA44()).Public())
		full := signCRL(t, root, ca.CRLSpec{ThisUpdate: began, NextUpdate: began.AddDate(0, 1, 0)})
		ledger.revocations = []ca.Revocation{{Serial: subordinate.SerialNumber, Time: began, Reason: 1}}
		delta := signCRL(t, root, ca.CRLSpec{DeltaOf: 1, ThisUpdate: began, NextUpdate: began.AddDate(0, 1, 0)})
		if len(full.RevokedCertificateEntries) != 0 || len(delta.RevokedCertificateEntries) != 1 {
			t.Errorf("%s: %d and %d certificates are listed", set, len(full.RevokedCertificateEntries), len(delta.RevokedCertificateEntries))
		}
		all = append(all, signedCertificate(root.Certificate, root.Certificate), signedCertificate(subordinate, root.Certificate),
			signedCertificate(responder, root.Certificate), signedCRL(full, root.Certificate), signedCRL(delta, root.Certificate))

		other := newAuthority(t, ca.Root, newKey(t))
		all = append(all, cross(t, root, other.Certificate), cross(t, other, root.Certificate))
		if err := root.Prove(); err != nil {
			t.Errorf("%s: %v", set, err)
		}
	}
	var damaged []foreign.Signed
	for _, s := range all {
		s.Content = bytes.Clone(s.Content)
		s.Content[len(s.Content)/2] ^= 1
		damaged = append(damaged, s)
	}
	for i, good := range foreign.NodeVerifies(t, slices.Concat(all, damaged)) {
		if good != (i < len(all)) {
			t.Errorf("object %d of %d: OpenSSL says %v", i, len(all), good)
		}
	}
}

// cross is the certificate of another root below an authority.
func cross(t testing.TB, a ca.Authority, other *x509.Certificate) foreign.Signed {
	t.Helper()
	draft, err := a.PrepareCross(ca.Spec{Profile: ca.Cross, NotBefore: began, NotAfter: began.AddDate(5, 0, 0)}, other)
	if err != nil {
		t.Fatal(err)
	}
	cert := sign(t, a, draft)
	if !ca.HasKey(cert, other.PublicKey) {
		t.Error("the key is not that of the other root")
	}
	return signedCertificate(cert, a.Certificate)
}

// TestMLDSAShown: software that does not know ML-DSA shows all else of a root and its CRL.
func TestMLDSAShown(t *testing.T) {
	foreign.Need(t, "openssl", "certtool", "keytool")
	a := newAuthority(t, ca.Root, newMLDSA(t, mldsa.MLDSA65()))
	f := newFolder(t)
	root := f.certificates("root.pem", a.Certificate)
	list := f.crls("root.crl", signCRL(t, a, ca.CRLSpec{ThisUpdate: began, NextUpdate: began.AddDate(0, 1, 0)}))
	for _, command := range [][]string{
		{"openssl", "x509", "-noout", "-text", "-in", root}, {"openssl", "crl", "-noout", "-text", "-in", list},
		{"certtool", "--certificate-info", "--infile", root}, {"certtool", "--crl-info", "--infile", list},
		{"keytool", "-printcert", "-file", root}, {"keytool", "-printcrl", "-file", list},
	} {
		if shown := mustRun(t, command[0], command[1:]...); !strings.Contains(shown, "Example root") {
			t.Errorf("%q: %s", command, shown)
		}
	}
}

// TestMLDSAText names the algorithm, and says what no lint has judged.
func TestMLDSAText(t *testing.T) {
	a := newAuthority(t, ca.Root, newMLDSA(t, mldsa.MLDSA65()))
	draft, err := a.Prepare(spec(ca.Subordinate), newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	crl, err := a.PrepareCRL(t.Context(), ca.CRLSpec{ThisUpdate: began, NextUpdate: began.AddDate(0, 1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{draft.Text(), crl.Text()} {
		for _, want := range []string{"Signature algorithm: ML-DSA-65\n", "Note: the lints do not know ML-DSA"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is missing: %s", want, text)
			}
		}
	}
	below := newAuthority(t, ca.Root, newKey(t))
	draft, err = below.Prepare(spec(ca.Subordinate), newMLDSA(t, mldsa.MLDSA87()).Public())
	if err != nil || !strings.Contains(draft.Text(), "Key: ML-DSA-87\n") || !strings.Contains(draft.Text(), "the lints do not know") {
		t.Errorf("%v: %s", err, draft.Text())
	}
}

// TestMLDSAForTLS: the CA/Browser Forum's rules have no ML-DSA, neither as a key nor as an
// issuer's.
func TestMLDSAForTLS(t *testing.T) {
	key := newMLDSA(t, mldsa.MLDSA65())
	_, err := ca.Authority{Signer: key, Ledger: newMemory()}.Prepare(spec(ca.CABFRoot), key.Public())
	mustSay(t, "root", err, "key: it is ML-DSA-65, which the CA/Browser Forum does not allow for TLS yet")
	classical := newAuthority(t, ca.CABFRoot, newKey(t))
	_, err = classical.Prepare(spec(ca.CABFSubordinate), key.Public())
	mustSay(t, "subordinate", err, "key: it is ML-DSA-65")
	private := newAuthority(t, ca.Root, key)
	_, err = private.Prepare(spec(ca.CABFSubordinate), newKey(t).Public())
	mustSay(t, "below ML-DSA", err, "issuer: its key is ML-DSA-65")
	_, err = private.PrepareCRL(t.Context(), ca.CRLSpec{Profile: ca.CABFRoot, ThisUpdate: began, NextUpdate: began.AddDate(0, 1, 0)})
	mustSay(t, "CRL", err, "issuer: its key is ML-DSA-65")
}

// TestMLDSARequests: OpenSSL's requests are taken, and issued for; what is not signed with
// the key of a request, or in another way, is not.
func TestMLDSARequests(t *testing.T) {
	root := newAuthority(t, ca.Root, newMLDSA(t, mldsa.MLDSA87()))
	for _, kind := range []string{"ml-dsa-44", "ml-dsa-65", "ml-dsa-87"} {
		key := foreign.NewNodeKey(t, kind)
		der, err := pqx509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: spec(ca.Subordinate).Subject.DER()}, key)
		if err != nil {
			t.Fatal(err)
		}
		request, err := ca.CheckRequest(der, spec(ca.Subordinate))
		if err != nil {
			t.Fatal(err)
		}
		if cert := issue(t, root, request.Complete(spec(ca.Subordinate)), request.Public); !ca.HasKey(cert, key.Public()) {
			t.Errorf("%s: the certificate has another key", kind)
		}
		for i := range len(der) / 512 {
			forged := bytes.Clone(der)
			forged[i*512+511] ^= 1
			if _, err := ca.ParseRequest(forged); err == nil {
				t.Errorf("%s: a request with another byte %d is taken", kind, i*512+511)
			}
		}
	}
}

// TestMLDSARenewal takes a certificate that lets its key encrypt, says so, and makes one
// that does not (RFC 9881 section 5).
func TestMLDSARenewal(t *testing.T) {
	key := newMLDSA(t, mldsa.MLDSA65())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1 << 60), RawSubject: spec(ca.Root).Subject.DER(), NotBefore: began, NotAfter: began.AddDate(5, 0, 0),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageKeyEncipherment,
	}
	der, err := pqx509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	old, err := ca.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if found := strings.Join(ca.Findings(old), "; "); !strings.Contains(found, "which no ML-DSA key can") {
		t.Errorf("found: %s", found)
	}
	a := ca.Authority{Certificate: old, Signer: key, Ledger: newMemory(), Linter: zlint.Linter{}}
	renewal := ca.Renewal{NotBefore: began, NotAfter: began.AddDate(10, 0, 0)}
	draft, err := a.PrepareRenewal(old, renewal)
	if err != nil {
		t.Fatal(err)
	}
	renewed := sign(t, a, draft)
	if renewed.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign || ca.CheckIssued(renewed, old) != nil {
		t.Errorf("key usage %b, %v", renewed.KeyUsage, ca.CheckIssued(renewed, old))
	}
	for name, forged := range forgeries(t, old, key) {
		cert, err := ca.ParseCertificate(forged)
		if err != nil {
			continue
		}
		if _, err := a.PrepareRenewal(cert, renewal); err == nil {
			t.Errorf("%s: it is renewed", name)
		}
		if err := ca.CheckIssued(cert, old); err == nil {
			t.Errorf("%s: it is taken to be issued", name)
		}
		if err := (ca.Spec{Profile: ca.Cross, NotBefore: began, NotAfter: began.AddDate(5, 0, 0), Existing: forged}).Check(); err == nil {
			t.Errorf("%s: it is cross-signed", name)
		}
	}
}

// forgeries are certificates, DER, like one that a key has signed itself, which it has not
// signed so.
func forgeries(t testing.TB, cert *x509.Certificate, key crypto.Signer) map[string][]byte {
	t.Helper()
	flipped, unsigned := bytes.Clone(cert.Raw), bytes.Clone(cert.Raw)
	flipped[len(flipped)-1] ^= 1
	i := bytes.Index(unsigned, cert.SubjectKeyId)
	unsigned[i] ^= 1
	forged := map[string][]byte{"another signature": flipped, "another content": unsigned}
	for _, set := range mldsaSets() {
		other := newMLDSA(t, set)
		template := *cert
		template.SignatureAlgorithm = 0
		der, err := pqx509.CreateCertificate(rand.Reader, &template, &x509.Certificate{RawSubject: cert.RawIssuer, SubjectKeyId: cert.SubjectKeyId}, key.Public(), other)
		if err != nil {
			t.Fatal(err)
		}
		forged["another key, "+set.String()] = der
	}
	identifier := []byte{0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12} // ML-DSA-65, RFC 9881 section 2
	forged["ML-DSA-87"] = bytes.ReplaceAll(cert.Raw, identifier, append(bytes.Clone(identifier[:12]), 0x13))
	return forged
}
