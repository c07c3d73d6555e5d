package ca

import (
	"cmp"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"net"
	"slices"
	"strings"
)

// extensionNames are those of RFC 5280 section 4.2 and of others that requests ask
// for, by object identifier.
var extensionNames = map[string]string{
	"2.5.29.9": "subjectDirectoryAttributes", "2.5.29.14": "subjectKeyIdentifier", "2.5.29.15": "keyUsage", "2.5.29.16": "privateKeyUsagePeriod", "2.5.29.17": "subjectAltName",
	"2.5.29.18": "issuerAltName", "2.5.29.19": "basicConstraints", "2.5.29.30": "nameConstraints", "2.5.29.31": "cRLDistributionPoints",
	"2.5.29.32": "certificatePolicies", "2.5.29.33": "policyMappings", "2.5.29.35": "authorityKeyIdentifier", "2.5.29.36": "policyConstraints",
	"2.5.29.37": "extKeyUsage", "2.5.29.46": "freshestCRL", "2.5.29.54": "inhibitAnyPolicy", "1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
	"1.3.6.1.5.5.7.1.11": "subjectInfoAccess", "1.3.6.1.5.5.7.1.3": "qcStatements", "1.3.6.1.5.5.7.1.24": "tlsFeature",
	"1.3.6.1.5.5.7.48.1.5": "ocspNoCheck", "2.16.840.1.113730.1.1": "netscapeCertType",
	// [MS-WCCE] section 2.2.2.7.7
	"1.3.6.1.4.1.311.21.10": "applicationPolicies",
}

// passedOver are extensions that only tell of the requester, by object identifier:
// no certificate follows them but the key identifier, see Request.Complete, and no one
// need decide about them.
var passedOver = map[string]string{
	"2.5.29.14":              "the key identifier, which is computed here",
	"1.2.840.113549.1.9.15":  "what the requester can decrypt (SMIMECapabilities, RFC 8551)",
	"2.16.840.1.113730.1.13": "a comment (Netscape)",
	"1.3.6.1.4.1.311.20.2":   "the name of a Windows template", // [MS-WCCE] section 2.2.2.7.7
	"1.3.6.1.4.1.311.21.1":   "the version of a Windows CA",
	"1.3.6.1.4.1.311.21.2":   "which certificate a Windows CA had before",
	"1.3.6.1.4.1.311.21.7":   "a Windows template",
}

// attributeNames are those of attributes, which promise nothing, by object identifier.
var attributeNames = map[string]string{
	"1.2.840.113549.1.9.2":   "an unstructured name", // RFC 2985 section 5.4
	"1.2.840.113549.1.9.7":   "a challenge password",
	"1.2.840.113549.1.9.15":  "what the requester can decrypt (SMIMECapabilities, RFC 8551)",
	"1.3.6.1.4.1.311.13.1":   "the certificate that a Windows CA had before", // [MS-WCCE] section 2.2.2.7
	"1.3.6.1.4.1.311.13.2.1": "what Windows was told beside the request",
	"1.3.6.1.4.1.311.13.2.2": "which provider of Windows has the key",
	"1.3.6.1.4.1.311.13.2.3": "the version of Windows",
	"1.3.6.1.4.1.311.21.20":  "the computer, the user and the program (Windows)",
	"1.3.6.1.4.1.311.2.1.14": "extensions, as older Windows asks for them",
}

// extensionName is what people call an extension, by its object identifier.
func extensionName(oid string) string { return cmp.Or(extensionNames[oid], oid) }

func isExtensionName(name string) bool {
	for _, known := range extensionNames {
		if known == name {
			return true
		}
	}
	return false
}

// inWords says what an extension says, for people; of what is not known, how many
// bytes it has.
func inWords(e pkix.Extension) string {
	name, size := extensionNames[e.Id.String()], fmt.Sprintf("%d bytes", len(e.Value))
	switch name {
	case "":
		return size
	case "subjectAltName":
		return generalNames(e.Value)
	}
	c, err := sample(&x509.Certificate{ExtraExtensions: []pkix.Extension{e}})
	if err != nil {
		return size + " that cannot be read"
	}
	switch name {
	case "subjectKeyIdentifier":
		return few([]string{hex.EncodeToString(c.SubjectKeyId)})
	case "basicConstraints":
		return caWords(c)
	case "keyUsage":
		return few(keyUsageNames(c.KeyUsage))
	case "extKeyUsage":
		return few(usagesOf(c))
	case "certificatePolicies":
		return few(policiesOf(c))
	case "nameConstraints":
		return strings.NewReplacer("--permit-", "permitted ", "--exclude-", "excluded ").Replace(few(constraintOptions(constraintsOf(c))))
	case "cRLDistributionPoints":
		return few(c.CRLDistributionPoints)
	case "authorityInfoAccess":
		return few(append(slices.Clone(c.OCSPServer), c.IssuingCertificateURL...))
	}
	return size
}

// few joins the first of some values, and of each its beginning.
func few(values []string) string {
	const most, longest = 8, 200
	var shown []string
	for _, value := range values[:min(most, len(values))] {
		if len(value) > longest {
			value = strings.ToValidUTF8(value[:longest], "") + "…"
		}
		shown = append(shown, value)
	}
	switch n := len(values); {
	case n == 0:
		return "nothing that is known"
	case n > most:
		return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), n-most)
	}
	return strings.Join(shown, ", ")
}

func caWords(c *x509.Certificate) string {
	switch {
	case !c.IsCA:
		return "no CA"
	case c.MaxPathLen > 0 || c.MaxPathLenZero:
		return fmt.Sprintf("a CA with path length %d", c.MaxPathLen)
	}
	return "a CA with any path length"
}

// keyUsageNames are in the order of the bits, RFC 5280 section 4.2.1.3.
func keyUsageNames(usage x509.KeyUsage) (names []string) {
	for i, name := range []string{"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"} {
		if usage&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// policiesOf are the policies of a certificate.
func policiesOf(c *x509.Certificate) (policies []string) {
	for _, policy := range c.Policies {
		policies = append(policies, policy.String())
	}
	return policies
}

// constraintsOf are the name constraints of a certificate that can be planned.
func constraintsOf(c *x509.Certificate) *Constraints {
	addresses := func(ranges []*net.IPNet) (all []string) {
		for _, r := range ranges {
			all = append(all, r.String())
		}
		return all
	}
	return &Constraints{
		PermittedDNS: c.PermittedDNSDomains, ExcludedDNS: c.ExcludedDNSDomains,
		PermittedIP: addresses(c.PermittedIPRanges), ExcludedIP: addresses(c.ExcludedIPRanges),
		PermittedEmail: c.PermittedEmailAddresses, ExcludedEmail: c.ExcludedEmailAddresses,
	}
}

// constraintOptions are the options of the command line for name constraints.
func constraintOptions(c *Constraints) (options []string) {
	for _, list := range []struct {
		option string
		values []string
	}{
		{"--permit-dns", c.PermittedDNS}, {"--exclude-dns", c.ExcludedDNS},
		{"--permit-ip", c.PermittedIP}, {"--exclude-ip", c.ExcludedIP},
		{"--permit-email", c.PermittedEmail}, {"--exclude-email", c.ExcludedEmail},
	} {
		if len(list.values) > 0 {
			options = append(options, list.option+" "+strings.Join(list.values, ","))
		}
	}
	return options
}

// generalNames are names for people, RFC 5280 section 4.2.1.6.
func generalNames(der []byte) string {
	var all []asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &all); err != nil || len(rest) > 0 {
		return fmt.Sprintf("%d bytes that cannot be read", len(der))
	}
	var names []string
	for _, n := range all {
		names = append(names, generalName(n))
	}
	return few(names)
}

func generalName(n asn1.RawValue) string {
	kinds := map[int]string{0: "a name of another kind", 1: "email ", 2: "DNS ", 3: "an X.400 name", 5: "an EDI name", 6: "URI "}
	kind, known := kinds[n.Tag]
	switch {
	case n.Class != asn1.ClassContextSpecific:
		return "no name"
	case n.Tag == 4:
		return "the directory name " + DistinguishedName(n.Bytes)
	case n.Tag == 7 && (len(n.Bytes) == net.IPv4len || len(n.Bytes) == net.IPv6len):
		return "IP " + net.IP(n.Bytes).String()
	case !known:
		return fmt.Sprintf("%d bytes of another kind", len(n.Bytes))
	case strings.HasSuffix(kind, " "):
		return kind + string(n.Bytes)
	}
	return fmt.Sprintf("%s, %d bytes", kind, len(n.Bytes))
}

// moreUsages are the key usages beside those that a CA's certificate has.
func moreUsages(value []byte) string {
	var bits asn1.BitString
	if _, err := asn1.Unmarshal(value, &bits); err != nil {
		return ""
	}
	var usage x509.KeyUsage
	for i := range 9 {
		usage |= x509.KeyUsage(bits.At(i) << i)
	}
	return strings.Join(keyUsageNames(usage&^(x509.KeyUsageCertSign|x509.KeyUsageCRLSign)), ", ")
}

// follow says which options let a certificate of this spec have what a request asks
// for, "" for none, or for more than anyone types.
func (s Spec) follow(e pkix.Extension) (options string) {
	c, err := sample(&x509.Certificate{ExtraExtensions: []pkix.Extension{e}})
	if err != nil || len(e.Value) > 1000 {
		return ""
	}
	switch extensionName(e.Id.String()) {
	case "basicConstraints":
		s.PathLen, options = &c.MaxPathLen, fmt.Sprintf("--path-len %d (in a plan: pathLen)", c.MaxPathLen)
	case "extKeyUsage":
		s.ExtKeyUsage, options = usagesOf(c), "--usage "+strings.Join(usagesOf(c), ",")+" (in a plan: extKeyUsage)"
	case "certificatePolicies":
		s.Policies, options = policiesOf(c), "--policy "+strings.Join(policiesOf(c), ",")+" (in a plan: policies)"
	case "nameConstraints":
		s.Constraints, options = constraintsOf(c), strings.Join(constraintOptions(constraintsOf(c)), " ")+" (in a plan: nameConstraints)"
	default:
		return ""
	}
	planned, err := s.extensions()
	if err != nil || !slices.ContainsFunc(planned, func(p pkix.Extension) bool { return p.Id.Equal(e.Id) && covers(p, e) }) {
		return "" // such as policies with qualifiers, or a CA that may not have the usage
	}
	return options
}
