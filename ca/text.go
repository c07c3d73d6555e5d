package ca

import (
	"cmp"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"filippo.io/mldsa"

	"conclave/internal/pqx509"
)

// Text describes the certificate for people, a line for each fact.
func (d *Draft) Text() string {
	c := d.linted.certificate
	var b strings.Builder
	line := func(label, format string, args ...any) { fmt.Fprintf(&b, label+": "+format+"\n", args...) }
	line("Subject", "%s", DistinguishedName(c.RawSubject))
	for _, note := range append(d.Unlinted(), d.notes...) {
		line("Note", "%s", note)
	}
	line("Issuer", "%s", DistinguishedName(c.RawIssuer))
	line("Serial number", "%x", c.SerialNumber)
	line("Not before", "%s", timeText(c.NotBefore))
	line("Not after", "%s", timeText(c.NotAfter))
	line("Key", "%s", keyText(c.PublicKey))
	line("Key identifier", "%x", c.SubjectKeyId)
	line("Signature algorithm", "%s", pqx509.AlgorithmName(c.SignatureAlgorithm))
	for _, fact := range append(authorityFacts(c), usageFacts(c)...) {
		line(fact[0], "%s", fact[1])
	}
	line("SHA-256 of what is signed", "%x", sha256.Sum256(c.RawTBSCertificate))
	return b.String()
}

// Unlinted says what the lints could not judge of the certificate; nothing, mostly.
func (d *Draft) Unlinted() []string {
	return unlinted(d.linted.certificate.PublicKey, d.linted.certificate.SignatureAlgorithm)
}

// Unlinted says what the lints could not judge of the CRL; nothing, mostly.
func (d *CRLDraft) Unlinted() []string { return unlinted(nil, d.linted.crl.SignatureAlgorithm) }

// unlinted is a note where lints cannot judge a key or a signature: they do not know ML-DSA.
func unlinted(public crypto.PublicKey, algorithm x509.SignatureAlgorithm) []string {
	if _, ok := public.(*mldsa.PublicKey); !ok && algorithm < pqx509.MLDSA44 {
		return nil
	}
	return []string{"the lints do not know ML-DSA: they have judged all but its keys and signatures"}
}

// authorityFacts say what a CA may issue, pairs of label and value.
func authorityFacts(c *x509.Certificate) [][2]string {
	if !c.IsCA {
		return [][2]string{{"CA", "no"}}
	}
	below := "any number"
	if c.MaxPathLen > 0 || c.MaxPathLenZero {
		below = fmt.Sprintf("%d at most", c.MaxPathLen)
	}
	facts := [][2]string{{"CA", "yes"}, {"CAs below it in a chain", below}}
	var permittedIP, excludedIP []string
	for _, n := range c.PermittedIPRanges {
		permittedIP = append(permittedIP, n.String())
	}
	for _, n := range c.ExcludedIPRanges {
		excludedIP = append(excludedIP, n.String())
	}
	return append(facts,
		constraintFact("DNS names", c.PermittedDNSDomains, c.ExcludedDNSDomains),
		constraintFact("IP addresses", permittedIP, excludedIP),
		constraintFact("Email addresses", c.PermittedEmailAddresses, c.ExcludedEmailAddresses))
}

func constraintFact(label string, permitted, excluded []string) [2]string {
	if len(permitted) == 0 && slices.Contains(excluded, "0.0.0.0/0") && slices.Contains(excluded, "::/0") {
		return [2]string{label, "none"}
	}
	value := cmp.Or(strings.Join(permitted, ", "), "any")
	if len(excluded) > 0 {
		value += " but " + strings.Join(excluded, ", ")
	}
	return [2]string{label, value}
}

// usageFacts say what a certificate may be used for, and where to look it up.
func usageFacts(c *x509.Certificate) [][2]string {
	return [][2]string{
		{"Extended key usages", cmp.Or(strings.Join(usagesOf(c), ", "), "any")},
		{"Policies", cmp.Or(strings.Join(policiesOf(c), ", "), "none")},
		{"CRL", cmp.Or(strings.Join(c.CRLDistributionPoints, ", "), "not named")},
		{"Certificate of the issuer", cmp.Or(strings.Join(c.IssuingCertificateURL, ", "), "not named")},
		{"OCSP", cmp.Or(strings.Join(c.OCSPServer, ", "), "not named")},
	}
}
