package ca_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ca/lint"
	"conclave/ca/lint/zlint"
	"conclave/internal/foreign"
)

// constrained is a spec of a subordinate CA for example.com alone.
func constrained(profile ca.Profile) ca.Spec {
	s := spec(profile)
	s.PathLen = new(int)
	s.Constraints = &ca.Constraints{PermittedDNS: []string{"example.com"}, ExcludedIP: []string{"0.0.0.0/0", "::/0"}}
	return s
}

// TestJudges issues each profile with each kind of key; OpenSSL, GnuTLS, zlint
// and Go judge.
func TestJudges(t *testing.T) {
	foreign.Need(t, "openssl", "certtool")
	for _, kind := range keyKinds {
		for _, prefix := range []string{"", "cabf-"} {
			t.Run(prefix+kind, func(t *testing.T) {
				t.Parallel()
				profile := func(p ca.Profile) ca.Profile { return ca.Profile(prefix) + p }
				keys := makeKeys(t, kind)
				a := newAuthority(t, profile(ca.Root), keys[0])
				sub := issue(t, a, constrained(profile(ca.Subordinate)), keys[1].Public())
				ocsp := issue(t, a, spec(profile(ca.OCSP)), keys[1].Public())
				demands := lint.Private
				if prefix != "" {
					demands = lint.Public
				}
				for _, cert := range []*x509.Certificate{a.Certificate, sub, ocsp} {
					mustBeClean(t, cert, demands)
					checkSignatureHash(t, cert, kind)
				}
				judgeChain(t, a.Certificate, sub, ocsp, keys[1])
			})
		}
	}
}

func mustBeClean(t *testing.T, cert *x509.Certificate, demands lint.Demands) {
	t.Helper()
	found, err := zlint.Linter{}.Certificate(cert.Raw, demands)
	if err != nil || len(found) > 0 {
		t.Errorf("%s: zlint found %v, %v", cert.Subject, found, err)
	}
}

func checkSignatureHash(t *testing.T, cert *x509.Certificate, kind string) {
	t.Helper()
	want, ok := map[string]x509.SignatureAlgorithm{"P-256": x509.ECDSAWithSHA256, "P-384": x509.ECDSAWithSHA384, "P-521": x509.ECDSAWithSHA512}[kind]
	if !ok {
		want = x509.SHA256WithRSA
	}
	if cert.SignatureAlgorithm != want {
		t.Errorf("%s is signed with %s; %s was expected", cert.Subject, cert.SignatureAlgorithm, want)
	}
}

// judgeChain lets programs judge a root, what it has issued, and servers'
// certificates within the subordinate's constraints and outside.
func judgeChain(t *testing.T, root, sub, ocsp *x509.Certificate, subKey crypto.Signer) {
	t.Helper()
	f := newFolder(t)
	inside, outside := newLeaf(t, sub, subKey, "www.example.com"), newLeaf(t, sub, subKey, "www.example.org")
	rootFile, subFile := f.certificates("root.pem", root), f.certificates("sub.pem", sub)
	insideFile, outsideFile := f.certificates("inside.pem", inside), f.certificates("outside.pem", outside)

	verify := []string{"verify", "-x509_strict", "-CAfile", rootFile}
	mustRun(t, "openssl", append(verify, rootFile, subFile, f.certificates("ocsp.pem", ocsp))...)
	mustRun(t, "openssl", append(verify, "-untrusted", subFile, "-purpose", "sslserver", insideFile)...)
	mustFail(t, "permitted subtree violation", "openssl", append(verify, "-untrusted", subFile, outsideFile)...)
	text := mustRun(t, "openssl", "x509", "-in", subFile, "-noout", "-text")
	for _, want := range []string{"CA:TRUE, pathlen:0", "Name Constraints: critical", "DNS:example.com", "Certificate Sign, CRL Sign", "URI:http://pki.example.com/root.crl", "CA Issuers - URI:http://pki.example.com/root.cer"} {
		if !strings.Contains(text, want) {
			t.Errorf("openssl x509 -text: %q was expected: %s", want, text)
		}
	}

	certtool := []string{"--verify", "--load-ca-certificate", rootFile, "--infile"}
	mustRun(t, "certtool", append(certtool, f.certificates("inside-chain.pem", inside, sub))...)
	mustFail(t, "constraints", "certtool", append(certtool, f.certificates("outside-chain.pem", outside, sub))...)

	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	intermediates.AddCert(sub)
	options := x509.VerifyOptions{Roots: roots, Intermediates: intermediates}
	if _, err := inside.Verify(options); err != nil {
		t.Errorf("Go: %v", err)
	}
	if _, err := outside.Verify(options); err == nil {
		t.Error("Go accepts a name outside the constraints")
	}
}

// TestCrossSigned cross-signs roots that OpenSSL has made: other string types,
// another key identifier, attributes that plans do not have. What such a root
// has issued chains to ours.
func TestCrossSigned(t *testing.T) {
	foreign.Need(t, "openssl", "certtool")
	for _, tc := range []struct {
		root, cross ca.Profile
		subject     string
	}{
		{ca.Root, ca.Cross, "/C=DE/O=Other Trust/OU=Roots/CN=Other Root"},
		{ca.CABFRoot, ca.CABFCross, "/C=DE/O=Other Trust/CN=Other Root"},
	} {
		f, otherKey := newFolder(t), newKey(t)
		text := mustRun(t, "openssl", "req", "-x509", "-new", "-key", f.key("other.key", otherKey), "-days", "4000", "-utf8",
			"-subj", tc.subject, "-addext", "keyUsage=critical,keyCertSign,cRLSign")
		other, err := ca.ParseCertificate([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		a := newAuthority(t, tc.root, newKey(t))
		draft, err := a.PrepareCross(ca.Spec{Profile: tc.cross, NotBefore: began, NotAfter: began.AddDate(5, 0, 0)}, other)
		if err != nil {
			t.Fatalf("%s: %v", tc.cross, err)
		}
		cross := sign(t, a, draft)
		if !bytes.Equal(cross.RawSubject, other.RawSubject) || !bytes.Equal(cross.SubjectKeyId, other.SubjectKeyId) || !bytes.Equal(cross.RawSubjectPublicKeyInfo, other.RawSubjectPublicKeyInfo) {
			t.Errorf("%s: name, key identifier and key are not those of the root", tc.cross)
		}
		leaf := newLeaf(t, other, otherKey, "www.example.com")
		root, crossFile := f.certificates("root.pem", a.Certificate), f.certificates("cross.pem", cross)
		mustRun(t, "openssl", "verify", "-x509_strict", "-CAfile", root, crossFile)
		mustRun(t, "openssl", "verify", "-CAfile", root, "-untrusted", crossFile, f.certificates("leaf.pem", leaf))
		mustRun(t, "certtool", "--verify", "--load-ca-certificate", root, "--infile", f.certificates("chain.pem", leaf, cross))
	}
}

// TestRollover cross-signs a root's next certificate, of the same name with
// another key: what the next one issues chains to the old one.
func TestRollover(t *testing.T) {
	foreign.Need(t, "openssl")
	nextKey := newKey(t)
	old, next := newAuthority(t, ca.Root, newKey(t)), newAuthority(t, ca.Root, nextKey)
	draft, err := old.PrepareCross(ca.Spec{Profile: ca.Cross, NotBefore: began, NotAfter: began.AddDate(5, 0, 0)}, next.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	cross, sub := sign(t, old, draft), issue(t, next, spec(ca.Subordinate), newKey(t).Public())
	if !bytes.Equal(cross.AuthorityKeyId, old.Certificate.SubjectKeyId) || !bytes.Equal(cross.SubjectKeyId, sub.AuthorityKeyId) {
		t.Error("key identifiers do not lead from one key to the other")
	}
	f := newFolder(t)
	mustRun(t, "openssl", "verify", "-x509_strict", "-CAfile", f.certificates("old.pem", old.Certificate), "-untrusted", f.certificates("cross.pem", cross), f.certificates("sub.pem", sub))
}

// TestAgain issues a root and a CA below it again: all but number and validity
// stays, and each old one goes with each new one.
func TestAgain(t *testing.T) {
	foreign.Need(t, "openssl")
	a := newAuthority(t, ca.CABFRoot, newKey(t))
	sub := issue(t, a, constrained(ca.CABFSubordinate), newKey(t).Public())
	freshSub := again(t, a, sub, began.Add(time.Hour), began.AddDate(12, 0, 0))
	freshRoot := again(t, a, a.Certificate, began, began.AddDate(24, 0, 0))
	f := newFolder(t)
	for _, root := range []*x509.Certificate{a.Certificate, freshRoot} {
		mustRun(t, "openssl", "verify", "-x509_strict", "-CAfile", f.certificates("root.pem", root), f.certificates("sub.pem", sub), f.certificates("fresh.pem", freshSub))
	}
}

func again(t *testing.T, a ca.Authority, old *x509.Certificate, from, until time.Time) *x509.Certificate {
	t.Helper()
	draft, err := a.PrepareRenewal(old, ca.Renewal{NotBefore: from, NotAfter: until})
	if err != nil {
		t.Fatal(err)
	}
	fresh := sign(t, a, draft)
	if fresh.SerialNumber.Cmp(old.SerialNumber) == 0 || !fresh.NotBefore.Equal(from) || !fresh.NotAfter.Equal(until) {
		t.Errorf("%s: number %x, valid from %s to %s", fresh.Subject, fresh.SerialNumber, fresh.NotBefore, fresh.NotAfter)
	}
	same := func(e, o pkix.Extension) bool {
		return e.Id.Equal(o.Id) && e.Critical == o.Critical && bytes.Equal(e.Value, o.Value)
	}
	if !bytes.Equal(fresh.RawSubject, old.RawSubject) || !bytes.Equal(fresh.RawIssuer, old.RawIssuer) ||
		!bytes.Equal(fresh.RawSubjectPublicKeyInfo, old.RawSubjectPublicKeyInfo) || !slices.EqualFunc(fresh.Extensions, old.Extensions, same) {
		t.Errorf("%s: name, key or extensions have changed", fresh.Subject)
	}
	return fresh
}

func TestAgainIsRefused(t *testing.T) {
	a, stranger := newAuthority(t, ca.Root, newKey(t)), newAuthority(t, ca.Root, newKey(t))
	sub := issue(t, a, spec(ca.Subordinate), newKey(t).Public())
	for _, tc := range []struct {
		by          ca.Authority
		from, until time.Time
		want        string
	}{
		{stranger, began, began.AddDate(1, 0, 0), "but is not signed with the key of that certificate"},
		{ca.Authority{Signer: a.Signer}, began, began.AddDate(1, 0, 0), "the certificate of its issuer was expected"},
		{a, began, began.AddDate(40, 0, 0), "notAfter: "},
		{a, began, began, "is not after notBefore"},
	} {
		_, err := tc.by.PrepareRenewal(sub, ca.Renewal{NotBefore: tc.from, NotAfter: tc.until})
		mustSay(t, "PrepareRenewal", err, tc.want)
	}
}

// TestLinted issues nothing that a lint refuses, such as for a country that does
// not exist, which Check does not know.
func TestLinted(t *testing.T) {
	a := newAuthority(t, ca.CABFRoot, newKey(t))
	s := spec(ca.CABFSubordinate)
	s.Subject.Country = "XQ"
	_, err := a.Prepare(s, newKey(t).Public())
	mustSay(t, "Prepare", err, "certificate is refused by a lint: error: ")
	mustSay(t, "Prepare", err, "e_ca_country_name_invalid")
}

// TestLate encodes a time from 2050 on as GeneralizedTime (RFC 5280 section
// 4.1.2.5), which OpenSSL reads.
func TestLate(t *testing.T) {
	foreign.Need(t, "openssl")
	s := spec(ca.Root)
	s.NotAfter = time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC)
	key := newKey(t)
	for _, want := range []string{"Dec 31 23:59:59 2049 GMT", "Jan  1 00:00:00 2050 GMT"} {
		a := ca.Authority{Signer: key, Ledger: newMemory(), Linter: zlint.Linter{}}
		cert := issue(t, a, s, key.Public())
		if out := mustRun(t, "openssl", "x509", "-noout", "-enddate", "-in", newFolder(t).certificates("root.pem", cert)); !strings.Contains(out, want) {
			t.Errorf("openssl: %s; %s was expected", out, want)
		}
		s.NotAfter = s.NotAfter.Add(time.Second)
	}
}

// TestText describes what is signed, and not what was asked for.
func TestText(t *testing.T) {
	a := newAuthority(t, ca.Root, newKey(t))
	s := constrained(ca.Subordinate)
	s.Serial = serial(t, "5000000000000000000000000000000000000001")
	s.Policies, s.ExtKeyUsage = []string{"1.3.6.1.4.1.32473.1"}, []string{"serverAuth", "clientAuth"}
	draft, err := a.Prepare(s, newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Subject: CN=Example subordinate,O=Beispiel & Söhne,L=Thun,ST=Bern,C=CH\n", "Issuer: CN=Example root,",
		"Serial number: 5000000000000000000000000000000000000001\n", "Key: ECDSA, P-256\n", "CAs below it in a chain: 0 at most\n",
		"DNS names: example.com\n", "IP addresses: none\n", "Email addresses: any\n",
		"Extended key usages: serverAuth, clientAuth\n", "Policies: 1.3.6.1.4.1.32473.1\n", "CRL: http://pki.example.com/root.crl\n", "OCSP: not named\n",
	} {
		if !strings.Contains(draft.Text(), want) {
			t.Errorf("%q was expected in\n%s", want, draft.Text())
		}
	}
}

// TestUsages lets OpenSSL name the usages of a CA, in the order that was planned.
func TestUsages(t *testing.T) {
	foreign.Need(t, "openssl")
	a := newAuthority(t, ca.Root, newKey(t))
	s := spec(ca.Subordinate)
	s.ExtKeyUsage = []string{"smartcardLogon", "clientAuth", "1.3.6.1.4.1.32473.9", "encryptingFileSystem", "1.3.6.1.5.5.7.3.1", "pkinitKDC", "pkinitClient", "ipsecIKE"}
	draft, err := a.Prepare(s, newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	path := newFolder(t).certificates("sub.pem", sign(t, a, draft))
	out := mustRun(t, "openssl", "x509", "-in", path, "-noout", "-ext", "extendedKeyUsage")
	want := "Microsoft Smartcard Login, TLS Web Client Authentication, 1.3.6.1.4.1.32473.9, Microsoft Encrypted File System, " +
		"TLS Web Server Authentication, Signing KDC Response, PKINIT Client Auth, ipsec Internet Key Exchange"
	if !strings.Contains(out, want) {
		t.Errorf("openssl: %s; %s was expected", out, want)
	}
	for _, name := range []string{"smartcardLogon", "clientAuth", "1.3.6.1.4.1.32473.9", "serverAuth"} {
		if !strings.Contains(draft.Text(), name) {
			t.Errorf("%s is not shown:\n%s", name, draft.Text())
		}
	}
}

func serial(t testing.TB, text string) (s ca.Serial) {
	t.Helper()
	if err := s.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSay(t testing.TB, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v; %q was expected", what, err, want)
	}
}
