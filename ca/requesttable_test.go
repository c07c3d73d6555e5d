package ca_test

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"conclave/ca"
)

// requests is where requests as real software makes them are.
const requests = "testdata/requests/"

// row is one of the table of docs/requests.md.
type row struct{ file, outcome string }

// requestTable reads the table, and wants it to have all of the files.
func requestTable(t *testing.T) (rows []row) {
	t.Helper()
	page, err := os.ReadFile("../docs/requests.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{"README.md": true}
	for _, cells := range regexp.MustCompile("(?m)^\\| [^|]+ \\| `([^`|]+)` \\| [^|]+ \\| ([^|]+) \\|$").FindAllSubmatch(page, -1) {
		rows = append(rows, row{string(cells[1]), string(cells[2])})
		seen[string(cells[1])] = true
	}
	files, err := filepath.Glob(requests + "*")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		if !seen[filepath.Base(path)] {
			t.Errorf("%s is in no row of docs/requests.md", path)
		}
	}
	return rows
}

// TestRequestTable plays each row of the table in docs/requests.md: what is issued
// is issued, what options decide is refused without them, and each is named.
func TestRequestTable(t *testing.T) {
	root := newAuthority(t, ca.Root, newKey(t))
	for _, r := range requestTable(t) {
		t.Run(r.file, func(t *testing.T) {
			content, err := os.ReadFile(requests + r.file)
			if err != nil {
				t.Fatal(err)
			}
			if words, refused := strings.CutPrefix(r.outcome, "refused: "); refused {
				_, err := ca.CheckRequest(content, spec(ca.Subordinate))
				mustSay(t, r.outcome, err, words)
				return
			}
			outcome, remarks, _ := strings.Cut(r.outcome, "; ")
			mustBeIssued(t, root, content, outcome, remarks)
		})
	}
}

// TestCertificateForms reads a certificate however it was sent, and names what is none.
func TestCertificateForms(t *testing.T) {
	content, err := os.ReadFile(requests + "certificate.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	text := string(content)
	wide := "\xfe\xff" // UTF-16, big-endian
	for _, r := range text {
		wide += string([]byte{0, byte(r)})
	}
	for name, form := range map[string]string{
		"DER": string(block.Bytes), "PEM": text, "CRLF": strings.ReplaceAll(text, "\n", "\r\n"), "CR": strings.ReplaceAll(text, "\n", "\r"),
		"text before and after": "Certificate:\n    Data:\n" + text + "\n-- \nAda\n", "quoted": "> " + strings.ReplaceAll(text, "\n", "\n> "),
		"UTF-16": wide, "UTF-8 with a mark": "\xef\xbb\xbf" + text, "base64": base64.StdEncoding.EncodeToString(block.Bytes),
		"base64 without padding": strings.TrimRight(base64.StdEncoding.EncodeToString(block.Bytes), "="),
		"from a web page":        strings.ReplaceAll(text, "\n", "\u00a0\n"),
		"base64 of PEM":          base64.StdEncoding.EncodeToString(content),
	} {
		if cert, err := ca.ParseCertificate([]byte(form)); err != nil || !bytes.Equal(cert.Raw, block.Bytes) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for file, want := range map[string]string{
		"certificates.p7b":  "it is PKCS #7; a certificate was expected: such a file, often .p7b, has several; take the one out with: openssl pkcs7 -print_certs",
		"openssl-plain.csr": "it is a request (PKCS #10); a certificate was expected",
		"with-key.pem":      "ALARM: it holds a private key. If someone has sent it, others can have read it",
		"form-cut-off.csr":  "its PEM is damaged",
	} {
		content, err := os.ReadFile(requests + file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ca.ParseCertificate(content)
		mustSay(t, file, err, want)
	}
	_, err = ca.ParseCertificate([]byte(text + text))
	mustSay(t, "two", err, "there are 2 things in it, a certificate, a certificate…; a certificate alone was expected")
}

// mustBeIssued wants a request to be refused without the options of an outcome, and
// to be followed with them.
func mustBeIssued(t *testing.T, root ca.Authority, content []byte, outcome, remarks string) {
	t.Helper()
	request, err := ca.ParseRequest(content)
	if err != nil {
		t.Fatal(err)
	}
	s := spec(ca.Subordinate)
	s.Subject, s.PathLen = subjectOf(t, request.Subject), nil
	options := regexp.MustCompile("`(--[a-z-]+) ([^`]+)`").FindAllStringSubmatch(outcome, -1)
	if (outcome == "issued") != (len(options) == 0) {
		t.Fatalf("the outcome %q is not one that is known", outcome)
	}
	if err := request.Check(s); len(options) > 0 {
		for _, option := range options {
			mustSay(t, outcome, err, "with "+option[1]+" "+option[2]+" (in a plan: ")
		}
	} else if err != nil {
		t.Fatal(err)
	}
	for _, option := range options {
		setOption(t, &s, option[1], option[2])
	}
	if err := request.Check(s); err != nil {
		t.Fatal(err)
	}
	s = request.Complete(s)
	told := strings.Join(request.Remarks(s), "\n")
	for remark := range strings.SplitSeq(remarks, "; ") {
		if !strings.Contains(told, remark) {
			t.Errorf("it is remarked: %q; %q was expected", told, remark)
		}
	}
	mustBeAsPlanned(t, root, request, s)
}

// mustBeAsPlanned issues a certificate. What is left out of the request is told, and
// changes no extension.
func mustBeAsPlanned(t *testing.T, root ca.Authority, request *ca.Request, s ca.Spec) {
	t.Helper()
	draft, err := root.Prepare(s, request.Public)
	if err != nil {
		t.Fatal(err)
	}
	issued := sign(t, root, draft)
	if len(s.LeaveOut) == 0 {
		return
	}
	if told := "\nNote: left out of what the request may ask for: " + strings.Join(s.LeaveOut, ", ") + "\n"; !strings.Contains(draft.Text(), told) {
		t.Errorf("people are not told %q:\n%s", told, draft.Text())
	}
	s.LeaveOut = nil
	if planned := issue(t, root, s, request.Public); !reflect.DeepEqual(issued.Extensions, planned.Extensions) {
		t.Errorf("it has %v; %v was planned", issued.Extensions, planned.Extensions)
	}
}

// subjectOf gives a name of a request as a spec has it.
func subjectOf(t *testing.T, der []byte) (n ca.Name) {
	t.Helper()
	var rdn pkix.RDNSequence
	if _, err := asn1.Unmarshal(der, &rdn); err != nil {
		t.Fatal(err)
	}
	n, err := ca.ParseName(rdn.String())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// setOption does what an option of conclave ca issue does.
func setOption(t *testing.T, s *ca.Spec, option, value string) {
	t.Helper()
	switch option {
	case "--leave-out":
		s.LeaveOut = append(s.LeaveOut, value)
	case "--usage":
		s.ExtKeyUsage = strings.Split(value, ",")
	case "--policy":
		s.Policies = strings.Split(value, ",")
	case "--permit-dns":
		s.Constraints = &ca.Constraints{PermittedDNS: strings.Split(value, ",")}
	case "--path-len":
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatal(err)
		}
		s.PathLen = &n
	default:
		t.Fatalf("the option %s is not known here", option)
	}
}
