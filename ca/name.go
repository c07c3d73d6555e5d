package ca

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Name is a distinguished name as a plan writes it.
type Name struct {
	CommonName   string `json:"commonName"`
	Organization string `json:"organization,omitempty"`
	Country      string `json:"country,omitempty"`
	Province     string `json:"province,omitempty"`
	Locality     string `json:"locality,omitempty"`
}

// attribute is a part of a name.
type attribute struct {
	label string // RFC 4514 section 3
	field string // in JSON
	oid   asn1.ObjectIdentifier
	most  int // characters, RFC 5280 appendix A.1
}

// attributes are in the order in which they are encoded, BR section 7.1.4.2.
var attributes = []attribute{
	{"C", "country", asn1.ObjectIdentifier{2, 5, 4, 6}, 2},
	{"ST", "province", asn1.ObjectIdentifier{2, 5, 4, 8}, 128},
	{"L", "locality", asn1.ObjectIdentifier{2, 5, 4, 7}, 128},
	{"O", "organization", asn1.ObjectIdentifier{2, 5, 4, 10}, 64},
	{"CN", "commonName", asn1.ObjectIdentifier{2, 5, 4, 3}, 64},
}

// values are a name's, in the order of attributes.
func (n *Name) values() []*string {
	return []*string{&n.Country, &n.Province, &n.Locality, &n.Organization, &n.CommonName}
}

// PKIX gives the name as crypto/x509 has it, with its attributes in the order of
// BR section 7.1.4.2.
func (n Name) PKIX() pkix.Name {
	name := pkix.Name{}
	for i, value := range n.values() {
		if *value != "" {
			name.ExtraNames = append(name.ExtraNames, pkix.AttributeTypeAndValue{Type: attributes[i].oid, Value: *value})
		}
	}
	return name
}

// String gives the name for people, as in RFC 4514.
func (n Name) String() string { return n.PKIX().String() }

// ParseName reads a name as in RFC 4514: CN=…,O=…,C=….
func ParseName(text string) (n Name, err error) {
	for _, part := range splitUnescaped(text) {
		label, escaped, ok := strings.Cut(part, "=")
		label = strings.ToUpper(strings.TrimSpace(label))
		i := slices.IndexFunc(attributes, func(a attribute) bool { return a.label == label })
		if !ok || i < 0 {
			return Name{}, fmt.Errorf("name %q: %q is not an attribute; CN=…, O=…, C=…, ST=… or L=… was expected, with \\ before a comma that belongs to a value", text, part)
		}
		value, err := unescape(escaped)
		if err != nil {
			return Name{}, fmt.Errorf("name %q: %s: %w", text, label, err)
		}
		if field := n.values()[i]; *field != "" || value == "" {
			return Name{}, fmt.Errorf("name %q: %s appears twice, or is empty; one value was expected", text, label)
		}
		*n.values()[i] = value
	}
	return n, nil
}

// splitUnescaped splits at commas that have no backslash before them.
func splitUnescaped(text string) (parts []string) {
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case ',':
			parts, start = append(parts, text[start:i]), i+1
		}
	}
	return append(parts, text[start:])
}

// unescape reads a value, RFC 4514 section 3: a backslash is before a special
// character, or before two hexadecimal digits.
func unescape(text string) (string, error) {
	var b strings.Builder
	for rest := strings.TrimLeft(text, " "); rest != ""; {
		before, after, found := strings.Cut(rest, `\`)
		b.WriteString(before)
		if !found {
			break
		}
		if after == "" {
			return "", errors.New(`it ends with \; a character was expected after it`)
		}
		if octet, err := hex.DecodeString(after[:min(2, len(after))]); err == nil {
			b.Write(octet)
			rest = after[2:]
			continue
		}
		_, size := utf8.DecodeRuneInString(after)
		b.WriteString(after[:size])
		rest = after[size:]
	}
	return b.String(), nil
}

// check tells what is wrong with the name in a certificate.
func (n Name) check(public bool) error {
	var problems []error
	for i, value := range n.values() {
		if err := attributes[i].check(*value); err != nil {
			problems = append(problems, fmt.Errorf("subject.%s: %w", attributes[i].field, err))
		}
	}
	if n.CommonName == "" {
		problems = append(problems, errors.New("subject.commonName: it is missing"))
	}
	if public && n.Country == "" {
		problems = append(problems, errors.New("subject.country: it is missing; two letters were expected (BR section 7.1.2.10.2)"))
	}
	if public && n.Organization == "" {
		problems = append(problems, errors.New("subject.organization: it is missing; the CA's was expected (BR section 7.1.2.10.2)"))
	}
	return errors.Join(problems...)
}

func (a attribute) check(value string) error {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	switch n := utf8.RuneCountInString(value); {
	case value == "":
		return nil
	case n > a.most:
		return fmt.Errorf("%d characters; at most %d were expected (RFC 5280 appendix A.1)", n, a.most)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unprintable):
		return fmt.Errorf("%q has a character that cannot be printed; type it again", value)
	case strings.TrimSpace(value) != value:
		return fmt.Errorf("%q begins or ends with a space; leave that out", value)
	case a.label == "C" && strings.ContainsFunc(value, func(r rune) bool { return r < 'A' || r > 'Z' }), a.label == "C" && n != 2:
		return fmt.Errorf("%q; two capital letters were expected (ISO 3166-1)", value)
	}
	return nil
}

// MaxName is how many bytes of DER a distinguished name has that is shown: the time
// that this takes grows with the square.
const MaxName = 16 << 10

// distinguishedName gives a name, DER, for people.
func distinguishedName(der []byte) string {
	if len(der) > MaxName {
		return fmt.Sprintf("(a name of %d bytes)", len(der))
	}
	var rdn pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &rdn); err != nil || len(rest) > 0 {
		return fmt.Sprintf("(no name: %x)", der)
	}
	return rdn.String()
}

// der encodes the name.
func (n Name) der() []byte {
	der, err := asn1.Marshal(n.PKIX().ToRDNSequence())
	if err != nil {
		return nil // a string that is not UTF-8, which check refuses
	}
	return der
}

// sortedAttributes are those of a name, DER, as text.
func sortedAttributes(der []byte) (all []string, err error) {
	var rdn pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &rdn); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("name: it is not a distinguished name: %x", der)
	}
	for _, set := range rdn {
		for _, a := range set {
			all = append(all, fmt.Sprintf("%v=%v", a.Type, a.Value))
		}
	}
	slices.Sort(all)
	return all, nil
}
