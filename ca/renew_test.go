package ca_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ca/lint/zlint"
	"conclave/internal/foreign"
)

// oldRoot is a root of the kinds that people bring, with a CA below it, both made by
// OpenSSL.
type oldRoot struct {
	key      string // a file of private keys in testdata; empty for P-256
	name     string // how OpenSSL writes it
	request  []string
	sections string // of OpenSSL's configuration: root and sub
	findings []string
}

const (
	plainRoot = "[root]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nkeyUsage=critical,keyCertSign,cRLSign\n"
	plainSub  = "[sub]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nkeyUsage=critical,keyCertSign,cRLSign\n"
)

func oldRoots() map[string]oldRoot {
	return map[string]oldRoot{
		"debian": {"", "/C=CH/O=Old Ltd/CN=Old Root", nil,
			"[root]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always,issuer\n" + plainSub, []string{"it has no keyUsage"}},
		"sha1": {"rsa2048.pem", "/C=CH/O=Old Ltd/CN=Old SHA1 Root", []string{"-sha1"}, plainRoot + plainSub, []string{"its own signature is SHA1-RSA"}},
		"md5":  {"rsa2048.pem", "/C=CH/O=Old Ltd/CN=Old MD5 Root", []string{"-md5"}, plainRoot + plainSub, []string{"its own signature is MD5-RSA"}},
		"e3":   {"rsa2048-e3.pem", "/C=CH/O=Old Ltd/CN=Old e3 Root", nil, plainRoot + plainSub, []string{"key: its RSA exponent is 3"}},
		"v1": {"", "/C=CH/O=Old Ltd/CN=Version 1", nil,
			"[sub]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nkeyUsage=critical,keyCertSign,cRLSign\n", []string{"it is of version 1", "it has no identifier of its key"}},
		"bare": {"", "/CN=Bare", []string{"-set_serial", "0"}, "[root]\nsubjectKeyIdentifier=hash\n" + plainSub,
			[]string{"it has no basicConstraints", "it has no keyUsage", "its serial number is 0; a positive one"}},
		"email": {"", "/C=CH/O=M\u00fcller/CN=Old/emailAddress=ca@example.com", []string{"-utf8"}, plainRoot + plainSub, []string{"its name has an email address"}},
		"id": {"", "/CN=Short Identifier", nil,
			strings.Replace(plainRoot, "=hash", "=01020304", 1) + plainSub, nil},
	}
}

// make lets OpenSSL make the root and the CA below it, whose key is a new one.
func (o oldRoot) make(t *testing.T) (key crypto.Signer, root, sub *x509.Certificate) {
	t.Helper()
	key = o.privateKey(t)
	f := newFolder(t)
	config := "[req]\ndistinguished_name=dn\nprompt=no\nstring_mask=nombstr\n"
	if strings.Contains(o.sections, "[root]") {
		config += "x509_extensions=root\n"
	}
	configFile := f.file("openssl.cnf", []byte(config+"[dn]\n"+o.sections))
	keyFile, rootFile := f.key("root.key", key), filepath.Join(f.dir, "root.pem")
	subKey, request, subFile := f.key("sub.key", newKey(t)), filepath.Join(f.dir, "sub.csr"), filepath.Join(f.dir, "sub.pem")
	mustRun(t, "openssl", append([]string{"req", "-x509", "-new", "-config", configFile, "-key", keyFile, "-subj", o.name, "-days", "3650", "-out", rootFile}, o.request...)...)
	mustRun(t, "openssl", "req", "-new", "-config", configFile, "-key", subKey, "-subj", "/O=Old Ltd/CN=Old Sub", "-out", request)
	mustRun(t, "openssl", "x509", "-req", "-in", request, "-CA", rootFile, "-CAkey", keyFile, "-CAcreateserial", "-days", "3000", "-extfile", configFile, "-extensions", "sub", "-out", subFile)
	return key, readCertificate(t, rootFile), readCertificate(t, subFile)
}

func (o oldRoot) privateKey(t *testing.T) crypto.Signer {
	t.Helper()
	if o.key == "" {
		return newKey(t)
	}
	content, err := os.ReadFile(filepath.Join("testdata", o.key))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(crypto.Signer)
}

func readCertificate(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	cert, err := ca.ReadCertificate(path)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// carryOn is the authority of a root that exists.
func carryOn(root *x509.Certificate, key crypto.Signer) ca.Authority {
	return ca.Authority{Certificate: root, Signer: key, Publication: published(), Ledger: newMemory(), Linter: zlint.Linter{}}
}

// TestOldRoots renews roots that OpenSSL has made in all the ways that were once
// usual: the CA below each is good under the new one, for OpenSSL, GnuTLS and Go
// (for Java see TestJava), and so is the CA when it is renewed too. Before that, each
// old one signs a CRL and a certificate. Under a root without a key identifier OpenSSL
// makes certificates that name its serial number, and no other one is taken for
// theirs.
func TestOldRoots(t *testing.T) {
	foreign.Need(t, "openssl", "certtool")
	for kind, old := range oldRoots() {
		t.Run(kind, func(t *testing.T) {
			key, root, sub := old.make(t)
			mustFind(t, root, old.findings)
			a := carryOn(root, key)
			f := newFolder(t)
			crl := firstCRL(t, a)
			if out := mustRun(t, "openssl", "crl", "-noout", "-CAfile", f.certificates("old.pem", root), "-in", f.crls("old.crl", crl)); !strings.Contains(out, "verify OK") {
				t.Errorf("openssl crl: %s", out)
			}
			judgeIssued(t, a, kind)
			renewed := renew(t, a, root)
			if !bytes.Equal(crl.AuthorityKeyId, renewed.SubjectKeyId) {
				t.Errorf("the CRL names the key %x, the new root %x", crl.AuthorityKeyId, renewed.SubjectKeyId)
			}
			if names := ca.NamesNumberOf(sub, root); names != (kind == "v1") {
				t.Errorf("the CA below names the root by its number: %v", names)
			} else if names { // which is not the new root's
				mustFail(t, "unable to get local issuer", "openssl", "verify", "-CAfile", f.certificates("new.pem", renewed), f.certificates("sub.pem", sub))
			} else {
				judgeRenewed(t, renewed, sub)
			}
			judgeRenewed(t, renewed, renew(t, carryOn(renewed, key), sub))
		})
	}
}

// judgeIssued lets an old root issue, and cross-sign itself under another one: what was
// demanded of new keys and certificates later is not in the way.
func judgeIssued(t *testing.T, a ca.Authority, kind string) {
	t.Helper()
	s := spec(ca.Subordinate)
	s.NotBefore, s.NotAfter = a.Certificate.NotBefore, a.Certificate.NotAfter
	draft, err := a.Prepare(s, newKey(t).Public())
	if kind == "bare" {
		mustSay(t, "Prepare", err, "make its certificate new first: conclave ca renew")
	} else if err != nil {
		t.Fatal(err)
	} else {
		f := newFolder(t)
		mustRun(t, "openssl", "verify", "-CAfile", f.certificates("root.pem", a.Certificate), f.certificates("sub.pem", sign(t, a, draft)))
	}
	other := newAuthority(t, ca.Root, newKey(t))
	if _, err := other.PrepareCross(ca.Spec{Profile: ca.Cross, NotBefore: s.NotBefore, NotAfter: s.NotBefore.AddDate(5, 0, 0)}, a.Certificate); err != nil {
		t.Error(err)
	}
}

// firstCRL is an authority's, of the moment in which its certificate begins.
func firstCRL(t *testing.T, a ca.Authority) *x509.RevocationList {
	t.Helper()
	return signCRL(t, a, ca.CRLSpec{ThisUpdate: a.Certificate.NotBefore, NextUpdate: a.Certificate.NotBefore.AddDate(0, 1, 0)})
}

func mustFind(t *testing.T, cert *x509.Certificate, want []string) {
	t.Helper()
	found := ca.Findings(cert)
	for i, w := range want {
		if len(found) != len(want) || !strings.Contains(found[i], w) {
			t.Fatalf("findings: %q; %q were expected", found, want)
		}
	}
}

// renew makes a certificate new, and sees what has stayed and what has not.
func renew(t *testing.T, a ca.Authority, old *x509.Certificate) *x509.Certificate {
	t.Helper()
	draft, err := a.PrepareRenewal(old, ca.Renewal{NotBefore: time.Now().UTC().Truncate(time.Second), NotAfter: old.NotAfter})
	if err != nil {
		t.Fatal(err)
	}
	fresh := sign(t, a, draft)
	if !bytes.Equal(fresh.RawSubject, old.RawSubject) || !bytes.Equal(fresh.RawIssuer, old.RawIssuer) || !bytes.Equal(fresh.RawSubjectPublicKeyInfo, old.RawSubjectPublicKeyInfo) {
		t.Error("name or key have changed")
	}
	if len(old.SubjectKeyId) > 0 && !bytes.Equal(fresh.SubjectKeyId, old.SubjectKeyId) {
		t.Errorf("the key identifier is %x; %x was expected", fresh.SubjectKeyId, old.SubjectKeyId)
	}
	if fresh.Version != 3 || !fresh.IsCA || fresh.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign || fresh.SerialNumber.Cmp(old.SerialNumber) == 0 {
		t.Errorf("version %d, CA %v, key usage %b, serial number %x", fresh.Version, fresh.IsCA, fresh.KeyUsage, fresh.SerialNumber)
	}
	for _, finding := range ca.Findings(fresh) {
		if !strings.Contains(finding, "exponent is 3") && !strings.Contains(finding, "email address") {
			t.Errorf("the new one: %s", finding)
		}
	}
	return fresh
}

func judgeRenewed(t *testing.T, root, sub *x509.Certificate) {
	t.Helper()
	f := newFolder(t)
	rootFile := f.certificates("root.pem", root)
	subFile := f.certificates("sub.pem", sub)
	mustRun(t, "openssl", "verify", "-x509_strict", "-CAfile", rootFile, rootFile, subFile)
	mustRun(t, "certtool", "--verify", "--load-ca-certificate", rootFile, "--infile", subFile)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	if _, err := sub.Verify(x509.VerifyOptions{Roots: roots}); err != nil {
		t.Errorf("Go: %v", err)
	}
}

// TestFindingsOfNoCA says of what signs itself and is not a CA's that it issues nothing,
// and not that it can be renewed. Nor does cross-signing make a CA of it.
func TestFindingsOfNoCA(t *testing.T) {
	for want, change := range map[string]func(*x509.Certificate){
		"it signs itself, and says that it is not a CA's (RFC 5280 section 4.2.1.9); it issues nothing, and is not made new":             func(c *x509.Certificate) { c.IsCA = false },
		"its key may not sign certificates, so that it is not a CA's (RFC 5280 section 4.2.1.3); it issues nothing, and is not made new": func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature },
		"its keyUsage does not let it sign CRLs (RFC 5280 section 4.2.1.3); conclave ca renew adds that":                                 func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign },
	} {
		key := newKey(t)
		template := &x509.Certificate{SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "Root"}, NotBefore: began, NotAfter: began.AddDate(100, 0, 0),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
		change(template)
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := ca.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		mustFind(t, cert, []string{want})
		cross := ca.Spec{Profile: ca.Cross, Existing: der, NotBefore: began, NotAfter: began.AddDate(5, 0, 0)}
		if strings.Contains(want, "issues nothing") {
			mustSay(t, "Check", cross.Check(), "existing: CN=Root is not a CA: "+strings.TrimSuffix(want, "; it issues nothing, and is not made new"))
		} else if err := cross.Check(); err != nil {
			t.Error(err)
		}
	}
}
