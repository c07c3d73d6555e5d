package ca

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Extended key usages, RFC 5280 section 4.2.1.12.
const (
	usageServerAuth      = "serverAuth"
	usageClientAuth      = "clientAuth"
	usageCodeSigning     = "codeSigning"
	usageEmailProtection = "emailProtection"
	usageTimeStamping    = "timeStamping"
	usageOCSPSigning     = "OCSPSigning"
)

var extKeyUsages = map[string]x509.ExtKeyUsage{
	usageServerAuth:      x509.ExtKeyUsageServerAuth,
	usageClientAuth:      x509.ExtKeyUsageClientAuth,
	usageCodeSigning:     x509.ExtKeyUsageCodeSigning,
	usageEmailProtection: x509.ExtKeyUsageEmailProtection,
	usageTimeStamping:    x509.ExtKeyUsageTimeStamping,
	usageOCSPSigning:     x509.ExtKeyUsageOCSPSigning,
}

// checkUsages checks the extended key usages of a spec that has some.
func (r rules) checkUsages(usages []string) error {
	switch {
	case len(usages) == 0:
		return nil
	case r.self:
		return errors.New("extKeyUsage: a root has none (BR section 7.1.2.1.2); leave it out")
	case !r.ca && !slices.Equal(usages, r.usages):
		return errors.New("extKeyUsage: a responder has OCSPSigning alone (RFC 6960 section 4.2.2.2); leave it out")
	case r.public && r.ca && !slices.Contains(usages, usageServerAuth):
		return errors.New("extKeyUsage: serverAuth is missing (BR section 7.1.2.10.6)")
	}
	var problems []error
	for i, usage := range usages {
		_, known := extKeyUsages[usage]
		switch {
		case !known:
			problems = append(problems, fmt.Errorf("extKeyUsage: %q is not known; serverAuth, clientAuth, emailProtection, codeSigning, timeStamping or OCSPSigning was expected", usage))
		case slices.Contains(usages[:i], usage):
			problems = append(problems, fmt.Errorf("extKeyUsage: %s appears twice", usage))
		case r.public && r.ca && usage != usageServerAuth && usage != usageClientAuth:
			problems = append(problems, fmt.Errorf("extKeyUsage: %s; beside serverAuth, only clientAuth is allowed (BR section 7.1.2.10.6)", usage))
		}
	}
	return errors.Join(problems...)
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

// usageName names an extended key usage, of any certificate.
func usageName(usage x509.ExtKeyUsage) string {
	for name, u := range extKeyUsages {
		if u == usage {
			return name
		}
	}
	return fmt.Sprintf("usage %d", usage)
}

// Extensions that crypto/x509 does not make.
var (
	oidOCSPNoCheck       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5} // RFC 6960 section 4.2.2.2.1
	oidDeltaCRLIndicator = asn1.ObjectIdentifier{2, 5, 29, 27}                  // RFC 5280 section 5.2.4
	oidFreshestCRL       = asn1.ObjectIdentifier{2, 5, 29, 46}                  // RFC 5280 section 5.2.6
)
