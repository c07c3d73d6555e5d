package ca

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Extended key usages that profiles speak of, RFC 5280 section 4.2.1.12.
const (
	usageServerAuth  = "serverAuth"
	usageClientAuth  = "clientAuth"
	usageOCSPSigning = "OCSPSigning"
)

// usages are those that have names here; any other is written as its object identifier.
var usages = []struct{ name, oid string }{
	{usageServerAuth, "1.3.6.1.5.5.7.3.1"},
	{usageClientAuth, "1.3.6.1.5.5.7.3.2"},
	{"codeSigning", "1.3.6.1.5.5.7.3.3"},
	{"emailProtection", "1.3.6.1.5.5.7.3.4"},
	{"timeStamping", "1.3.6.1.5.5.7.3.8"},
	{usageOCSPSigning, "1.3.6.1.5.5.7.3.9"},
	{"ipsecIKE", "1.3.6.1.5.5.7.3.17"},                 // RFC 4945 section 5.1.3.12
	{"documentSigning", "1.3.6.1.5.5.7.3.36"},          // RFC 9336
	{"pkinitClient", "1.3.6.1.5.2.3.4"},                // RFC 4556 section 3.2.2
	{"pkinitKDC", "1.3.6.1.5.2.3.5"},                   // RFC 4556 section 3.2.4
	{"smartcardLogon", "1.3.6.1.4.1.311.20.2.2"},       // [MS-WCCE] section 2.2.2.7.7
	{"encryptingFileSystem", "1.3.6.1.4.1.311.10.3.4"}, // [MS-EFSR]
}

// usageOID gives the object identifier of a usage that a plan names.
func usageOID(usage string) (oid asn1.ObjectIdentifier, ok bool) {
	for _, u := range usages {
		if u.name == usage {
			return parseOID(u.oid)
		}
	}
	return parseOID(usage)
}

// usageName gives what people call a usage.
func usageName(oid string) string {
	for _, u := range usages {
		if u.oid == oid {
			return u.name
		}
	}
	return oid
}

// usagesOf names the extended key usages of a certificate.
func usagesOf(c *x509.Certificate) (names []string) {
	for _, usage := range c.ExtKeyUsage {
		names = append(names, usageName(usage.OID().String()))
	}
	for _, oid := range c.UnknownExtKeyUsage {
		names = append(names, usageName(oid.String()))
	}
	return names
}

// checkUsages checks the extended key usages of a spec that has some.
func (r rules) checkUsages(planned []string) error {
	switch {
	case len(planned) == 0:
		return nil
	case r.self:
		return errors.New("extKeyUsage: a root has none (BR section 7.1.2.1.2); leave it out")
	case !r.ca && !slices.Equal(planned, r.usages):
		return errors.New("extKeyUsage: a responder has OCSPSigning alone (RFC 6960 section 4.2.2.2); leave it out")
	case r.public && r.ca && !slices.Contains(planned, usageServerAuth):
		return errors.New("extKeyUsage: serverAuth is missing (BR section 7.1.2.10.6)")
	}
	var problems []error
	seen := map[string]bool{}
	for _, usage := range planned {
		oid, known := usageOID(usage)
		name := usageName(oid.String())
		if !known {
			problems = append(problems, fmt.Errorf("extKeyUsage: %q is not known; an object identifier, or one of these was expected: %s", usage, usageNames()))
			continue
		}
		if seen[name] {
			problems = append(problems, fmt.Errorf("extKeyUsage: %s appears twice", usage))
		}
		seen[name] = true
		if r.ca {
			problems = append(problems, r.checkUsageOfCA(name))
		}
	}
	return errors.Join(problems...)
}

func (r rules) checkUsageOfCA(usage string) error {
	switch {
	case usage == usageOCSPSigning:
		return errors.New("extKeyUsage: OCSPSigning lets a CA answer for its issuer, also about itself when it is revoked (RFC 6960 section 4.2.2.2); leave it out, and certify a responder with the profile ocsp")
	case r.public && usage != usageServerAuth && usage != usageClientAuth:
		return fmt.Errorf("extKeyUsage: %s; beside serverAuth, only clientAuth is allowed (BR section 7.1.2.10.6)", usage)
	}
	return nil
}

func usageNames() string {
	var names []string
	for _, u := range usages {
		names = append(names, u.name)
	}
	return strings.Join(names, ", ")
}

// checkPolicies checks the certificate policies of a spec that has some, RFC
// 5280 section 4.2.1.4.
func (r rules) checkPolicies(policies []string) error {
	if len(policies) == 0 {
		return nil
	}
	if r.public && r.self {
		return errors.New("policies: a root should have none (BR section 7.1.2.1.2); leave them out")
	}
	if r.public && !r.ca {
		return errors.New("policies: a responder must have none (BR section 7.1.2.8); leave them out")
	}
	var problems []error
	for i, policy := range policies {
		if _, err := x509.ParseOID(policy); err != nil {
			problems = append(problems, fmt.Errorf("policies: %q is not an object identifier, such as 2.23.140.1.2.1", policy))
		}
		if slices.Contains(policies[:i], policy) {
			problems = append(problems, fmt.Errorf("policies: %s appears twice", policy))
		}
	}
	if r.public && countReserved(policies) != 1 {
		problems = append(problems, fmt.Errorf("policies: %s; exactly one of the reserved ones was expected (BR section 7.1.6.1: %s, %s, %s, %s), or anyPolicy (%s)",
			strings.Join(policies, ", "), policyDomainValidated, policyOrganizationValidated, policyIndividualValidated, policyExtendedValidation, policyAny))
	}
	return errors.Join(problems...)
}

func countReserved(policies []string) (n int) {
	for _, policy := range policies {
		switch policy {
		case policyDomainValidated, policyOrganizationValidated, policyIndividualValidated, policyExtendedValidation, policyAny:
			n++
		}
	}
	return n
}

// Extensions that crypto/x509 does not make.
var (
	oidOCSPNoCheck           = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5} // RFC 6960 section 4.2.2.2.1
	oidDeltaCRLIndicator     = asn1.ObjectIdentifier{2, 5, 29, 27}                  // RFC 5280 section 5.2.4
	oidCRLDistributionPoints = asn1.ObjectIdentifier{2, 5, 29, 31}                  // RFC 5280 section 4.2.1.13
	oidFreshestCRL           = asn1.ObjectIdentifier{2, 5, 29, 46}                  // RFC 5280 section 5.2.6
)
