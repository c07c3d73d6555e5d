package ca

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Constraints are name constraints: what a CA, and all below it, may issue for
// (RFC 5280 section 4.2.1.10). A kind of name of which nothing is permitted or
// excluded is not constrained: a CA for only example.com may issue for all
// addresses, unless 0.0.0.0/0 and ::/0 are excluded.
type Constraints struct {
	PermittedDNS   []string `json:"permittedDNS,omitempty"` // a domain, and all below it
	ExcludedDNS    []string `json:"excludedDNS,omitempty"`
	PermittedIP    []string `json:"permittedIP,omitempty"` // CIDR, such as 192.0.2.0/24
	ExcludedIP     []string `json:"excludedIP,omitempty"`
	PermittedEmail []string `json:"permittedEmail,omitempty"` // a mailbox, a host, or a domain after a dot
	ExcludedEmail  []string `json:"excludedEmail,omitempty"`
}

func (c *Constraints) check() error {
	if c == nil {
		return nil
	}
	var problems []error
	count := 0
	for _, list := range []struct {
		field  string
		values []string
		check  func(string) error
	}{
		{"permittedDNS", c.PermittedDNS, checkDomain}, {"excludedDNS", c.ExcludedDNS, checkDomain},
		{"permittedIP", c.PermittedIP, checkPrefix}, {"excludedIP", c.ExcludedIP, checkPrefix},
		{"permittedEmail", c.PermittedEmail, checkEmail}, {"excludedEmail", c.ExcludedEmail, checkEmail},
	} {
		for _, value := range list.values {
			count++
			if err := list.check(value); err != nil {
				problems = append(problems, fmt.Errorf("nameConstraints.%s: %q: %w", list.field, value, err))
			}
		}
	}
	if count == 0 {
		problems = append(problems, errors.New("nameConstraints: it is empty (RFC 5280 section 4.2.1.10); leave it out"))
	}
	return errors.Join(problems...)
}

// checkDomain wants a domain name as DNS has it, RFC 1034 section 3.5.
func checkDomain(name string) error {
	if len(name) == 0 || len(name) > 253 {
		return fmt.Errorf("it has %d characters; a domain such as example.com was expected", len(name))
	}
	for label := range strings.SplitSeq(name, ".") {
		foreign := func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
		}
		switch {
		case label == "":
			return errors.New("it begins or ends with a dot, or has two together; a domain such as example.com was expected, which covers all below it too")
		case len(label) > 63:
			return fmt.Errorf("%q has more than 63 characters", label)
		case strings.ContainsFunc(label, foreign):
			return fmt.Errorf("%q has a character that no domain has; letters a to z, digits and hyphens were expected, with xn-- for other letters", label)
		case label[0] == '-' || label[len(label)-1] == '-':
			return fmt.Errorf("%q begins or ends with a hyphen", label)
		}
	}
	return nil
}

func checkPrefix(text string) error {
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return errors.New("a range of addresses such as 192.0.2.0/24 or 2001:db8::/32 was expected")
	case prefix.Addr().Is4In6():
		return errors.New("an IPv4 range is written with dots, not as IPv6")
	case prefix != prefix.Masked():
		return fmt.Errorf("bits after the prefix are set; %s was expected", prefix.Masked())
	}
	return nil
}

func checkEmail(text string) error {
	mailbox, host, found := strings.Cut(text, "@")
	if !found {
		return checkDomain(strings.TrimPrefix(text, "."))
	}
	if mailbox == "" || strings.ContainsFunc(mailbox, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return errors.New("someone@example.com, example.com or .example.com was expected")
	}
	return checkDomain(host)
}

// apply writes the constraints, which are good, to a template.
func (c *Constraints) apply(template *x509.Certificate) {
	if c == nil {
		return
	}
	// RFC 5280 section 4.2.1.10: the extension must be critical.
	template.PermittedDNSDomainsCritical = true
	template.PermittedDNSDomains, template.ExcludedDNSDomains = c.PermittedDNS, c.ExcludedDNS
	template.PermittedIPRanges, template.ExcludedIPRanges = ranges(c.PermittedIP), ranges(c.ExcludedIP)
	template.PermittedEmailAddresses, template.ExcludedEmailAddresses = c.PermittedEmail, c.ExcludedEmail
}

func ranges(prefixes []string) (all []*net.IPNet) {
	for _, text := range prefixes {
		prefix := netip.MustParsePrefix(text)
		all = append(all, &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())})
	}
	return all
}
