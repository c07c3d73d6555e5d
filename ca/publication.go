package ca

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Publication is where relying parties find what an issuer publishes.
type Publication struct {
	CRL         URLs `json:"crl,omitempty"`
	DeltaCRL    URLs `json:"deltaCRL,omitempty"` // the newest delta CRL, which full ones name
	Certificate URLs `json:"certificate,omitempty"`
	OCSP        URLs `json:"ocsp,omitempty"`
}

// URLs are places of the same thing, the first to be asked first. In JSON, one is a
// string.
type URLs []string

// MarshalJSON implements json.Marshaler.
func (u URLs) MarshalJSON() ([]byte, error) {
	if len(u) == 1 {
		return json.Marshal(u[0])
	}
	return json.Marshal([]string(u))
}

// UnmarshalJSON implements json.Unmarshaler. An empty string is none.
func (u *URLs) UnmarshalJSON(content []byte) error {
	var one string
	if json.Unmarshal(content, &one) == nil {
		if *u = nil; one != "" {
			*u = URLs{one}
		}
		return nil
	}
	if err := json.Unmarshal(content, (*[]string)(u)); err != nil {
		return errors.New("publication: a URL, or a list of URLs, was expected")
	}
	return nil
}

// String gives them for people.
func (u URLs) String() string { return strings.Join(u, ", ") }

// IsZero says whether nothing is published.
func (p Publication) IsZero() bool {
	return len(p.CRL)+len(p.DeltaCRL)+len(p.Certificate)+len(p.OCSP) == 0
}

// Check tells all that is wrong with the URLs. They are http: https would need a
// certificate to check whether a certificate is good (RFC 5280 section 8; BR
// section 7.1.2.11.2). CRLs and certificates may be in a directory, ldap, too.
func (p Publication) Check() error {
	var problems []error
	for _, place := range []struct {
		field string
		urls  URLs
		ldap  bool
	}{{"crl", p.CRL, true}, {"deltaCRL", p.DeltaCRL, true}, {"certificate", p.Certificate, true}, {"ocsp", p.OCSP, false}} {
		seen := map[string]bool{}
		for _, text := range place.urls {
			if err := checkURL(text, place.ldap); err != nil {
				problems = append(problems, fmt.Errorf("publication.%s: %q; %w", place.field, text, err))
			}
			if seen[text] {
				problems = append(problems, fmt.Errorf("publication.%s: %s appears twice", place.field, text))
			}
			seen[text] = true
		}
	}
	return errors.Join(problems...)
}

// severalURLs finds a second URL after a comma: a comma by itself may belong to one.
var severalURLs = regexp.MustCompile(`(?i)[,;] ?(http|ldap):/`)

func checkURL(text string, ldap bool) error {
	u, err := url.Parse(text)
	switch {
	case severalURLs.MatchString(text):
		return errors.New("one URL was expected; several are a list in a plan, and the option several times on the command line")
	case err != nil || !ascii(text) || u.User != nil || u.Fragment != "":
	case u.Scheme == "http" && u.Hostname() != "":
		return nil
	case u.Scheme == "ldap" && ldap:
		return checkLDAP(u)
	}
	if ldap {
		return errors.New("a URL such as http://pki.example.com/root.crl was expected, with http (or ldap) and in ASCII")
	}
	return errors.New("a URL such as http://ocsp.example.com was expected, with http and in ASCII")
}

// checkLDAP wants a URL of RFC 4516 to name an entry and what is in it, as RFC 5280
// sections 4.2.1.13 and 4.2.2.1 demand. Without a host it is for those who know the
// directory that is meant: Windows is such a one.
func checkLDAP(u *url.URL) error {
	attribute, _, _ := strings.Cut(u.RawQuery, "?")
	if _, err := parseDN(strings.TrimPrefix(u.Path, "/")); err != nil || attribute == "" {
		return errors.New("a URL such as ldap:///CN=root,DC=example,DC=com?certificateRevocationList?base was expected, with an entry and an attribute of it (RFC 4516), and %20 for a space")
	}
	return nil
}

// ascii says whether a text is of printable ASCII without spaces.
func ascii(text string) bool {
	for _, b := range []byte(text) {
		if b <= ' ' || b >= 0x7f {
			return false
		}
	}
	return true
}

// checkFor wants what a profile needs to be published.
func (p Publication) checkFor(r rules) error {
	if !r.public || !r.ca || r.self {
		return p.Check()
	}
	problems := []error{p.Check()}
	if len(p.CRL) == 0 {
		problems = append(problems, errors.New("publication.crl: the issuer has none; the URL of its CRL was expected (BR section 7.1.2.11.2)"))
	}
	if len(p.Certificate) == 0 {
		problems = append(problems, errors.New("publication.certificate: the issuer has none; the URL of its certificate was expected (BR section 7.1.2.10.3)"))
	}
	for _, text := range slices.Concat(p.CRL, p.Certificate) {
		if !strings.HasPrefix(strings.ToLower(text), "http:") {
			problems = append(problems, fmt.Errorf("publication: %s; http alone was expected (BR sections 7.1.2.10.3 and 7.1.2.11.2)", text))
		}
	}
	return errors.Join(problems...)
}

// apply names where the issuer publishes. A responder's certificate does not:
// its revocation is not looked up (RFC 6960 section 4.2.2.2.1), and whoever asks
// it has the issuer's certificate.
func (p Publication) apply(t *x509.Certificate) error {
	t.IssuingCertificateURL, t.OCSPServer = p.Certificate, p.OCSP
	if len(p.CRL) == 0 {
		return nil
	}
	value, err := distributionPoints(p.CRL)
	t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: oidCRLDistributionPoints, Value: value})
	return err
}

// distributionPoints encodes one point, whose names are places of the same CRL (RFC
// 5280 section 4.2.1.13); crypto/x509 would make a point of each, which BR section
// 7.1.2.11.2 does not want.
func distributionPoints(urls URLs) ([]byte, error) {
	var names []asn1.RawValue
	for _, text := range urls {
		names = append(names, uri(text))
	}
	return asn1.Marshal([]distributionPoint{{fullName{names}}})
}

// uri is a GeneralName, RFC 5280 section 4.2.1.6.
func uri(text string) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(text)} // uniformResourceIdentifier
}

// distributionPoint is RFC 5280 section 4.2.1.13's.
type distributionPoint struct {
	Name fullName `asn1:"tag:0"`
}

type fullName struct {
	FullName []asn1.RawValue `asn1:"tag:0"`
}
