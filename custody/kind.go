package custody

import (
	"bytes"
	"fmt"
	"strings"

	"conclave/dkek"
	"conclave/internal/pqx509"
	"conclave/internal/transfer"
	"conclave/wire"
)

// kind is a kind of file that people name where another one was expected.
type kind struct {
	name   string
	advice string // the next command, or what else to do
	is     func(content []byte) bool
}

const (
	toImport  = "a private key gets into a device with: conclave key import"
	toUnpack  = "take the file out of it first"
	otherCopy = "take another copy"
)

// kinds are looked for in this order.
func kinds() []kind {
	return []kind{
		{"empty", otherCopy, func(b []byte) bool { return len(b) == 0 }},
		{"all zeros: its content was lost", otherCopy, func(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }},
		{"a DKEK share file", "a share gets into a device with: conclave dkek import", isShareFile},
		{"a wrapped key", "it is restored with: conclave key unwrap, or without a device with: conclave key recover", isWrapFile},
		{"a request for a certificate", "a certificate is issued for it with: conclave ca issue", isRequest},
		{"a certificate", "a key gets its certificate with: conclave key certificate", isCertificate},
		{"a CRL", "", isCRL},
		{"a PKCS #12 file", toImport, within(8, "\x30", "\x02\x01\x03\x30")},
		{"a private key", toImport, contains("PRIVATE KEY-----")},
		{"a private key (PKCS #8 or PKCS #1)", toImport, within(8, "\x30", "\x02\x01\x00")},
		{"a private key (SEC 1)", toImport, within(8, "\x30", "\x02\x01\x01\x04")},
		{"an encrypted private key (PKCS #8)", toImport, within(32, "\x30", "\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x05")},
		{"a public key", "", contains("PUBLIC KEY-----")},
		{"an OpenPGP message or key", "", contains("-----BEGIN PGP")},
		{"a Java keystore", toImport, begins("\xFE\xED\xFE\xED", "\xCE\xCE\xCE\xCE")},
		{"an archive or a compressed file", toUnpack, isPacked},
		{"encrypted with age", "decrypt it first", begins("age-encryption.org/")},
		{"a database: of a device, or a register", "", begins("SQLite format 3\x00")},
		{"a pointer of Git LFS", "fetch the file itself with: git lfs pull", begins("version https://git-lfs")},
		{"a page of a web site", "it was not downloaded as it is; was someone to log in?", begins("<!doctype html", "<html", "<?xml")},
		{"an e-mail", toUnpack, begins("From ", "From:", "Return-Path:", "Received:", "Delivered-To:", "MIME-Version:", "Content-Type:")},
		{"a private key (JWK)", toImport, contains(`"kty"`)},
		{sealedKind, "a new user PIN is set with it by: conclave hsm pin reset --sealed", contains(`"conclave sealed SO-PIN `)},
		{"JSON: a set record, a plan or a manifest", "name the file that it is about", begins("{")},
		{"a file of custodians' sheets", "sheets open a share file, with: --sheets-file", begins("prime", "share", "code", "sheet")},
		{"written by uuencode", "write it as it was with: uudecode", begins("begin 6", "begin-base64 6")},
		{"a PDF", "", begins("%PDF")},
	}
}

// ExplainKind adds to the error of a file that is not of the kind expected what it
// is, if that is known.
func ExplainKind(path string, content []byte, expected string, err error) error {
	for _, k := range kinds() {
		if !k.is(content) {
			continue
		}
		if k.name == expected { // and something is wrong with it
			break
		}
		text := fmt.Sprintf("%s is %s; %s was expected", path, k.name, expected)
		if k.advice != "" {
			text += ". " + strings.ToUpper(k.advice[:1]) + k.advice[1:]
		}
		return &kindError{text, err}
	}
	return fmt.Errorf("%s: %w", path, err)
}

// kindError is the error for a file of another kind. What its reader says of it
// would only confuse.
type kindError struct {
	text string
	err  error
}

// Error says what the file is.
func (e *kindError) Error() string { return e.text }

// Unwrap gives the error of the reader.
func (e *kindError) Unwrap() error { return e.err }

func isShareFile(content []byte) bool {
	_, _, err := transfer.Undo(content, checkShareFile)
	return err == nil
}

func isWrapFile(content []byte) bool {
	_, _, err := transfer.Undo(content, checkWrapFile)
	return err == nil
}

func checkShareFile(content []byte) error {
	_, err := dkek.ParseShareFile(content)
	return err
}

func checkWrapFile(content []byte) error {
	f, err := wire.ParseWrapFile(content)
	if err == nil {
		_, err = dkek.ParseBlob(f.Blob)
	}
	return err
}

func isRequest(b []byte) bool {
	_, err := pqx509.ParseCertificateRequest(b)
	return err == nil || contains("CERTIFICATE REQUEST-----")(b)
}

func isCertificate(b []byte) bool {
	_, err := pqx509.ParseCertificate(b)
	return err == nil || contains("CERTIFICATE-----")(b)
}

func isCRL(b []byte) bool {
	_, err := pqx509.ParseRevocationList(b)
	return err == nil || contains("-----BEGIN X509 CRL")(b)
}

// isPacked knows gzip, ZIP, bzip2, xz, 7z, and tar, which says so further on.
func isPacked(b []byte) bool {
	const tarMagic = 257
	return begins("\x1F\x8B", "PK\x03\x04", "BZh", "\xFD7zXZ", "7z\xBC\xAF")(b) || len(b) > tarMagic && bytes.HasPrefix(b[tarMagic:], []byte("ustar"))
}

// begins says whether a content begins so, in upper or lower case and after white
// space where it is text.
func begins(words ...string) func([]byte) bool {
	return func(b []byte) bool {
		b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\uFEFF")))
		for _, word := range words {
			if len(b) >= len(word) && strings.EqualFold(string(b[:len(word)]), word) {
				return true
			}
		}
		return false
	}
}

func contains(text string) func([]byte) bool {
	return func(b []byte) bool { return bytes.Contains(b, []byte(text)) }
}

// within says whether a content begins with a tag, and has a part among its first
// bytes: headers of DER have different lengths.
func within(size int, tag, part string) func([]byte) bool {
	return func(b []byte) bool {
		return bytes.HasPrefix(b, []byte(tag)) && bytes.Contains(b[:min(size, len(b))], []byte(part))
	}
}
