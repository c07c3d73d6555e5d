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
// what is in folders below those: DER, or PEM with whatever is between the certificates.
// Findings tell what is left, and why.
func ReadCertificates(paths ...string) (all []Certificate, findings []string, err error) {
	for _, path := range paths {
		files, err := filesOf(path)
		if err != nil {
			return nil, nil, err
		}
		for _, file := range files {
			found, left, err := readFile(file)
			if err != nil && file == path {
				return nil, nil, err
			}
			if err != nil {
				left = []string{fmt.Sprintf("%v; left", err)}
			}
			all, findings = append(all, found...), append(findings, left...)
			if len(all) > MaxCertificates {
				return nil, nil, fmt.Errorf("%s: more than %d certificates; adopt them in several steps", path, MaxCertificates)
			}
		}
	}
	return all, findings, nil
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
func readFile(path string) (all []Certificate, findings []string, err error) {
	content, err := safefile.Read(path, MaxBundle)
	if err != nil {
		return nil, nil, err
	}
	take := func(what string, der []byte) {
		found, err := parse(path, der)
		if err != nil {
			findings = append(findings, fmt.Sprintf("%s: %sit is not a certificate: %v; left", path, what, err))
			return
		}
		all = append(all, found)
	}
	if !bytes.Contains(content, []byte("-----BEGIN ")) {
		take("", content)
		return all, findings, nil
	}
	for n := 1; ; n++ {
		block, rest := pem.Decode(content)
		if block == nil {
			break
		}
		content = rest
		what := fmt.Sprintf("block %d: ", n)
		switch {
		case block.Type == "CERTIFICATE" || block.Type == "X509 CERTIFICATE":
			take(what, block.Bytes)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			findings = append(findings, fmt.Sprintf("%s: %sit is a private key; left: should it be there?", path, what))
		default:
			findings = append(findings, fmt.Sprintf("%s: %sit is a %.40s; left", path, what, block.Type))
		}
	}
	if len(all)+len(findings) == 0 {
		findings = append(findings, path+": it looks like PEM, but has no whole block; left")
	}
	return all, findings, nil
}

func parse(path string, der []byte) (Certificate, error) {
	if len(der) > ca.MaxFile {
		return Certificate{}, fmt.Errorf("%d bytes; %d at most were expected", len(der), ca.MaxFile)
	}
	cert, err := ca.ParseCertificate(der)
	if unread, ok := errors.AsType[*ca.Unreadable](err); ok && unread.Number.Sign() >= 0 {
		return Certificate{path, der, nil, unread}, nil
	}
	return Certificate{path, der, cert, nil}, err
}
