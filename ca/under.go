package ca

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// CheckUnder tells all that keeps a certificate of this spec from being good
// under an issuer, beside what Check tells.
func (s Spec) CheckUnder(issuer *x509.Certificate) error {
	r, err := s.Profile.rules()
	if err != nil {
		return err
	}
	if r.self {
		return fmt.Errorf("profile: %s is for one that signs itself, but there is an issuer, %s; subordinate or cross was expected", s.Profile, DistinguishedName(issuer.RawSubject))
	}
	return errors.Join(checkIssuer(issuer), s.checkWithin(issuer), s.checkOtherName(r, issuer),
		s.checkPathUnder(r, issuer), s.checkUsagesUnder(r, issuer), s.Constraints.checkUnder(issuer))
}

func checkIssuer(issuer *x509.Certificate) error {
	switch {
	case !saysCA(issuer):
		return fmt.Errorf("issuer: %s is not a CA (RFC 5280 section 4.2.1.9)", DistinguishedName(issuer.RawSubject))
	case issuer.Version >= 3 && !issuer.BasicConstraintsValid:
		return fmt.Errorf("issuer: %s does not say that it is a CA, so that nothing that it issues is trusted (RFC 5280 section 4.2.1.9); make its certificate new first: conclave ca renew", DistinguishedName(issuer.RawSubject))
	case issuer.KeyUsage != 0 && issuer.KeyUsage&x509.KeyUsageCertSign == 0:
		return fmt.Errorf("issuer: the key of %s may not sign certificates (RFC 5280 section 4.2.1.3)", DistinguishedName(issuer.RawSubject))
	}
	return nil
}

func (s Spec) checkWithin(issuer *x509.Certificate) error {
	var problems []error
	if s.NotBefore.Before(issuer.NotBefore) {
		problems = append(problems, fmt.Errorf("notBefore: %s is before the issuer's, %s; a time within its validity was expected", timeText(s.NotBefore), timeText(issuer.NotBefore)))
	}
	if s.NotAfter.After(issuer.NotAfter) {
		problems = append(problems, fmt.Errorf("notAfter: %s is after the issuer's, %s; a time within its validity was expected", timeText(s.NotAfter), timeText(issuer.NotAfter)))
	}
	return errors.Join(problems...)
}

// checkOtherName wants names to differ: a certificate with its issuer's name is
// taken for one of the issuer's own. Cross-signing makes such ones if a CA
// changes its key.
func (s Spec) checkOtherName(r rules, issuer *x509.Certificate) error {
	if !r.cross && sameName(issuer.RawSubject, s.subject()) {
		return fmt.Errorf("subject: %s is the issuer's name; another one was expected", DistinguishedName(s.subject()))
	}
	return nil
}

func (s Spec) checkPathUnder(r rules, issuer *x509.Certificate) error {
	limit := issuer.MaxPathLen
	if limit < 0 || limit == 0 && !issuer.MaxPathLenZero || !r.ca {
		return nil
	}
	if limit == 0 {
		return fmt.Errorf("profile: %s is a CA, and the issuer's path length is 0: it may have no CA below", s.Profile)
	}
	if s.PathLen != nil && *s.PathLen >= limit {
		return fmt.Errorf("pathLen: %d; less than the issuer's, %d, was expected", *s.PathLen, limit)
	}
	return nil
}

// checkUsagesUnder wants a CA to have no extended key usage that its issuer
// lacks: Windows and browsers take an issuer's usages as a limit for all below.
func (s Spec) checkUsagesUnder(r rules, issuer *x509.Certificate) error {
	limit := usagesOf(issuer)
	if len(limit) == 0 || slices.Contains(issuer.ExtKeyUsage, x509.ExtKeyUsageAny) || !r.ca {
		return nil
	}
	var problems []error
	for _, usage := range s.usages(r) {
		if oid, ok := usageOID(usage); ok && !slices.Contains(limit, usageName(oid.String())) {
			problems = append(problems, fmt.Errorf("extKeyUsage: %s; the issuer does not have it, so nothing below can", usage))
		}
	}
	return errors.Join(problems...)
}

// checkUnder wants what is permitted to be permitted by the issuer too: a name
// must be within both (RFC 5280 section 6.1.4 (g)), otherwise it is void.
func (c *Constraints) checkUnder(issuer *x509.Certificate) error {
	if c == nil || c.check() != nil {
		return nil
	}
	var problems []error
	void := func(field, value string) {
		problems = append(problems, fmt.Errorf("nameConstraints.%s: %q is not within what the issuer is permitted; leave it out", field, value))
	}
	for _, name := range c.PermittedDNS {
		if !slices.ContainsFunc(issuer.PermittedDNSDomains, func(d string) bool { return domainWithin(name, d) }) && len(issuer.PermittedDNSDomains) > 0 {
			void("permittedDNS", name)
		}
	}
	for i, network := range ranges(c.PermittedIP) {
		if !slices.ContainsFunc(issuer.PermittedIPRanges, func(n *net.IPNet) bool { return rangeWithin(network, n) }) && len(issuer.PermittedIPRanges) > 0 {
			void("permittedIP", c.PermittedIP[i])
		}
	}
	for _, name := range c.PermittedEmail {
		if !slices.ContainsFunc(issuer.PermittedEmailAddresses, func(d string) bool { return emailWithin(name, d) }) && len(issuer.PermittedEmailAddresses) > 0 {
			void("permittedEmail", name)
		}
	}
	return errors.Join(problems...)
}

func domainWithin(name, domain string) bool {
	name, domain = strings.ToLower(name), strings.ToLower(strings.TrimPrefix(domain, "."))
	return domain == "" || name == domain || strings.HasSuffix(name, "."+domain)
}

func rangeWithin(inner, outer *net.IPNet) bool {
	small, bits := inner.Mask.Size()
	large, outerBits := outer.Mask.Size()
	return bits == outerBits && small >= large && outer.Contains(inner.IP)
}

// emailWithin compares two constraints: a mailbox is within itself, its host,
// and the domains above; a host within itself and those; a domain, after a dot,
// within itself and those.
func emailWithin(name, limit string) bool {
	if name == limit {
		return true
	}
	_, host, mailbox := strings.Cut(name, "@")
	if !mailbox {
		host = name
	}
	if parent, ok := strings.CutPrefix(limit, "."); ok {
		return domainWithin(strings.TrimPrefix(host, "."), parent) && !strings.EqualFold(host, parent)
	}
	return strings.EqualFold(host, limit)
}
