package ca

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"conclave/internal/transfer"
)

// MaxFile is how many bytes a certificate or a request may have. Long ones have a
// tenth of that; the time that a name takes to be shown grows with its square.
const MaxFile = 128 << 10

// form is what a file is found to hold.
type form string

const (
	formCertificate form = "a certificate"
	formRequest     form = "a request (PKCS #10)"
	formPrivateKey  form = "a private key"
	formPKCS12      form = "PKCS #12, which is for private keys"
	formPKCS7       form = "PKCS #7"
	formSPKAC       form = "SPKAC, as browsers made it"
	formCRMF        form = "CRMF (RFC 4211)"
	formCMP         form = "CMP (RFC 9810)"
	formCRL         form = "a CRL"
	formKeyStore    form = "a key store of Java, which is for private keys"
	formPuTTY       form = "a private key of PuTTY"
	formUnknown     form = ""
)

// labels are those of RFC 7468, and what older software writes in their place.
var labels = map[string]form{
	"CERTIFICATE": formCertificate, "X509 CERTIFICATE": formCertificate,
	"CERTIFICATE REQUEST": formRequest, "NEW CERTIFICATE REQUEST": formRequest,
	"PKCS7": formPKCS7, "CMS": formPKCS7, "X509 CRL": formCRL,
}

// advice says what to do about a file that holds something else than was expected.
var advice = map[form]map[form]string{
	formRequest: {
		formCertificate: "ask for the request that its owner makes with the key",
		formPKCS7:       "Windows makes PKCS #10 if certreq's .inf has RequestType = PKCS10",
		formSPKAC:       "OpenSSL makes PKCS #10 with: openssl req -new -key KEY",
		formCRMF:        "software that makes CMP can usually write PKCS #10 too",
		formCMP:         "software that makes CMP can usually write PKCS #10 too",
	},
	formCertificate: {
		formRequest: "it becomes one with: conclave ca issue",
		formPKCS7:   "such a file, often .p7b, has several; take the one out with: openssl pkcs7 -print_certs",
	},
}

// CertificateDER gives the one certificate that a file has, on whatever curve its key is:
// DER, PEM with whatever text around it, or base64.
func CertificateDER(content []byte) ([]byte, error) { return decode(content, formCertificate) }

// found is something in a file.
type found struct {
	form form
	der  []byte
}

// decode gives the DER of what a file has one of: DER itself, PEM with whatever
// text around it, or base64 alone; the text in ASCII or, as Windows writes it, in
// UTF-16.
func decode(content []byte, want form) ([]byte, error) {
	if len(content) > MaxFile {
		return nil, fmt.Errorf("%d bytes; %d at most were expected", len(content), MaxFile)
	}
	if len(content) == 0 {
		return nil, fmt.Errorf("the file is empty; %s was expected", want)
	}
	if isDER(content) {
		return want.only([]found{{formOf(content), content}})
	}
	text := transfer.PlainLines(content)
	all, err := pemBlocks(text)
	if err != nil {
		return nil, err
	}
	if len(all) > 0 {
		return want.only(all)
	}
	if bytes.HasPrefix(text, []byte("SPKAC=")) { // as openssl spkac writes it
		return want.only([]found{{form: formSPKAC}})
	}
	inner := bareBase64(text)
	switch {
	case isDER(inner):
		return want.only([]found{{formOf(inner), inner}})
	case bytes.HasPrefix(inner, []byte("-----BEGIN")): // as Kubernetes keeps it
		return decode(inner, want)
	}
	var first asn1.RawValue
	if rest, err := asn1.Unmarshal(content, &first); err == nil && first.Tag == asn1.TagSequence {
		return nil, fmt.Errorf("there is more after it, %d bytes; %s alone was expected", len(rest), want)
	}
	for _, row := range beginnings {
		if bytes.HasPrefix(content, []byte(row.text)) {
			return want.only([]found{{form: row.form}})
		}
	}
	return nil, fmt.Errorf("it is neither DER nor PEM nor base64; %s was expected: is it cut off, or was it changed on its way?", want)
}

// beginnings are those of files with private keys that are neither DER nor PEM.
var beginnings = []struct {
	text string
	form form
}{
	{"\xfe\xed\xfe\xed", formKeyStore}, {"\xce\xce\xce\xce", formKeyStore}, // JKS, JCEKS
	{"PuTTY-User-Key-File", formPuTTY},
}

// only wants a file to hold one thing, and that to be the right one. A private key
// is told of before anything else: it must not be used any more.
func (want form) only(all []found) ([]byte, error) {
	var forms []string
	for _, f := range all {
		if slices.Contains([]form{formPrivateKey, formPKCS12, formKeyStore, formPuTTY}, f.form) {
			return nil, fmt.Errorf("ALARM: it holds %s. If someone has sent it, others can have read it on its way, and a new key must be made; %s alone was expected", f.form, want)
		}
		forms = append(forms, string(f.form))
	}
	switch first := all[0]; {
	case len(all) > 1:
		return nil, fmt.Errorf("there are %d things in it, %s, %s…; %s alone was expected: make a file of each", len(all), forms[0], forms[1], want)
	case first.form == want || first.form == formUnknown:
		return first.der, nil
	case advice[want][first.form] != "":
		return nil, fmt.Errorf("it is %s; %s was expected: %s", first.form, want, advice[want][first.form])
	default:
		return nil, fmt.Errorf("it is %s; %s was expected", first.form, want)
	}
}

func isDER(content []byte) bool {
	var all asn1.RawValue
	rest, err := asn1.Unmarshal(content, &all)
	return err == nil && len(rest) == 0 && all.Class == asn1.ClassUniversal && all.Tag == asn1.TagSequence
}

// pemBlocks are all blocks of PEM in a text, none of them damaged.
func pemBlocks(text []byte) (all []found, err error) {
	if bytes.Contains(text, []byte("PRIVATE KEY-----")) { // even if it is damaged
		return []found{{form: formPrivateKey}}, nil
	}
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		f := found{formOf(block.Bytes), block.Bytes} // Windows calls PKCS #7 a NEW CERTIFICATE REQUEST, too
		if f.form == formUnknown {
			f.form = labels[block.Type]
		}
		if f.form == formUnknown {
			f.form = form(fmt.Sprintf("PEM of the kind %.40q", block.Type))
		}
		all = append(all, f)
	}
	if n := bytes.Count(text, []byte("-----BEGIN ")); n != len(all) {
		return nil, errors.New("its PEM is damaged: -----BEGIN and -----END were expected, each on a line of its own, with the same words after them, and base64 between them")
	}
	return all, nil
}

// bareBase64 is what a text encodes that is of base64 alone; nil for any other.
func bareBase64(text []byte) []byte {
	text = bytes.TrimRight(bytes.Join(bytes.Fields(text), nil), "=")
	der := make([]byte, base64.RawStdEncoding.DecodedLen(len(text)))
	if _, err := base64.RawStdEncoding.Decode(der, text); err != nil {
		return nil
	}
	return der
}

// shapes tell what DER is by what its SEQUENCE begins with, what the first element of
// that begins with, and the first of that; the letters are those of shape. The first
// row that fits says it.
var shapes = []struct {
	outer, inner, innermost string
	form                    form
}{
	{"ssb", "ci", "", formCertificate},   // RFC 5280 section 4.1
	{"ssb", "isss", "", formCertificate}, // without a version
	{"ssb", "isst", "", formCRL},         // RFC 5280 section 5.1
	{"ssb", "sst", "", formCRL},          // without a version
	{"ssb", "iss", "", formRequest},      // RFC 2986 section 4
	{"ssb", "sa", "", formSPKAC},         // HTML 5 of 2014, section 4.10.12
	{"Oc", "", "", formPKCS7},            // RFC 5652 section 3
	{"iso", "", "", formPrivateKey},      // PKCS #8, RFC 5958 section 2
	{"so", "O", "", formPrivateKey},      // the same encrypted, section 3
	{"iiii", "", "", formPrivateKey},     // PKCS #1, RFC 8017 appendix A.1.2
	{"io", "", "", formPrivateKey},       // RFC 5915 section 3
	{"is", "", "", formPKCS12},           // RFC 7292 section 4
	{"sc", "ic", "", formCMP},            // RFC 9810 section 5.1
	{"s", "s", "i", formCRMF},            // RFC 4211 section 3
}

func formOf(der []byte) form {
	var shape [3]string
	for i := range shape {
		shape[i], der = shapeOf(der)
	}
	for _, row := range shapes {
		if strings.HasPrefix(shape[0], row.outer) && strings.HasPrefix(shape[1], row.inner) && strings.HasPrefix(shape[2], row.innermost) {
			return row.form
		}
	}
	return formUnknown
}

// shapeOf writes a letter for each element of a SEQUENCE, and gives the first one.
func shapeOf(der []byte) (shape string, first []byte) {
	var elements []asn1.RawValue
	if _, err := asn1.Unmarshal(der, &elements); err != nil || len(elements) == 0 {
		return "", nil
	}
	for _, e := range elements[:min(6, len(elements))] {
		shape += letterOf(e)
	}
	return shape, elements[0].FullBytes
}

// letters are those of shape, by the universal tag.
var letters = map[int]string{
	asn1.TagSequence: "s", asn1.TagInteger: "i", asn1.TagBitString: "b", asn1.TagOctetString: "o", asn1.TagOID: "O",
	asn1.TagUTCTime: "t", asn1.TagGeneralizedTime: "t", asn1.TagIA5String: "a",
}

func letterOf(e asn1.RawValue) string {
	switch letter, ok := letters[e.Tag]; {
	case e.Class == asn1.ClassContextSpecific:
		return "c"
	case e.Class == asn1.ClassUniversal && ok:
		return letter
	}
	return "?"
}
