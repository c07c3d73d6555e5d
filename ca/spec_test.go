package ca_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"conclave/ca"
)

// TestCheck accepts a good spec of each profile, and names the field of what is
// wrong in one of them.
func TestCheck(t *testing.T) {
	for _, profile := range []ca.Profile{ca.Root, ca.Subordinate, ca.OCSP, ca.CABFRoot, ca.CABFSubordinate, ca.CABFOCSP} {
		if err := spec(profile).Check(); err != nil {
			t.Errorf("%s: %v", profile, err)
		}
	}
	long, minus := strings.Repeat("ü", 65), -1
	for _, tc := range []struct {
		profile ca.Profile
		change  func(*ca.Spec)
		want    string
	}{
		{"", func(*ca.Spec) {}, `profile: "" is not known; root, subordinate, ocsp or cross was expected`},
		{ca.Root, func(s *ca.Spec) { s.Subject.CommonName = "" }, "subject.commonName: it is missing"},
		{ca.Root, func(s *ca.Spec) { s.Subject.CommonName = long }, "subject.commonName: 65 characters; at most 64"},
		{ca.Root, func(s *ca.Spec) { s.Subject.Organization = long }, "subject.organization: 65 characters"},
		{ca.Root, func(s *ca.Spec) { s.Subject.Province = long + long }, "subject.province: 130 characters; at most 128"},
		{ca.Root, func(s *ca.Spec) { s.Subject.Locality = "Thun\n" }, "subject.locality: \"Thun\\n\" has a character that cannot be printed"},
		{ca.Root, func(s *ca.Spec) { s.Subject.CommonName = "R\xff" }, "subject.commonName: \"R\\xff\" has a character that cannot be printed"},
		{ca.Root, func(s *ca.Spec) { s.Subject.CommonName = " R" }, "subject.commonName: \" R\" begins or ends with a space"},
		{ca.Root, func(s *ca.Spec) { s.Subject.Country = "ch" }, `subject.country: "ch"; two capital letters`},
		{ca.Root, func(s *ca.Spec) { s.Subject.Country = "C" }, `subject.country: "C"; two capital letters`},
		{ca.CABFRoot, func(s *ca.Spec) { s.Subject.Country = "" }, "subject.country: it is missing"},
		{ca.CABFOCSP, func(s *ca.Spec) { s.Subject.Organization = "" }, "subject.organization: it is missing"},
		{ca.Root, func(s *ca.Spec) { s.NotBefore = time.Time{} }, "notBefore: it is missing"},
		{ca.Root, func(s *ca.Spec) { s.NotBefore = time.Date(1949, 1, 1, 0, 0, 0, 0, time.UTC) }, "notBefore: the year 1949"},
		{ca.Root, func(s *ca.Spec) { s.NotAfter = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "notAfter: the year 10000"},
		{ca.Root, func(s *ca.Spec) { s.NotAfter = s.NotAfter.Add(1) }, "whole seconds were expected"},
		{ca.Root, func(s *ca.Spec) { s.NotAfter = s.NotBefore }, "is not after notBefore"},
		{ca.Root, func(s *ca.Spec) { s.NotAfter = began.AddDate(0, 0, 50*366) }, "at most 18300 were expected"},
		{ca.OCSP, func(s *ca.Spec) { s.NotAfter = began.AddDate(0, 0, 398) }, "notAfter: more than 398 days from notBefore; at most 398"},
		{ca.CABFRoot, func(s *ca.Spec) { s.NotAfter = began.AddDate(0, 0, 2922).Add(-2 * time.Second) }, "notAfter: 2921 days from notBefore; at least 2922"},
		{ca.CABFRoot, func(s *ca.Spec) { s.NotAfter = began.AddDate(0, 0, 9132) }, "at most 9132"},
		{ca.Root, func(s *ca.Spec) { s.Serial = serial(t, "0") }, "serial: it is not positive"},
		{ca.Root, func(s *ca.Spec) { s.Serial = serial(t, "7fffffffffffffff") }, "serial: 63 bits; at least 64"},
		{ca.Root, func(s *ca.Spec) { s.Serial = serial(t, "8"+strings.Repeat("0", 39)) }, "serial: 160 bits; at most 20 octets"},
		{ca.Subordinate, func(s *ca.Spec) { s.PathLen = &minus }, "pathLen: -1; 0"},
		{ca.OCSP, func(s *ca.Spec) { s.PathLen = new(int) }, "pathLen: a responder is not a CA"},
		{ca.CABFRoot, func(s *ca.Spec) { s.PathLen = new(int) }, "pathLen: a root should have none"},
		{ca.OCSP, func(s *ca.Spec) { s.Constraints = &ca.Constraints{} }, "nameConstraints: a responder is not a CA"},
		{ca.CABFRoot, func(s *ca.Spec) { s.Constraints = &ca.Constraints{} }, "nameConstraints: a root must have none"},
		{ca.Subordinate, func(s *ca.Spec) { s.Constraints = &ca.Constraints{} }, "nameConstraints: it is empty"},
		{ca.Subordinate, func(s *ca.Spec) { s.Policies = []string{"1.2.x"} }, `policies: "1.2.x" is not an object identifier`},
		{ca.Subordinate, func(s *ca.Spec) { s.Policies = []string{"1.2.3", "1.2.3"} }, "policies: 1.2.3 appears twice"},
		{ca.CABFRoot, func(s *ca.Spec) { s.Policies = []string{"2.23.140.1.2.1"} }, "policies: a root should have none"},
		{ca.CABFOCSP, func(s *ca.Spec) { s.Policies = []string{"2.23.140.1.2.1"} }, "policies: a responder must have none"},
		{ca.CABFSubordinate, func(s *ca.Spec) { s.Policies = []string{"1.2.3"} }, "policies: 1.2.3; exactly one of the reserved ones"},
		{ca.CABFSubordinate, func(s *ca.Spec) { s.Policies = []string{"2.23.140.1.2.1", "2.23.140.1.2.2"} }, "exactly one of the reserved ones"},
		{ca.Root, func(s *ca.Spec) { s.ExtKeyUsage = []string{"serverAuth"} }, "extKeyUsage: a root has none"},
		{ca.OCSP, func(s *ca.Spec) { s.ExtKeyUsage = []string{"serverAuth"} }, "extKeyUsage: a responder has OCSPSigning alone"},
		{ca.Subordinate, func(s *ca.Spec) { s.ExtKeyUsage = []string{"any"} }, `extKeyUsage: "any" is not known`},
		{ca.Subordinate, func(s *ca.Spec) { s.ExtKeyUsage = []string{"serverAuth", "serverAuth"} }, "extKeyUsage: serverAuth appears twice"},
		{ca.Subordinate, func(s *ca.Spec) { s.ExtKeyUsage = []string{"clientAuth", "1.3.6.1.5.5.7.3.2"} }, "extKeyUsage: 1.3.6.1.5.5.7.3.2 appears twice"},
		{ca.Subordinate, func(s *ca.Spec) { s.ExtKeyUsage = []string{"serverAuth", "OCSPSigning"} }, "extKeyUsage: OCSPSigning lets a CA answer for its issuer"},
		{ca.CABFSubordinate, func(s *ca.Spec) { s.ExtKeyUsage = []string{"serverAuth", "OCSPSigning"} }, "extKeyUsage: OCSPSigning lets a CA answer for its issuer"},
		{ca.Cross, func(s *ca.Spec) { s.ExtKeyUsage = []string{"1.3.6.1.5.5.7.3.9"} }, "extKeyUsage: OCSPSigning lets a CA answer for its issuer"},
		{ca.CABFSubordinate, func(s *ca.Spec) { s.ExtKeyUsage = []string{"serverAuth", "1.2.3"} }, "extKeyUsage: 1.2.3; beside serverAuth, only clientAuth"},
		{ca.CABFSubordinate, func(s *ca.Spec) { s.ExtKeyUsage = []string{"clientAuth"} }, "extKeyUsage: serverAuth is missing"},
		{ca.CABFSubordinate, func(s *ca.Spec) { s.ExtKeyUsage = []string{"serverAuth", "codeSigning"} }, "extKeyUsage: codeSigning; beside serverAuth, only clientAuth"},
		{ca.Subordinate, func(s *ca.Spec) { s.Existing = []byte{} }, "existing: it is for cross-signing, but the profile is subordinate"},
		{ca.Cross, func(*ca.Spec) {}, "existing: the certificate of the root that is cross-signed, DER, was expected"},
	} {
		s := spec(tc.profile)
		tc.change(&s)
		mustSay(t, string(tc.profile), s.Check(), tc.want)
	}
}

// TestCheckTellsAll names all problems at once.
func TestCheckTellsAll(t *testing.T) {
	err := ca.Spec{Profile: ca.CABFRoot, Policies: []string{"x"}, ExtKeyUsage: []string{"y"}}.Check()
	for _, want := range []string{"subject.commonName", "subject.country", "notBefore", "notAfter", "policies", "extKeyUsage"} {
		mustSay(t, "Check", err, want+": ")
	}
}

// TestBounds accepts what is just within the limits.
func TestBounds(t *testing.T) {
	for _, tc := range []struct {
		profile ca.Profile
		days    int
	}{{ca.CABFRoot, 2922}, {ca.CABFRoot, 9132}, {ca.OCSP, 398}, {ca.Root, 18300}} {
		s := spec(tc.profile)
		s.NotAfter = began.AddDate(0, 0, tc.days).Add(-time.Second)
		if err := s.Check(); err != nil {
			t.Errorf("%s, %d days: %v", tc.profile, tc.days, err)
		}
	}
	for _, text := range []string{"8000000000000000", "7" + strings.Repeat("f", 39)} {
		s := spec(ca.Root)
		s.Serial = serial(t, text)
		if err := s.Check(); err != nil {
			t.Errorf("serial %s: %v", text, err)
		}
	}
}

// TestConstraints checks the syntax of name constraints.
func TestConstraints(t *testing.T) {
	good := ca.Constraints{
		PermittedDNS: []string{"example.com", "xn--bcher-kva.example"}, ExcludedDNS: []string{"a.example.com"},
		PermittedIP: []string{"192.0.2.0/24", "2001:db8::/32"}, ExcludedIP: []string{"0.0.0.0/0"},
		PermittedEmail: []string{"a@example.com", "example.com", ".example.com"}, ExcludedEmail: []string{"b@example.com"},
	}
	s := spec(ca.Subordinate)
	s.Constraints = &good
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	for _, tc := range []struct {
		constraints ca.Constraints
		want        string
	}{
		{ca.Constraints{PermittedDNS: []string{""}}, `permittedDNS: "": it has 0 characters`},
		{ca.Constraints{PermittedDNS: []string{".example.com"}}, "it begins or ends with a dot"},
		{ca.Constraints{PermittedDNS: []string{"example.com."}}, "it begins or ends with a dot"},
		{ca.Constraints{ExcludedDNS: []string{"*.example.com"}}, `excludedDNS: "*.example.com": "*" has a character that no domain has`},
		{ca.Constraints{PermittedDNS: []string{"bücher.example"}}, "with xn-- for other letters"},
		{ca.Constraints{PermittedDNS: []string{"-a.example"}}, "begins or ends with a hyphen"},
		{ca.Constraints{PermittedDNS: []string{strings.Repeat("a", 64) + ".example"}}, "more than 63 characters"},
		{ca.Constraints{PermittedIP: []string{"192.0.2.1"}}, `permittedIP: "192.0.2.1": a range of addresses`},
		{ca.Constraints{ExcludedIP: []string{"192.0.2.1/24"}}, `excludedIP: "192.0.2.1/24": bits after the prefix are set; 192.0.2.0/24 was expected`},
		{ca.Constraints{PermittedIP: []string{"::ffff:192.0.2.0/120"}}, "an IPv4 range is written with dots"},
		{ca.Constraints{PermittedEmail: []string{"@example.com"}}, `permittedEmail: "@example.com": someone@example.com`},
		{ca.Constraints{ExcludedEmail: []string{"a@b@c"}}, "excludedEmail: "},
	} {
		s.Constraints = &tc.constraints
		mustSay(t, "Check", s.Check(), tc.want)
	}
}

// TestCheckExisting wants a root to cross-sign.
func TestCheckExisting(t *testing.T) {
	a := newAuthority(t, ca.Root, newKey(t))
	sub := issue(t, a, spec(ca.Subordinate), newKey(t).Public())
	s := spec(ca.Cross)
	s.Existing = sub.Raw
	mustSay(t, "Check", s.Check(), "existing: CN=Example subordinate,")
	s.Existing = a.Certificate.Raw
	mustSay(t, "Check", s.Check(), "subject: CN=Example cross,")
	s.Subject = spec(ca.Root).Subject
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

// TestCheckUnder names what does not fit an issuer.
func TestCheckUnder(t *testing.T) {
	serverOnly := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	smartcard := func(c *x509.Certificate) {
		c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 311, 20, 2, 2}}
	}
	domain := func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"example.com"} }
	network := func(c *x509.Certificate) {
		c.PermittedIPRanges = []*net.IPNet{{IP: net.IP{192, 0, 2, 0}, Mask: net.CIDRMask(24, 32)}}
	}
	mail := func(domain string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.PermittedEmailAddresses = []string{domain} }
	}
	permit := func(c ca.Constraints) func(*ca.Spec) { return func(s *ca.Spec) { s.Constraints = &c } }
	nothing, same := func(*x509.Certificate) {}, func(*ca.Spec) {}
	for _, tc := range []struct {
		issuer func(*x509.Certificate)
		spec   func(*ca.Spec)
		want   string // "" for good
	}{
		{nothing, same, ""},
		{nothing, func(s *ca.Spec) { s.Profile = ca.Root }, "profile: root is for one that signs itself"},
		{nothing, func(s *ca.Spec) { s.Profile = "toor" }, "profile: "},
		{func(c *x509.Certificate) { c.IsCA = false }, same, "issuer: CN=Example root,O=Beispiel & Söhne,L=Thun,ST=Bern,C=CH is not a CA"},
		{func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }, same, "may not sign certificates"},
		{func(c *x509.Certificate) { c.SubjectKeyId = nil }, same, ""},
		{func(c *x509.Certificate) { c.BasicConstraintsValid, c.IsCA = false, false }, same, "make its certificate new first: conclave ca renew"},
		{func(c *x509.Certificate) { c.BasicConstraintsValid, c.IsCA, c.Version = false, false, 1 }, same, ""},
		{nothing, func(s *ca.Spec) { s.NotBefore = began.Add(-time.Second) }, "notBefore: "},
		{nothing, func(s *ca.Spec) { s.NotAfter = began.AddDate(20, 0, 1) }, "notAfter: "},
		{nothing, func(s *ca.Spec) { s.Subject = spec(ca.Root).Subject }, "is the issuer's name"},
		{func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }, same, "the issuer's path length is 0"},
		{func(c *x509.Certificate) { c.MaxPathLen = 1 }, func(s *ca.Spec) { one := 1; s.PathLen = &one }, "pathLen: 1; less than the issuer's, 1,"},
		{func(c *x509.Certificate) { c.MaxPathLen = 1 }, func(s *ca.Spec) { s.PathLen = new(int) }, ""},
		{func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }, func(s *ca.Spec) { s.Profile = ca.OCSP }, ""},
		{serverOnly, func(s *ca.Spec) { s.ExtKeyUsage = []string{"serverAuth", "clientAuth"} }, "extKeyUsage: clientAuth; the issuer does not have it"},
		{serverOnly, func(s *ca.Spec) { s.ExtKeyUsage = []string{"serverAuth"} }, ""},
		{serverOnly, func(s *ca.Spec) { s.ExtKeyUsage = []string{"1.2.3"} }, "extKeyUsage: 1.2.3; the issuer does not have it"},
		{smartcard, func(s *ca.Spec) { s.ExtKeyUsage = []string{"smartcardLogon"} }, ""},
		{domain, permit(ca.Constraints{PermittedDNS: []string{"a.example.com", "Example.COM"}}), ""},
		{domain, permit(ca.Constraints{PermittedDNS: []string{"badexample.com"}}), `permittedDNS: "badexample.com" is not within`},
		{network, permit(ca.Constraints{PermittedIP: []string{"192.0.2.128/25"}}), ""},
		{network, permit(ca.Constraints{PermittedIP: []string{"192.0.0.0/16"}}), `permittedIP: "192.0.0.0/16" is not within`},
		{network, permit(ca.Constraints{PermittedIP: []string{"2001:db8::/32"}}), `permittedIP: "2001:db8::/32" is not within`},
		{mail("example.com"), permit(ca.Constraints{PermittedEmail: []string{"a@example.com", "example.com"}}), ""},
		{mail("example.com"), permit(ca.Constraints{PermittedEmail: []string{"a@b.example.com"}}), `permittedEmail: "a@b.example.com" is not within`},
		{mail(".example.com"), permit(ca.Constraints{PermittedEmail: []string{"a@b.example.com", ".b.example.com", ".example.com"}}), ""},
		{mail(".example.com"), permit(ca.Constraints{PermittedEmail: []string{"a@example.com"}}), `permittedEmail: "a@example.com" is not within`},
		{mail("example.com"), permit(ca.Constraints{PermittedEmail: []string{".example.com"}}), `permittedEmail: ".example.com" is not within`},
	} {
		issuer := *newAuthority(t, ca.Root, newKey(t)).Certificate
		s := spec(ca.Subordinate)
		tc.issuer(&issuer)
		tc.spec(&s)
		if err := s.CheckUnder(&issuer); tc.want != "" {
			mustSay(t, "CheckUnder", err, tc.want)
		} else if err != nil {
			t.Errorf("CheckUnder: %v", err)
		}
	}
}

// TestJSON writes a spec as plans do, and reads it again.
func TestJSON(t *testing.T) {
	s := constrained(ca.Subordinate)
	s.Serial = serial(t, "f0000000000000000a")
	text, err := json.Marshal(s)
	if err != nil || !strings.Contains(string(text), `"serial":"f0000000000000000a"`) {
		t.Fatalf("%s, %v", text, err)
	}
	var read ca.Spec
	if err := json.Unmarshal(text, &read); err != nil || read.Serial.Int().Cmp(s.Serial.Int()) != 0 || read.Constraints.PermittedDNS[0] != "example.com" {
		t.Errorf("%+v, %v", read, err)
	}
	if text, err := json.Marshal(spec(ca.Root)); err != nil || strings.Contains(string(text), "serial") {
		t.Errorf("%s, %v: there is no serial number in it", text, err)
	}
	for _, bad := range []string{`"-5"`, `"+5"`, `"0x5"`, `""`, `"g"`} {
		if err := json.Unmarshal([]byte(bad), new(ca.Serial)); err == nil {
			t.Errorf("%s is taken for a serial number", bad)
		}
	}
}

// TestSerials draws numbers of 20 octets.
func TestSerials(t *testing.T) {
	for _, octet := range []string{"\x00", "\xff"} {
		s, err := ca.NewSerial(strings.NewReader(strings.Repeat(octet, 20)))
		if err != nil || s.Int().BitLen() != 159 {
			t.Errorf("%s: %v", s, err)
		}
	}
	_, err := ca.NewSerial(strings.NewReader("nineteen octets...."))
	mustSay(t, "NewSerial", err, "random bytes: unexpected EOF")
	if a, _ := ca.NewSerial(rand.Reader); a.Int().Cmp(big.NewInt(1)) <= 0 || !(ca.Serial{}).IsZero() || (ca.Serial{}).Int() != nil || (ca.Serial{}).String() != "" {
		t.Error("zero is a number, or a drawn one is not")
	}
}

// TestNames reads and prints names as in RFC 4514.
func TestNames(t *testing.T) {
	for text, want := range map[string]ca.Name{
		"CN=Root CA,O=Example Ltd,C=CH": {CommonName: "Root CA", Organization: "Example Ltd", Country: "CH"},
		`cn=Root\, the first, o=A\2bB`:  {CommonName: "Root, the first", Organization: "A+B"},
		`CN=R\C3\BC\\,ST=Bern,L=Thun`:   {CommonName: `Rü\`, Province: "Bern", Locality: "Thun"},
		"c=CH, commonName=Root CA":      {CommonName: "Root CA", Country: "CH"},
	} {
		name, err := ca.ParseName(text)
		if err != nil || name != want {
			t.Errorf("%s: %+v, %v", text, name, err)
		}
		if again, err := ca.ParseName(name.String()); err != nil || again != want {
			t.Errorf("%s: %+v, %v", name, again, err)
		}
	}
	for text, want := range map[string]string{
		"":                           "it is empty, or has a comma",
		"CN":                         "is not an attribute",
		"CN=x,Q=y":                   `"Q=y" is not an attribute; CN=…, O=…, C=…, DC=… or another one was expected`,
		"CN=A,2=x":                   `"2=x" is not an attribute`,
		"CN=A+B":                     `"B" is not an attribute; `,
		"CN=":                        "CN: it is empty; one value was expected",
		`CN=a\`:                      `CN: it ends with \`,
		`CN="a, b"`:                  `CN: a value has no quotation marks around it; \ before a comma`,
		`CN=a"b`:                     `CN: " stands for itself only with \ before it`,
		"/C=CH/O=a, b/OU=x=y/CN=c/d": "is not an attribute",
		"/C=CH/O=a, b/OU=x=y/CN=c":   `it is written as OpenSSL's -subj has it; CN=c,OU=x=y,O=a\, b,C=CH was expected`,
		"Request ":                   "in small letters and alone, request was expected",
		" ":                          "it is empty, or has a comma or a plus sign too many; CN=… was expected",
		"CN=a,":                      "it is empty, or has a comma",
		"O=a;CN=b":                   `O: ; stands for itself only with \ before it`,
		"CN=#0c01":                   "CN: it begins with #",
	} {
		_, err := ca.ParseName(text)
		mustSay(t, text, err, want)
	}
}
