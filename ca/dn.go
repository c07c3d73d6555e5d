package ca

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// dn is a distinguished name: relative ones, each of one part or several, in the
// order in which they are encoded.
type dn [][]part

// part is an attribute with its value.
type part struct {
	attribute
	text string
	// read is the value's tag where the part was read from DER, and value its DER if
	// it is no string; both are zero for a part that was typed.
	read  casn1.Tag
	value []byte
}

var errNoName = errors.New("not a distinguished name (RFC 5280 section 4.1.2.4)")

// MaxName is how many bytes of DER a distinguished name has that is looked into.
const MaxName = 16 << 10

// readDN reads a name, DER.
func readDN(content []byte) (name dn, err error) {
	if len(content) > MaxName {
		return nil, fmt.Errorf("a name of %d bytes; %d at most were expected", len(content), MaxName)
	}
	input := cryptobyte.String(content)
	var sequence cryptobyte.String
	if !input.ReadASN1(&sequence, casn1.SEQUENCE) || !input.Empty() {
		return nil, errNoName
	}
	for !sequence.Empty() {
		var set cryptobyte.String
		if !sequence.ReadASN1(&set, casn1.SET) || set.Empty() {
			return nil, errNoName
		}
		var parts []part
		for !set.Empty() {
			p, ok := readPart(&set)
			if !ok {
				return nil, errNoName
			}
			parts = append(parts, p)
		}
		name = append(name, parts)
	}
	return name, nil
}

func readPart(set *cryptobyte.String) (p part, ok bool) {
	var sequence, element cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !set.ReadASN1(&sequence, casn1.SEQUENCE) || !sequence.ReadASN1ObjectIdentifier(&oid) ||
		!sequence.ReadAnyASN1Element(&element, &p.read) || !sequence.Empty() {
		return part{}, false
	}
	p.attribute, p.value = attributeOf(oid), element
	var content cryptobyte.String
	if !element.ReadAnyASN1(&content, &p.read) {
		return part{}, false
	}
	if text, ok := decodeString(p.read, content); ok {
		p.text, p.value = text, nil
	}
	return p, true
}

// decodeString gives the text of the string types of X.680; that of a TeletexString
// is taken as everyone does, as ISO 8859-1.
func decodeString(tag casn1.Tag, content []byte) (text string, ok bool) {
	switch int(tag) {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString, tagVisibleString:
		return string(content), utf8.Valid(content)
	case asn1.TagT61String:
		var b strings.Builder
		for _, octet := range content {
			b.WriteRune(rune(octet))
		}
		return b.String(), true
	case asn1.TagBMPString:
		var units []uint16
		for ; len(content) >= 2; content = content[2:] {
			units = append(units, binary.BigEndian.Uint16(content))
		}
		return string(utf16.Decode(units)), len(content) == 0
	case tagUniversalString:
		var runes []rune
		for ; len(content) >= 4; content = content[4:] {
			runes = append(runes, rune(binary.BigEndian.Uint32(content)))
		}
		return string(runes), len(content) == 0
	}
	return "", false
}

// String types that encoding/asn1 does not know (X.680 section 8.4).
const (
	tagVisibleString   = 26
	tagUniversalString = 28
)

// der encodes the name, with the strings that it was typed with; nil if it has one
// that is not UTF-8, which check refuses.
func (n dn) der() []byte {
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, parts := range n {
			var encoded [][]byte
			for _, p := range parts {
				encoded = append(encoded, p.der())
			}
			slices.SortFunc(encoded, bytes.Compare) // X.690 section 11.6
			b.AddASN1(casn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(encoded, nil)) })
		}
	})
	content, err := b.Bytes()
	if err != nil || slices.ContainsFunc(n.parts(), func(p part) bool { return !utf8.ValidString(p.text) }) {
		return nil
	}
	return content
}

func (p part) der() []byte {
	tag := p.tag
	if tag == 0 {
		tag = asn1.TagPrintableString
		if strings.ContainsFunc(p.text, func(r rune) bool { return !printable(r) }) {
			tag = asn1.TagUTF8String
		}
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(p.oid)
		b.AddASN1(casn1.Tag(tag), func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.text)) })
	})
	return b.BytesOrPanic()
}

// parts are those of all relative names.
func (n dn) parts() []part { return slices.Concat(n...) }

// has says whether there is a part with a label.
func (n dn) has(label string) bool {
	return slices.ContainsFunc(n.parts(), func(p part) bool { return p.label == label })
}

// String gives the name for people as RFC 4514 section 2 does: what is encoded last
// comes first.
func (n dn) String() string {
	var names []string
	for _, parts := range slices.Backward(n) {
		var texts []string
		for _, p := range parts {
			texts = append(texts, p.String())
		}
		names = append(names, strings.Join(texts, "+"))
	}
	return strings.Join(names, ",")
}

func (p part) String() string {
	if p.value != nil {
		return p.label + "=#" + hex.EncodeToString(p.value)
	}
	return p.label + "=" + escape(p.text)
}

// escape writes a value, RFC 4514 section 2.4. What cannot be printed is hexadecimal:
// a name that someone else has made can have line ends, which would begin another fact.
func escape(text string) string {
	var b strings.Builder
	for i, r := range text {
		first, last := i == 0, i == len(text)-1
		switch {
		case !unicode.IsPrint(r):
			for _, octet := range []byte(string(r)) {
				fmt.Fprintf(&b, `\%02X`, octet)
			}
			continue
		case strings.ContainsRune(`,+"\<>;`, r), r == '#' && first, r == ' ' && (first || last):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// parseDN reads a name as in RFC 4514 section 3.
func parseDN(text string) (name dn, err error) {
	for _, relative := range splitUnescaped(text, ',') {
		var parts []part
		for _, written := range splitUnescaped(relative, '+') {
			p, err := parsePart(written)
			if err != nil {
				return nil, err
			}
			parts = append(parts, p)
		}
		name = append(name, parts)
	}
	slices.Reverse(name)
	return name, nil
}

// slashedDN reads a name as OpenSSL's -subj has it, /C=CH/O=Acme/CN=Sub, so that it can
// be told how it is written here; nil for any other.
func slashedDN(text string) (name dn) {
	rest, slashed := strings.CutPrefix(text, "/")
	for _, written := range splitUnescaped(rest, '/') {
		label, value, ok := strings.Cut(written, "=")
		a, known := findAttribute(label)
		if !slashed || !ok || !known || value == "" {
			return nil
		}
		name = append(name, []part{{attribute: a, text: value}})
	}
	return name
}

func parsePart(text string) (part, error) {
	if strings.TrimSpace(text) == "" {
		return part{}, errors.New("it is empty, or has a comma or a plus sign too many; CN=… was expected, or several such parts with commas between them")
	}
	label, escaped, ok := strings.Cut(text, "=")
	a, known := findAttribute(label)
	if !ok || !known {
		return part{}, fmt.Errorf(`%q is not an attribute; CN=…, O=…, C=…, DC=… or another one was expected (an object identifier where it has no name), with \ before a comma or a plus sign that belongs to a value`, text)
	}
	value, err := unescape(escaped)
	if err == nil && value == "" {
		err = errors.New("it is empty; one value was expected")
	}
	if err != nil {
		return part{}, fmt.Errorf("%s: %w", a.label, err)
	}
	return part{attribute: a, text: value}, nil
}

// splitUnescaped splits where there is a separator that has no backslash before it.
func splitUnescaped(text string, separator byte) (parts []string) {
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case separator:
			parts, start = append(parts, text[start:i]), i+1
		}
	}
	return append(parts, text[start:])
}

// unescape reads a value, RFC 4514 section 3: a backslash is before a special
// character, or before two hexadecimal digits.
func unescape(text string) (string, error) {
	text = strings.TrimLeft(text, " ")
	if strings.HasPrefix(text, "#") {
		return "", errors.New(`it begins with #, which is for hexadecimal digits; text was expected, with \ before a # that belongs to it`)
	}
	if strings.HasPrefix(text, `"`) {
		return "", errors.New(`a value has no quotation marks around it; \ before a comma that belongs to it was expected`)
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		before, after, found := strings.Cut(rest, `\`)
		if i := strings.IndexAny(before, `";<>`); i >= 0 {
			return "", fmt.Errorf(`%c stands for itself only with \ before it`, before[i])
		}
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

// same says whether two names consist of the same attributes with the same values,
// whatever their order, their grouping and their string types.
func (n dn) same(other dn) bool { return slices.Equal(n.folded(), other.folded()) }

// folded are the parts of a name, sorted: each the same text for all that RFC 5280
// section 7.1 takes for the same.
func (n dn) folded() (all []string) {
	for _, p := range n.parts() {
		// Folding can part a letter from its accent, hence the second NFKC.
		text := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(p.text)))
		all = append(all, fmt.Sprintf("%s=%s#%x", p.oid, strings.Join(strings.Fields(text), " "), p.value))
	}
	slices.Sort(all)
	return all
}

// checkStrings wants strings of the types that crypto/x509 reads, and with it much
// else. What is in them is encoding/asn1's to check.
func (n dn) checkStrings() error {
	known := []int{asn1.TagPrintableString, asn1.TagUTF8String, asn1.TagT61String, asn1.TagIA5String, asn1.TagNumericString, asn1.TagBMPString}
	for _, p := range n.parts() {
		if !slices.Contains(known, int(p.read)) {
			return fmt.Errorf("%s: %s is encoded with the ASN.1 type %d, which much software refuses; a request with PrintableString or UTF8String was expected (RFC 5280 section 4.1.2.4)", p.name(), p, p.read)
		}
	}
	return nil
}

// sameName says whether two names, DER, are the same but for order, grouping, string
// types, case and spaces.
func sameName(a, b []byte) bool {
	one, err := readDN(a)
	two, otherErr := readDN(b)
	return err == nil && otherErr == nil && one.same(two)
}

// DistinguishedName gives a name, DER, for people: as in RFC 4514, with the attributes
// of RFC 5280 section 4.1.2.4 by their short names.
func DistinguishedName(content []byte) string {
	name, err := readDN(content)
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	return name.String()
}
