package ca_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"conclave/ca"
	"conclave/ca/lint/zlint"
	"conclave/internal/foreign"
)

const directory = "ldap:///CN=acme-SRV-CA,CN=SRV,CN=CDP,CN=Public%20Key%20Services,CN=Services,CN=Configuration,DC=acme,DC=local" +
	"?certificateRevocationList?base?objectClass=cRLDistributionPoint"

// TestPublication: URLs are those that relying parties ask, and none twice.
func TestPublication(t *testing.T) {
	good := ca.Publication{
		CRL: ca.URLs{directory, "http://pki.example.com/a,b.crl", "ldap://ldap.example.com:389/CN=A?certificateRevocationList"}, DeltaCRL: ca.URLs{directory},
		Certificate: ca.URLs{"ldap:///CN=A,DC=b?cACertificate?base"}, OCSP: ca.URLs{"http://a.example.com", "http://b.example.com"},
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, tc := range []struct{ url, want string }{
		{"https://pki.example.com/root.crl", "with http (or ldap) and in ASCII"},
		{"ldaps://pki.example.com/CN=A?certificateRevocationList", "with http (or ldap)"},
		{"ldap:///?certificateRevocationList", "with an entry and an attribute of it"},
		{"ldap:///CN=A", "with an entry and an attribute of it"},
		{"ldap:///CN=A b?certificateRevocationList", "in ASCII"},
		{"", `publication.crl: ""`},
		{"http://a.example.com/a.crl,http://b.example.com/a.crl", "one URL was expected; several are a list in a plan, and the option several times"},
		{"http://twice.example.com/a.crl", "publication.crl: http://twice.example.com/a.crl appears twice"},
	} {
		mustSay(t, tc.url, ca.Publication{CRL: ca.URLs{tc.url, "http://twice.example.com/a.crl"}}.Check(), tc.want)
	}
	mustSay(t, "OCSP", ca.Publication{OCSP: ca.URLs{directory}}.Check(), "http://ocsp.example.com was expected, with http and")
	public := newAuthority(t, ca.CABFRoot, newKey(t))
	public.Publication.CRL = ca.URLs{"http://pki.example.com/root.crl", directory}
	_, err := public.Prepare(spec(ca.CABFSubordinate), newKey(t).Public())
	mustSay(t, "Prepare", err, "; http alone was expected (BR sections 7.1.2.10.3 and 7.1.2.11.2)")
}

// TestPublicationInJSON is as in plans: a place is a string, several are a list.
func TestPublicationInJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"crl":"http://a.example.com"}`: `{"crl":"http://a.example.com"}`,
		`{"crl":["http://a.example.com"],"ocsp":["http://a.example.com","http://b.example.com"]}`: `{"crl":"http://a.example.com","ocsp":["http://a.example.com","http://b.example.com"]}`,
		`{"crl":"","ocsp":null}`: `{}`,
	} {
		var p ca.Publication
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if written, err := json.Marshal(p); err != nil || string(written) != want || p.IsZero() != (want == "{}") {
			t.Errorf("%s is written as %s, %v", text, written, err)
		}
	}
	for _, bad := range []string{"7", "[7]", `{"url":"http://a.example.com"}`} {
		mustSay(t, bad, json.Unmarshal([]byte(`{"crl":`+bad+`}`), new(ca.Publication)), "a URL, or a list of URLs, was expected")
	}
}

// TestSeveralPlaces: the places of one CRL are names of one distribution point, as
// OpenSSL, GnuTLS and crypto/x509 read it; that of one place is as crypto/x509 makes it.
func TestSeveralPlaces(t *testing.T) {
	foreign.Need(t, "openssl")
	foreign.Need(t, "certtool")
	a := newAuthority(t, ca.Root, newKey(t))
	a.Linter = zlint.Linter{}
	a.Publication = ca.Publication{
		CRL: ca.URLs{directory, "http://pki.example.com/root.crl"}, Certificate: ca.URLs{"http://a.example.com/root.cer", "http://b.example.com/root.cer"},
		OCSP: ca.URLs{"http://a.example.com", "http://b.example.com"},
	}
	cert := issue(t, a, spec(ca.Subordinate), newKey(t).Public())
	if !slices.Equal(cert.CRLDistributionPoints, a.Publication.CRL) || !slices.Equal(cert.IssuingCertificateURL, a.Publication.Certificate) || !slices.Equal(cert.OCSPServer, a.Publication.OCSP) {
		t.Errorf("%q, %q, %q", cert.CRLDistributionPoints, cert.IssuingCertificateURL, cert.OCSPServer)
	}
	path := newFolder(t).certificates("sub.pem", cert)
	out := mustRun(t, "openssl", "x509", "-in", path, "-noout", "-ext", "crlDistributionPoints")
	if strings.Count(out, "Full Name:") != 1 || !strings.Contains(out, "URI:"+directory) || !strings.Contains(out, "URI:http://pki.example.com/root.crl") {
		t.Errorf("openssl: %s", out)
	}
	if out := mustRun(t, "certtool", "--certificate-info", "--infile", path); !strings.Contains(out, directory) || !strings.Contains(out, "URI: http://pki.example.com/root.crl") {
		t.Errorf("certtool: %s", out)
	}
	a.Publication = published()
	ours := issue(t, a, spec(ca.Subordinate), newKey(t).Public())
	template := &x509.Certificate{SerialNumber: big.NewInt(1), CRLDistributionPoints: a.Publication.CRL}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.Signer.Public(), a.Signer)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	point, last := theirs.Extensions[len(theirs.Extensions)-1], ours.Extensions[len(ours.Extensions)-1]
	if !last.Id.Equal(point.Id) || last.Critical || !bytes.Equal(last.Value, point.Value) {
		t.Errorf("the last extension is %v; %v was expected", last, point)
	}
}
