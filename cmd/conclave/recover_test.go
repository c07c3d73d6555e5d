//go:build linux

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"conclave/custody"
	"conclave/internal/foreign"
)

// withCertificate puts a certificate in place of the card's request, as wrap
// files have one once it was issued.
func withCertificate(t *testing.T, wrap, certificate, out string) {
	t.Helper()
	f, err := custody.ReadWrapFile(wrap)
	if err != nil {
		t.Fatal(err)
	}
	if f.Certificate, err = os.ReadFile(certificate); err != nil {
		t.Fatal(err)
	}
	content, err := f.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRecoverPKCS12 gives OpenSSL the key with its certificate.
func TestRecoverPKCS12(t *testing.T) {
	foreign.Need(t, "openssl")
	vectorDesk(t)
	t.Setenv("OUT", "a long password")
	recover := func(wrap string, args ...string) (string, error) {
		all := append([]string{"key", "recover", wrap, "--dkek", "dkek.pbe", "--sheets-file", "2-of-4.txt"}, args...)
		out, err := exec.Command("conclave", all...).CombinedOutput()
		return string(out), err
	}
	if out, err := recover("rsa-2048.wrap", "--out", "plain.pem", "--plain", "--plain"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pipe(t, nil, "openssl", "req", "-new", "-x509", "-key", "plain.pem", "-subj", "/CN=Root", "-outform", "DER", "-out", "root.der")
	withCertificate(t, "rsa-2048.wrap", "root.der", "certified.wrap")
	if out, err := recover("certified.wrap", "--out", "root.p12", "--format", "pkcs12", "--out-password", "env:OUT"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	content := string(pipe(t, nil, "openssl", "pkcs12", "-in", "root.p12", "-passin", "env:OUT", "-nodes"))
	if !strings.Contains(content, "BEGIN PRIVATE KEY") || !strings.Contains(content, "CN = Root") {
		t.Errorf("the PKCS#12 file holds something else:\n%s", content)
	}

	// Without a certificate, and with another key's.
	if out, err := recover("rsa-2048.wrap", "--out", "x.p12", "--format", "pkcs12", "--out-password", "env:OUT"); err == nil || !strings.Contains(out, "use the PEM form") {
		t.Errorf("without a certificate: %v\n%s", err, out)
	}
	withCertificate(t, "EC-secp256r1.wrap", "root.der", "mixed.wrap")
	out, err := recover("mixed.wrap", "--out", "x.pem", "--plain", "--plain")
	if err == nil || !strings.Contains(out, "the certificate in the file is of another key than the one that is wrapped in it") {
		t.Errorf("another key's certificate: %v\n%s", err, out)
	}
	if _, err := os.Stat("x.pem"); err == nil {
		t.Error("a key was written all the same")
	}
}

// TestRecoverAtATerminal asks for the password of the file, without echo, before the
// custodians come, and again until it was typed twice.
func TestRecoverAtATerminal(t *testing.T) {
	vectorDesk(t)
	s := begin(t, "key", "recover", "EC-secp256r1.wrap", "--dkek", "dkek.pbe", "--sheets", "2", "--out", "key.pem")
	s.Answer("Password: $", "horse")
	s.Expect("Not accepted: the password has 5 characters; 6 or more were expected")
	s.Answer("Password: $", "correct horse")
	s.Answer("Password, again: $", "correct house")
	s.Expect("Not accepted: the two entries of the password differ")
	s.Answer("Password: $", "correct horse")
	s.Answer("Password, again: $", "correct horse")
	for i, sheet := range [][]string{{"dc:5f:8e:b5:1a:19:87:ff", "1", "59:4a:ea:80:e0:e9:9b:8e"}, {"4", "46:cb:c3:f1:3e:cc:37:8e"}} {
		s.Answer(`Press <enter> when you are alone\. $`, "")
		for j, line := range sheet {
			s.Answer([]string{"Code, or Prime: $", "Code, or Share ID: $", "Share value: $"}[i+j], line)
		}
	}
	s.Expect("BEGIN PUBLIC KEY")
	s.Expect(`Private keys \(1\) written to key.pem, encrypted under the password`)
	s.End(0)
	if strings.Contains(string(s.All), "correct horse") {
		t.Error("the password was shown")
	}
	pipe(t, nil, "openssl", "pkey", "-in", "key.pem", "-passin", "pass:correct horse", "-noout")
}
