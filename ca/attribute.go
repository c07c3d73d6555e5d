package ca

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// attribute is a type of what names consist of.
type attribute struct {
	label   string   // as people write and see it: RFC 4514 section 3, or X.520's
	others  []string // what else it is called, in lower case
	field   string   // of a plan's object, of those that Name has fields for
	oid     asn1.ObjectIdentifier
	most    int  // characters: RFC 5280 appendix A.1, or X.520 annex C; zero is any number
	tag     int  // the one string type that it has; zero: PrintableString where that is enough, else UTF8String
	repeats bool // a name may have several
}

// attributes are all of RFC 5280 section 4.1.2.4, and others that CAs have. First come
// those that Name has fields for, in the order in which they are encoded, BR section
// 7.1.4.2.
var attributes = []attribute{
	{label: "C", others: []string{"countryname"}, field: "country", oid: x520(6), most: 2, tag: asn1.TagPrintableString},
	{label: "ST", others: []string{"s", "stateorprovincename"}, field: "province", oid: x520(8), most: 128},
	{label: "L", others: []string{"localityname"}, field: "locality", oid: x520(7), most: 128},
	{label: "O", others: []string{"organizationname"}, field: "organization", oid: x520(10), most: 64},
	{label: "CN", others: []string{"commonname"}, field: "commonName", oid: x520(3), most: 64},

	{label: "DC", others: []string{"domaincomponent"}, oid: pilot(25), most: 63, tag: asn1.TagIA5String, repeats: true},
	{label: "OU", others: []string{"organizationalunitname"}, oid: x520(11), most: 64, repeats: true},
	{label: "STREET", others: []string{"streetaddress"}, oid: x520(9), most: 128, repeats: true},
	{label: "postalCode", oid: x520(17), most: 40},
	{label: "serialNumber", oid: x520(5), most: 64, tag: asn1.TagPrintableString},
	{label: "organizationIdentifier", oid: x520(97)}, // ETSI EN 319 412-1 section 5.1.4
	{label: "businessCategory", oid: x520(15), most: 128},
	{label: "jurisdictionC", others: []string{"jurisdictioncountryname"}, oid: jurisdiction(3), most: 2, tag: asn1.TagPrintableString},
	{label: "jurisdictionST", others: []string{"jurisdictionstateorprovincename"}, oid: jurisdiction(2), most: 128},
	{label: "jurisdictionL", others: []string{"jurisdictionlocalityname"}, oid: jurisdiction(1), most: 128},
	{label: "title", others: []string{"t"}, oid: x520(12), most: 64},
	{label: "SN", others: []string{"surname"}, oid: x520(4)},
	{label: "GN", others: []string{"g", "givenname"}, oid: x520(42)},
	{label: "initials", others: []string{"i"}, oid: x520(43)},
	{label: "name", oid: x520(41)},
	{label: "pseudonym", oid: x520(65), most: 128},
	{label: "generationQualifier", oid: x520(44)},
	{label: "dnQualifier", oid: x520(46), tag: asn1.TagPrintableString},
	{label: "UID", others: []string{"userid"}, oid: pilot(1), most: 256},
	{label: labelEmail, others: []string{"e", "email"}, oid: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, most: 255, tag: asn1.TagIA5String}, // RFC 2985 section 5.2.1
}

// labelEmail is the attribute that belongs into subjectAltName (RFC 5280 section
// 4.1.2.6).
const labelEmail = "emailAddress"

func x520(n int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 4, n} }

// pilot gives those of RFC 4519 sections 2.4 and 2.39.
func pilot(n int) asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, n}
}

// jurisdiction gives those of the CA/Browser Forum's EV Guidelines, section 7.1.4.2.4.
func jurisdiction(n int) asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 60, 2, 1, n}
}

// attributeOf gives the attribute with an object identifier; one that has no other
// name is called by that.
func attributeOf(oid asn1.ObjectIdentifier) attribute {
	for _, a := range attributes {
		if a.oid.Equal(oid) {
			return a
		}
	}
	return attribute{label: oid.String(), oid: oid}
}

// findAttribute gives the attribute that people call by a name, or by its object
// identifier, with or without OID. before it.
func findAttribute(name string) (attribute, bool) {
	folded := strings.ToLower(strings.TrimSpace(name))
	for _, a := range attributes {
		if strings.ToLower(a.label) == folded || slices.Contains(a.others, folded) {
			return a, true
		}
	}
	oid, ok := parseOID(strings.TrimPrefix(folded, "oid."))
	return attributeOf(oid), ok
}

// parseOID reads an object identifier, such as 2.5.4.3.
func parseOID(text string) (oid asn1.ObjectIdentifier, ok bool) {
	if _, err := x509.ParseOID(text); err != nil {
		return nil, false
	}
	for arc := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseUint(arc, 10, 31) // as encoding/asn1 has them
		if err != nil {
			return nil, false
		}
		oid = append(oid, int(n))
	}
	return oid, true
}

// name says where a plan has it.
func (a attribute) name() string {
	if a.field != "" {
		return "subject." + a.field
	}
	return "subject." + a.label
}

// check tells what is wrong with the value of a new name.
func (a attribute) check(value string) error {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	switch n := utf8.RuneCountInString(value); {
	case a.most > 0 && n > a.most:
		return fmt.Errorf("%d characters; at most %d were expected", n, a.most)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unprintable):
		return fmt.Errorf("%q has a character that cannot be printed; type it again", value)
	case strings.TrimSpace(value) != value:
		return fmt.Errorf("%q begins or ends with a space; leave that out", value)
	}
	return a.checkForm(value)
}

// checkForm checks what some attributes alone demand.
func (a attribute) checkForm(value string) error {
	capital := func(r rune) bool { return r >= 'A' && r <= 'Z' }
	switch {
	case a.most == 2 && (len(value) != 2 || strings.ContainsFunc(value, func(r rune) bool { return !capital(r) })):
		return fmt.Errorf("%q; two capital letters were expected (ISO 3166-1)", value)
	case a.label == "DC" && strings.Contains(value, "."):
		return fmt.Errorf("%q; one label for each DC was expected: DC=%s (RFC 2247)", value, strings.ReplaceAll(value, ".", ",DC="))
	case a.label == labelEmail && !strings.Contains(value, "@"):
		return fmt.Errorf("%q; an address such as ca@example.com was expected", value)
	case a.tag == asn1.TagIA5String && strings.ContainsFunc(value, func(r rune) bool { return r > unicode.MaxASCII }):
		return fmt.Errorf("%q; ASCII was expected, with xn-- for other letters in a domain", value)
	case a.tag == asn1.TagPrintableString && strings.ContainsFunc(value, func(r rune) bool { return !printable(r) }):
		return fmt.Errorf("%q; letters of ASCII, digits, spaces and '()+,-./:=? were expected (PrintableString)", value)
	}
	return nil
}

// printable says whether PrintableString has a character (X.680 section 41.4).
func printable(r rune) bool {
	return r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" '()+,-./:=?", r))
}
