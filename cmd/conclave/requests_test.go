//go:build linux

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"conclave/internal/foreign"
)

// TestRequestsPage does what docs/requests.md says, at a terminal, and is shown what
// the page shows. A command that the page lets conclave refuse must fail.
func TestRequestsPage(t *testing.T) {
	foreign.Need(t, "openssl")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	p := enterShell(t, t.TempDir())
	page, err := os.ReadFile("../../docs/requests.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 4 {
		t.Fatalf("the page has %d blocks", len(blocks))
	}
	for _, block := range blocks {
		for command := range strings.SplitSeq(strings.TrimPrefix(block[1], "$ "), "\n$ ") {
			command, shows, _ := strings.Cut(strings.TrimSpace(command), "\n")
			from := p.Seen
			_, status := p.try(command)
			shown := string(p.All[from:p.Seen])
			if refused := strings.HasPrefix(shows, "conclave: sub.csr: "); refused != (status != "0") {
				t.Fatalf("%s ended with %s:\n%s", command, status, shown)
			}
			for line := range strings.Lines(shows) {
				if !strings.Contains(shown, strings.TrimSpace(line)) {
					t.Errorf("%s does not show %q:\n%s", command, strings.TrimSpace(line), shown)
				}
			}
		}
	}
	for _, file := range []string{"sub.pem", "again.pem"} {
		p.do("openssl verify -x509_strict -CAfile root.pem " + file)
		if shown := p.do("openssl x509 -noout -text -in " + file); strings.Contains(shown, "ca.example.com") || !strings.Contains(shown, "pathlen:0") {
			t.Errorf("%s:\n%s", file, shown)
		}
	}
}

// TestNothingIsLeftOutByItself: whoever presses enter alone has left nothing out.
func TestNothingIsLeftOutByItself(t *testing.T) {
	foreign.Need(t, "openssl")
	home(t)
	dir := t.TempDir()
	t.Chdir(dir)
	conclave(t, "key", "generate", "--type", "ec:secp256r1", "--pin", "env:PIN")
	conclave(t, "ca", "root", "1", "root.pem", "--subject", "CN=Acme Root", "--until", "2046-10-31", "--pin", "env:PIN")
	pipe(t, nil, "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "sub.key", "-out", "sub.csr",
		"-subj", "/CN=Acme Sub", "-addext", "subjectAltName=DNS:ca.example.com")
	s := begin(t, "ca", "issue", "sub.csr", "sub.pem", "--issuer", "root.pem", "--subject", "CN=Acme Sub", "--until", "2036-10-31", "--pin", "env:PIN")
	s.Answer(`subjectAltName \(DNS ca\.example\.com\), which the certificate will not have\. Leave it out\? \[y/N\] $`, "")
	s.Expect("conclave: sub.csr: request: it asks for subjectAltName")
	s.End(1)
	if _, err := os.Stat("sub.pem"); err == nil {
		t.Error("it was issued")
	}
	s = begin(t, "ca", "issue", "sub.csr", "sub.pem", "--issuer", "root.pem", "--subject", "CN=Someone", "--until", "2036-10-31", "--pin", "env:PIN")
	s.Expect("conclave: sub.csr: request: its subject is CN=Acme Sub, but CN=Someone was planned")
	s.End(1)
	if strings.Contains(string(s.All), "Leave it out") {
		t.Error("it asks though no answer would do")
	}
}
