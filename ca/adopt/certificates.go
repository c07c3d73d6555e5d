package adopt

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"conclave/ca"
	"conclave/internal/safefile"
)

const (
	// MaxBundle is how many bytes a file with several certificates may have.
	MaxBundle = 32 << 20
	// MaxCertificates is how many are taken at once; a register has room for about as many.
	MaxCertificates = 100_000
)

// Certificate is one that was found in a file.
type Certificate struct {
	File   string
	DER    []byte
	Parsed *x509.Certificate // nil for one that this program cannot read
	Unread *ca.Unreadable    // of that
}

func (c *Certificate) issuer() []byte {
	if c.Parsed == nil {
		return c.Unread.Issuer
	}
	return c.Parsed.RawIssuer
}

func (c *Certificate) number() *big.Int {
	if c.Parsed == nil {
		return c.Unread.Number
	}
	return c.Parsed.SerialNumber
}

// ReadCertificates reads files with certificates, and folders of such files, but not
// what is in folders below those: DER, PEM with whatever is between the certificates,
// PKCS #7. Findings tell what is left, and why.
func ReadCertificates(paths ...string) (all []Certificate, findings []string, err error) {
	var left []leftOut
	for _, path := range paths {
		files, err := filesOf(path)
		if err != nil {
			return nil, nil, err
		}
		for _, file := range files {
			found, more, err := readFile(file)
			if err != nil && file == path {
				return nil, nil, err
			}
			if err != nil {
				more = append(more, leftOut{"", err.Error()})
			}
			all, left = append(all, found...), append(left, more...)
			if len(all) > MaxCertificates {
				return nil, nil, fmt.Errorf("%s: more than %d certificates; adopt them in several steps", path, MaxCertificates)
			}
		}
	}
	return all, findingsOf(left), nil
}

// leftOut is something that is no certificate.
type leftOut struct {
	file string // empty where why names it
	why  string
}

// findingsOf are a line for each reason: a folder can have as many requests and keys as
// certificates.
func findingsOf(left []leftOut) (findings []string) {
	var order []string
	files := map[string][]string{} // by reason
	for _, l := range left {
		if files[l.why] == nil {
			order = append(order, l.why)
		}
		files[l.why] = append(files[l.why], l.file)
	}
	for _, why := range order {
		if files[why][0] == "" {
			findings = append(findings, why+"; left")
			continue
		}
		findings = append(findings, fmt.Sprintf("%s: %s; left", listed(files[why], 3), why))
	}
	return findings
}

// listed are the first few of several things.
func listed(all []string, most int) string {
	shown := all[:min(len(all), most)]
	if rest := len(all) - len(shown); rest > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), rest)
	}
	return strings.Join(shown, ", ")
}

// filesOf are those in a folder, or the one file.
func filesOf(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		files = append(files, filepath.Join(path, entry.Name()))
	}
	return files, nil
}

// readFile reads the certificates in a file.
func readFile(path string) (all []Certificate, left []leftOut, err error) {
	content, err := safefile.Read(path, MaxBundle)
	if err != nil {
		return nil, nil, err
	}
	leave := func(format string, args ...any) { left = append(left, leftOut{path, fmt.Sprintf(format, args...)}) }
	take := func(content []byte) {
		for _, der := range unpacked(content) {
			found, err := parse(path, der)
			if err != nil {
				leave("it is not a certificate: %v", err)
				continue
			}
			all = append(all, found)
		}
	}
	if !bytes.Contains(content, []byte("-----BEGIN ")) {
		take(content)
		return all, left, nil
	}
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case slices.Contains([]string{"CERTIFICATE", "X509 CERTIFICATE", "PKCS7", "CMS"}, block.Type):
			take(block.Bytes)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			leave("there is a private key; should it be there?")
		default:
			leave("there is a %.40s", block.Type)
		}
	}
	if len(all)+len(left) == 0 {
		leave("it looks like PEM, but has no whole block")
	}
	return all, left, nil
}

// parse reads one certificate in any of the forms that ca.ParseCertificate knows.
func parse(path string, content []byte) (Certificate, error) {
	if len(content) > ca.MaxFile {
		return Certificate{}, fmt.Errorf("%d bytes; %d at most were expected", len(content), ca.MaxFile)
	}
	cert, err := ca.ParseCertificate(content)
	if unread, ok := errors.AsType[*ca.Unreadable](err); ok && unread.Number.Sign() >= 0 {
		return Certificate{path, unread.DER, nil, unread}, nil
	}
	if err != nil {
		return Certificate{}, err
	}
	return Certificate{path, cert.Raw, cert, nil}, nil
}
