package ca_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"

	"pgregory.net/rapid"

	"conclave/ca"
	"conclave/ca/lint/zlint"
	"conclave/internal/foreign"
)

func name(t testing.TB, text string) ca.Name {
	t.Helper()
	n, err := ca.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// named is a request with a name, DER, by a key.
func named(t testing.TB, subject []byte) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: subject}, newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestNamesAreEncoded lets OpenSSL and GnuTLS say what a name is in DER: order, string
// types, parts of several attributes.
func TestNamesAreEncoded(t *testing.T) {
	foreign.Need(t, "openssl")
	foreign.Need(t, "certtool")
	for text, want := range map[string]string{
		"C=CH,CN=Root,O=Söhne":                                     "CN=PRINTABLESTRING:Root,O=UTF8STRING:S\\C3\\B6hne,C=PRINTABLESTRING:CH",
		"CN=SRV-CA,DC=acme,DC=local":                               "CN=PRINTABLESTRING:SRV-CA,DC=IA5STRING:acme,DC=IA5STRING:local",
		"cn=A+uid=7,OU=1,OU=2,O=B_C":                               "UID=PRINTABLESTRING:7+CN=PRINTABLESTRING:A,OU=PRINTABLESTRING:1,OU=PRINTABLESTRING:2,O=UTF8STRING:B_C",
		"E=ca@example.com,serialNumber=HRB 1,2.5.4.97=VATDE-1,O=X": "emailAddress=IA5STRING:ca@example.com,serialNumber=PRINTABLESTRING:HRB 1,organizationIdentifier=PRINTABLESTRING:VATDE-1,O=PRINTABLESTRING:X",
		"OID.1.2.3.4=é,street=Weg 1,postalCode=3000,O=X":           "1.2.3.4=UTF8STRING:#0C02C3A9,street=PRINTABLESTRING:Weg 1,postalCode=PRINTABLESTRING:3000,O=PRINTABLESTRING:X",
		"jurisdictionC=CH,businessCategory=Private Organization,GN=G,SN=S,title=T,initials=I,pseudonym=P,generationQualifier=Jr,dnQualifier=Q,name=N,O=X": "jurisdictionC=PRINTABLESTRING:CH," +
			"businessCategory=PRINTABLESTRING:Private Organization,GN=PRINTABLESTRING:G,SN=PRINTABLESTRING:S,title=PRINTABLESTRING:T,initials=PRINTABLESTRING:I," +
			"pseudonym=PRINTABLESTRING:P,generationQualifier=PRINTABLESTRING:Jr,dnQualifier=PRINTABLESTRING:Q,name=PRINTABLESTRING:N,O=PRINTABLESTRING:X",
	} {
		n := name(t, text)
		if err := n.Check(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		path := newFolder(t).file("request.der", named(t, n.DER()))
		out := mustRun(t, "openssl", "req", "-inform", "der", "-in", path, "-noout", "-subject", "-nameopt", "RFC2253,show_type")
		if got := strings.TrimSpace(strings.TrimPrefix(out, "subject=")); got != want {
			t.Errorf("%s: openssl: %s; %s was expected", text, got, want)
		}
		shown := ca.DistinguishedName(n.DER())
		if again := name(t, shown); again != n || n.String() != shown {
			t.Errorf("%s: it is shown as %s, which reads as %s", text, shown, again)
		}
		mustRun(t, "certtool", "--crq-info", "--inder", "--infile", path)
	}
}

// TestNamesAreChecked names the attribute, and what is wrong with it.
func TestNamesAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"CN=" + strings.Repeat("a", 65):                 "subject.commonName: 65 characters; at most 64",
		"CN=A,C=ch":                                     `subject.country: "ch"; two capital letters`,
		"CN=A,CN=B":                                     "subject.commonName: it appears twice",
		"O=A,C=CH":                                      "subject.commonName: it is missing",
		"CN=A,DC=acme.local":                            `subject.DC: "acme.local"; one label for each DC was expected: DC=acme,DC=local`,
		"CN=A,DC=bücher":                                `subject.DC: "bücher"; ASCII was expected`,
		"CN=A,serialNumber=7*":                          `subject.serialNumber: "7*"; letters of ASCII, digits`,
		"CN=A,serialNumber=1,serialNumber=2":            "subject.serialNumber: it appears twice",
		"CN=A,OU=" + strings.Repeat("a", 65):            "subject.OU: 65 characters; at most 64",
		"CN=A,E=nobody":                                 `subject.emailAddress: "nobody"; an address such as`,
		"CN=A,jurisdictionC=DEU":                        "subject.jurisdictionC: 3 characters; at most 2",
		`CN=A,1.2.3=x\00`:                               "subject.1.2.3: \"x\\x00\" has a character that cannot be printed",
		"CN=A,1.2.3=" + strings.Repeat("x", ca.MaxName): "subject: 16",
		"request":                                       "there is no request whose name it could be",
	} {
		mustSay(t, text, name(t, text).Check(), want)
	}
	public := spec(ca.CABFSubordinate)
	for text, want := range map[string]string{
		"CN=A,O=B,OU=C,C=CH":     "subject.OU: the name of a public CA has none (BR section 7.1.2.10.2)",
		"CN=A+O=B,C=CH":          "subject: CN=A+O=B are one part of the name",
		"C=CH,O=B,STREET=Z,CN=A": "subject.STREET: it comes after CN; the order C, ST, L",
		"CN=A,DC=acme":           "subject.country: it is missing",
	} {
		public.Subject = name(t, text)
		mustSay(t, text, public.Check(), want)
	}
	public.Subject = name(t, "CN=A,O=B,STREET=Weg 2,STREET=Weg 1,C=CH")
	if err := public.Check(); err != nil {
		t.Error(err)
	}
}

// TestNamesInJSON are objects, as plans have them, or strings.
func TestNamesInJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"commonName":"A","country":"CH"}`: "CN=A,C=CH",
		`"C=CH,CN=A"`:                       "CN=A,C=CH",
		`"CN=A,DC=acme,DC=local"`:           "CN=A,DC=acme,DC=local",
		`"request"`:                         "as in the request",
	} {
		var n ca.Name
		if err := json.Unmarshal([]byte(text), &n); err != nil || n.String() != want {
			t.Errorf("%s: %s, %v; %s was expected", text, n, err, want)
		}
		written, err := json.Marshal(n)
		var again ca.Name
		if err != nil || json.Unmarshal(written, &again) != nil || again != n {
			t.Errorf("%s is written as %s, %v", text, written, err)
		}
	}
	for text, want := range map[string]string{
		`{"commonName":"A","unit":"B"}`: `subject: json: unknown field "unit"`,
		`"Example Root CA"`:             `subject: name "Example Root CA": "Example Root CA" is not an attribute`,
		"7":                             `subject: it has a number; text was expected: a name as in RFC 4514, an object with commonName, organization…, or "request"`,
	} {
		mustSay(t, text, json.Unmarshal([]byte(text), new(ca.Name)), want)
	}
}

// TestNamesReadBack prints random names, and reads what it has printed, from text and
// from DER.
func TestNamesReadBack(t *testing.T) {
	labels := rapid.SampledFrom([]string{"CN", "O", "OU", "DC", "UID", "serialNumber", "1.2.3.4", "STREET"})
	values := rapid.StringMatching(`[ -~äЖ語]{1,12}`)
	rapid.Check(t, func(rt *rapid.T) {
		var b strings.Builder
		for i := range rapid.IntRange(1, 6).Draw(rt, "attributes") {
			if i > 0 {
				b.WriteString(rapid.SampledFrom([]string{",", "+"}).Draw(rt, "separator"))
			}
			b.WriteString(labels.Draw(rt, "label") + "=")
			for _, octet := range []byte(values.Draw(rt, "value")) {
				b.WriteString(`\` + string("0123456789abcdef"[octet>>4]) + string("0123456789abcdef"[octet&15]))
			}
		}
		n, err := ca.ParseName(b.String())
		if err != nil {
			rt.Fatalf("%s: %v", b.String(), err)
		}
		if again, err := ca.ParseName(n.String()); err != nil || again != n {
			rt.Fatalf("%s reads as %s, %v", n, again, err)
		}
		if again, err := ca.NameOf(n.DER()); err != nil || !bytes.Equal(again.DER(), n.DER()) {
			rt.Fatalf("%s is %s in DER, %v", n, again, err)
		}
		var sequence pkix.RDNSequence
		if rest, err := asn1.Unmarshal(n.DER(), &sequence); n.Check() == nil && (err != nil || len(rest) > 0) {
			rt.Fatalf("%s: %v", n, err)
		}
	})
}

// attribute is one of a name that no program of ours would encode.
func attribute(oid asn1.ObjectIdentifier, tag int, content string) pkix.AttributeTypeAndValue {
	return pkix.AttributeTypeAndValue{Type: oid, Value: asn1.RawValue{Tag: tag, Bytes: []byte(content)}}
}

func wide(text string, octets int) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		b.WriteString(strings.Repeat("\x00", octets-2) + string([]byte{byte(unit >> 8), byte(unit)}))
	}
	return b.String()
}

// TestRequestedNames takes the name of a request for the planned one whatever its
// order, grouping, string types, case and spaces, but not with other types of
// attributes or values, and shows it as it is.
func TestRequestedNames(t *testing.T) {
	cn, o := asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.ObjectIdentifier{2, 5, 4, 10}
	planned := spec(ca.Subordinate)
	planned.Subject = ca.Name{CommonName: "Müller CA", Organization: "Acme"}
	organization := attribute(o, asn1.TagUTF8String, "Acme")
	for _, tc := range []struct {
		what string
		name pkix.RDNSequence
		want string // "" for the planned name
	}{
		{"another order", pkix.RDNSequence{{attribute(cn, asn1.TagUTF8String, "Müller CA")}, {organization}}, ""},
		{"one part", pkix.RDNSequence{{organization, attribute(cn, asn1.TagUTF8String, "Müller CA")}}, ""},
		{"Latin-1", pkix.RDNSequence{{organization}, {attribute(cn, asn1.TagT61String, "M\xfcller CA")}}, ""},
		{"BMPString", pkix.RDNSequence{{organization}, {attribute(cn, asn1.TagBMPString, wide("Müller CA", 2))}}, ""},
		{"UniversalString", pkix.RDNSequence{{organization}, {attribute(cn, 28, wide("Müller CA", 4))}}, ""},
		{"case and spaces", pkix.RDNSequence{{organization}, {attribute(cn, asn1.TagUTF8String, " MÜLLER   ca")}}, ""},
		{"types exchanged", pkix.RDNSequence{{attribute(cn, asn1.TagUTF8String, "Acme")}, {attribute(o, asn1.TagUTF8String, "Müller CA")}}, "its subject is O=Müller CA,CN=Acme, but CN=Müller CA,O=Acme was planned"},
		{"another line", pkix.RDNSequence{{organization}, {attribute(cn, asn1.TagUTF8String, "Eve\nIssuer: CN=\u202eA")}}, `its subject is CN=Eve\0AIssuer: CN=\E2\80\AEA,O=Acme, but`},
		{"another value", pkix.RDNSequence{{organization}, {attribute(cn, asn1.TagUTF8String, "Muller CA")}}, "its subject is CN=Muller CA,O=Acme, but"},
		{"one more", pkix.RDNSequence{{organization}, {organization}, {attribute(cn, asn1.TagUTF8String, "Müller CA")}}, "its subject is CN=Müller CA,O=Acme,O=Acme, but"},
		{"no text", pkix.RDNSequence{{organization}, {attribute(cn, asn1.TagOctetString, "Müller CA")}}, "its subject is CN=#040a4dc3bc6c6c6572204341,O=Acme, but"},
	} {
		subject, err := asn1.Marshal(tc.name)
		if err != nil {
			t.Fatal(err)
		}
		request, err := ca.CheckRequest(named(t, subject), planned)
		if tc.want != "" {
			mustSay(t, tc.what, err, tc.want)
		} else if err != nil || !bytes.Equal(request.Complete(planned).RawSubject, subject) {
			t.Errorf("%s: %v", tc.what, err)
		}
	}
}

// TestRequestedNameIsKept issues certificates with the names of requests, byte for
// byte, so that what the CAs have issued before goes with them.
func TestRequestedNameIsKept(t *testing.T) {
	foreign.Need(t, "openssl")
	a := ca.Authority{Signer: newKey(t), Publication: published(), Ledger: newMemory(), Linter: zlint.Linter{}}
	s := spec(ca.Root)
	s.NotBefore, s.NotAfter = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2046, 1, 1, 0, 0, 0, 0, time.UTC)
	a.Certificate = issue(t, a, s, a.Signer.Public())
	s.Profile = ca.Subordinate
	for file, want := range map[string]struct{ planned, note string }{
		"rev":       {"CN=Acme Sub CA,O=Acme,C=CH", "planned was CN=Acme Sub CA,O=Acme,C=CH"},
		"mv":        {"CN=Acme Sub CA,O=Acme,C=CH", "planned was"},
		"utf8":      {"CN=Acme Sub CA,O=Acme,C=CH", ""},
		"bmp":       {"request", "a lint found this in the subject, which is carried on as it is: "},
		"dn-dc":     {"CN=acme-SRV-CA,DC=acme,DC=local", ""},
		"dn-ou":     {"CN=Acme Sub CA,OU=IT Security,O=Acme,C=CH", ""},
		"dn-email":  {"E=pki@example.com,CN=Acme Sub CA,O=Acme,C=CH", "a certificate has it in subjectAltName"},
		"dn-serial": {"request", "as in the request, byte for byte\n"},
		"dn-orgid":  {"CN=Acme Sub CA,organizationIdentifier=VATDE-123456789,O=Acme,C=DE", ""},
	} {
		content, err := os.ReadFile("testdata/names/" + file + ".csr")
		if err != nil {
			t.Fatal(err)
		}
		s.Subject = name(t, want.planned)
		request, err := ca.CheckRequest(content, s)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		draft, err := a.Prepare(request.Complete(s), request.Public)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		cert := sign(t, a, draft)
		if !bytes.Equal(cert.RawSubject, request.Subject) || !strings.Contains(draft.Text(), want.note) {
			t.Errorf("%s: the subject is %s\n%s", file, ca.DistinguishedName(cert.RawSubject), draft.Text())
		}
		rebuilt := request.Complete(s)
		rebuilt.Serial = ca.SerialOf(cert)
		if tbs, err := ca.TBS(rebuilt, cert.PublicKey, a.Certificate, a.Publication); err != nil || !bytes.Equal(tbs, cert.RawTBSCertificate) {
			t.Errorf("%s: rebuilt, it is not what was signed, %v", file, err)
		}
		if file == "rev" || file == "bmp" {
			goesWith(t, a.Certificate, cert, "testdata/names/leaf-of-"+file+".pem")
		}
	}
}

// TestIssuerNameIsCarriedOn issues under a root whose name lints do not like, and makes
// no such name itself.
func TestIssuerNameIsCarriedOn(t *testing.T) {
	a := newAuthority(t, ca.Root, newKey(t))
	a.Linter = zlint.Linter{}
	s := spec(ca.Root)
	s.Subject = name(t, "CN=A+serialNumber=7,O=Acme,C=CH")
	_, err := ca.Authority{Signer: a.Signer, Ledger: newMemory(), Linter: a.Linter}.Prepare(s, a.Signer.Public())
	mustSay(t, "a new root", err, "certificate is refused by a lint: warn: Certificates should not have multiple attributes in a single RDN (issuer)")
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: s.Subject.DER(), NotBefore: began, NotAfter: s.NotAfter, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, &x509.Certificate{RawSubject: s.Subject.DER()}, a.Signer.Public(), a.Signer)
	if err == nil {
		a.Certificate, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	if cert := issue(t, a, spec(ca.Subordinate), newKey(t).Public()); !bytes.Equal(cert.RawIssuer, a.Certificate.RawSubject) {
		t.Errorf("it is from %s", ca.DistinguishedName(cert.RawIssuer))
	}
}

// goesWith lets OpenSSL and crypto/x509 verify what a CA had issued before.
func goesWith(t *testing.T, root, sub *x509.Certificate, path string) {
	t.Helper()
	leaf, err := ca.ReadCertificate(path)
	if err != nil {
		t.Fatal(err)
	}
	roots, subs := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	subs.AddCert(sub)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: subs, CurrentTime: leaf.NotBefore.Add(time.Hour), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	f := newFolder(t)
	mustRun(t, "openssl", "verify", "-no_check_time", "-CAfile", f.certificates("root.pem", root), "-untrusted", f.certificates("sub.pem", sub), path)
}

// TestRequestedNameIsRefused says why a certificate cannot have it.
func TestRequestedNameIsRefused(t *testing.T) {
	a := newAuthority(t, ca.CABFRoot, newKey(t))
	s := spec(ca.Subordinate)
	s.Subject = name(t, "request")
	universal, err := asn1.Marshal(pkix.RDNSequence{{attribute(asn1.ObjectIdentifier{2, 5, 4, 3}, 28, wide("A", 4))}})
	if err != nil {
		t.Fatal(err)
	}
	latin, err := asn1.Marshal(pkix.RDNSequence{{attribute(asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.TagUTF8String, "M\xfcller")}})
	if err != nil {
		t.Fatal(err)
	}
	mistyped, err := asn1.Marshal(pkix.RDNSequence{{attribute(asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.TagPrintableString, "a@b")}})
	if err != nil {
		t.Fatal(err)
	}
	for want, tc := range map[string]struct {
		profile ca.Profile
		subject []byte
	}{
		"subject.commonName: CN=A is encoded with the ASN.1 type 28":                               {ca.Subordinate, universal},
		"subject: that of the request, CN=#0c064dfc6c6c6572, has a string that is not of its type": {ca.Subordinate, latin},
		"that of the request, CN=a@b, has a string that is not of its type":                        {ca.Subordinate, mistyped},
		"subject.country: it comes after CN; the order C, ST, L,":                                  {ca.CABFSubordinate, name(t, "C=CH,O=A+OU=B,CN=C").DER()},
		"its subject is empty, and the certificate was to have it":                                 {ca.Subordinate, ca.Name{}.DER()},
		"is the issuer's name; another one was expected":                                           {ca.Subordinate, a.Certificate.RawSubject},
	} {
		s.Profile = tc.profile
		request, err := ca.CheckRequest(named(t, tc.subject), s)
		if err == nil {
			_, err = a.Prepare(request.Complete(s), request.Public)
		}
		mustSay(t, want, err, want)
		if strings.Contains(err.Error(), "ASN.1 type 12") { // UTF8String, which is what was expected
			t.Error(err)
		}
	}
	s.Profile = ca.Subordinate
	_, err = a.Prepare(s, newKey(t).Public())
	mustSay(t, "without a request", err, "subject: it is as in the request, which is not there")
	s.Profile = ca.Root
	mustSay(t, "a root", s.Check(), "there is no request whose name it could be")
}

// FuzzDistinguishedName wants a name to be one line without what cannot be printed, and
// to read as it is shown.
func FuzzDistinguishedName(f *testing.F) {
	f.Fuzz(func(t *testing.T, content []byte) {
		shown := ca.DistinguishedName(content)
		if strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q is shown", shown)
		}
		n, err := ca.NameOf(content)
		if err != nil || strings.Contains(shown, "=#") || len(n.DER()) <= 2 {
			return
		}
		if again, err := ca.ParseName(shown); err != nil || !bytes.Equal(again.DER(), n.DER()) {
			t.Errorf("%s reads as %s, %v", shown, again, err)
		}
	})
}
