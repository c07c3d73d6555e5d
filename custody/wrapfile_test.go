package custody_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/custody"
)

// changes are what happens to files, and what is said of it.
func changes() map[string]func([]byte) []byte {
	return map[string]func([]byte) []byte{
		"":                              bytes.Clone,
		"each line end 0A became 0D 0A": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
		"it was saved as UTF-8 text":    asUTF8,
		"line ends or padding were added at its end": func(b []byte) []byte { return append(bytes.Clone(b), '\n') },
	}
}

func asUTF8(b []byte) []byte {
	var text []rune
	for _, c := range b {
		text = append(text, rune(c))
	}
	return []byte(string(text))
}

func writeTemp(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadChangedFiles reads wrapped keys and share files as they were before they
// were changed, and says what has happened. The files are as they were.
func TestReadChangedFiles(t *testing.T) {
	shareFile, err := os.ReadFile(shareFiles(t, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range shareFile { // what is undone is known for certain where there is one line end
		if b == '\r' || b == '\n' {
			shareFile[i]++
		}
	}
	shareFile[30] = '\n' // in the encrypted part, which is not opened here
	unchanged, err := custody.ReadShareFile(writeTemp(t, shareFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"EC-secp256r1.wrap", "EC-secp521r1.wrap", "rsa-4096.wrap"} {
		want := readWrap(t, name)
		content, err := os.ReadFile(vectorWrap(name))
		if err != nil {
			t.Fatal(err)
		}
		for what, change := range changes() {
			if what != "" && bytes.Equal(change(content), content) {
				continue // it has no line end
			}
			f, err := custody.ReadWrapFile(writeTemp(t, change(content)))
			if err != nil || f.Changed != what || !bytes.Equal(f.Content, change(content)) ||
				!bytes.Equal(f.Blob, want.Blob) || !bytes.Equal(f.Description, want.Description) || !bytes.Equal(f.Certificate, want.Certificate) {
				t.Errorf("%s, %q: %q, %v", name, what, f.Changed, err)
			}
		}
		for form, text := range map[string]string{"hexadecimal": hex.EncodeToString(content), "base64": base64.StdEncoding.EncodeToString(content)} {
			if f, err := custody.ReadWrapFile(writeTemp(t, []byte(text))); err != nil || f.Changed != "" || !bytes.Equal(f.Blob, want.Blob) {
				t.Errorf("%s in %s: %q, %v", name, form, f.Changed, err)
			}
		}
	}
	for what, change := range changes() {
		u, err := custody.ReadUnopened(writeTemp(t, change(shareFile)), false)
		if err != nil || u.Changed != what || u.ShareFile != unchanged {
			t.Errorf("the share file, %q: %q, %v", what, u.Changed, err)
		}
	}
	paper := base64.StdEncoding.EncodeToString(shareFile)
	for name, text := range map[string]string{
		"base64": paper, "without its =": strings.TrimRight(paper, "="), "openssl's lines": paper[:64] + "\n" + paper[64:] + "\n",
		"hexadecimal": hex.EncodeToString(shareFile), "groups of four": "  " + paper[:4] + " " + paper[4:8] + " " + paper[8:] + "\r\n",
	} {
		if u, err := custody.ReadUnopened(writeTemp(t, []byte(text)), false); err != nil || u.Changed != "" || u.ShareFile != unchanged {
			t.Errorf("the share file, %s: %q, %v", name, u.Changed, err)
		}
	}
	text := paper[:20] + "?" + paper[21:]
	var damaged *custody.OpenError
	if _, err := custody.ReadUnopened(writeTemp(t, []byte(text)), false); !errors.As(err, &damaged) || !strings.Contains(err.Error(), "near number 21 of 86") {
		t.Errorf("a paper copy with a wrong character: %v", err)
	}
}

// TestForeignFilesAreNamed says what a file is that is no wrapped key, or no share
// file, and what takes it.
func TestForeignFilesAreNamed(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, certificateErr := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	request, requestErr := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	pkcs8, pkcs8Err := x509.MarshalPKCS8PrivateKey(key)
	sec1, sec1Err := x509.MarshalECPrivateKey(key)
	share, shareErr := os.ReadFile(shareFiles(t, 1)[0])
	wrap, wrapErr := os.ReadFile(vectorWrap("EC-secp256r1.wrap"))
	if err := errors.Join(certificateErr, requestErr, pkcs8Err, sec1Err, shareErr, wrapErr); err != nil {
		t.Fatal(err)
	}
	inPEM := func(label string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: []byte("any")}))
	}
	const toImport = "A private key gets into a device with: conclave key import"
	for content, want := range map[string]string{
		"":                                     " is empty; ",
		strings.Repeat("\x00", 1500):           " is all zeros: its content was lost; ",
		string(certificate):                    " is a certificate; ",
		inPEM("CERTIFICATE"):                   "conclave key certificate",
		string(request):                        " is a request for a certificate; ",
		inPEM("CERTIFICATE REQUEST"):           "conclave ca issue",
		string(pkcs8):                          toImport,
		string(sec1):                           " is a private key (SEC 1); ",
		inPEM("ENCRYPTED PRIVATE KEY"):         toImport,
		inPEM("OPENSSH PRIVATE KEY"):           toImport,
		inPEM("PUBLIC KEY"):                    " is a public key; ",
		"\x30\x82\x09\x4A\x02\x01\x03\x30\x82": " is a PKCS #12 file; ",
		"\x30\x80\x02\x01\x03\x30\x80":         " is a PKCS #12 file; ",
		"\xFE\xED\xFE\xED\x00\x00\x00\x02":     " is a Java keystore; ",
		"\x1F\x8B\x08\x00":                     " is an archive or a compressed file; ",
		strings.Repeat("x", 257) + "ustar":     " is an archive or a compressed file; ",
		"\uFEFF <!DOCTYPE html><html>":         " is a page of a web site; ",
		"Received: from mail.example":          " is an e-mail; ",
		"version https://git-lfs.github.com/spec/v1\noid sha256:": "git lfs pull",
		"{\"format\": 1}":            " is JSON: a set record, a plan or a manifest; ",
		`{"kty": "EC"}`:              toImport,
		"prime dc:5f\nshare 2 9c:95": "with: --sheets-file",
		"\"something else\"":         ": ",
	} {
		for expected, read := range map[string]func(string) error{
			"a wrapped key":     func(path string) error { _, err := custody.ReadWrapFile(path); return err },
			"a DKEK share file": func(path string) error { _, err := custody.ReadShareFile(path); return err },
		} {
			err := read(writeTemp(t, []byte(content)))
			if err == nil || !strings.Contains(err.Error(), want) || want != ": " && !strings.Contains(err.Error(), expected+" was expected") {
				t.Errorf("%.20q for %s: %v; %q was expected", content, expected, err, want)
			}
		}
	}
	if _, err := custody.ReadWrapFile(writeTemp(t, share)); err == nil || !strings.Contains(err.Error(), " is a DKEK share file; a wrapped key was expected. A share gets into a device with: conclave dkek import") {
		t.Errorf("a share file: %v", err)
	}
	if _, err := custody.ReadShareFile(writeTemp(t, wrap)); err == nil || !strings.Contains(err.Error(), " is a wrapped key; a DKEK share file was expected. It is restored with: conclave key unwrap") {
		t.Errorf("a wrapped key: %v", err)
	}
}
