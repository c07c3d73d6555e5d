package keyfile

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"unicode/utf8"

	"conclave/internal/pqx509"
	"conclave/internal/secret"

	"software.sslmate.com/src/go-pkcs12"
)

// pkcs12Iterations is for each of the three derivations of a file: at most a
// second to write or to open it.
const pkcs12Iterations = 200_000

// PKCS12 returns the key and its DER certificate as PKCS#12 (RFC 7292) under
// the password, with PBES2, AES-256-CBC and HMAC-SHA-256, which OpenSSL 1.1.1,
// Java 12 and Windows Server 2019 read. It takes RSA and NIST curves only, and
// the certificate must be the key's. The library wants the password as a
// string, a copy that cannot be wiped.
func PKCS12(key any, certificate []byte, password secret.Bytes) ([]byte, error) {
	if err := checkPKCS12Password(password); err != nil {
		return nil, err
	}
	cert, err := certificateOf(key, certificate)
	if err != nil {
		return nil, err
	}
	der, err := PKCS8(key)
	if err != nil {
		return nil, err
	}
	defer der.Wipe()
	standard, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("PKCS#12 takes RSA keys and NIST curves only: %w; use the PEM form", err)
	}
	// Not Modern: what that stands for may change, and the encoding of 2026
	// needs OpenSSL 3.4.
	encoder := pkcs12.Modern2023.WithIterations(pkcs12Iterations).WithRand(rand.Reader)
	file, err := encoder.Encode(standard, cert, nil, string(password))
	if err != nil {
		return nil, fmt.Errorf("PKCS#12: %w", err)
	}
	return file, nil
}

// checkPKCS12Password refuses what cannot be encoded in UCS-2 (RFC 7292,
// appendix B.1): the library would put other characters in its place.
func checkPKCS12Password(password secret.Bytes) error {
	if len(password) == 0 {
		return errNoPassword
	}
	if !utf8.Valid(password) {
		return errors.New("the password for PKCS#12 is not UTF-8 text; use another password, or the PEM form")
	}
	return nil
}

// certificateOf parses the certificate and checks that it is the key's.
func certificateOf(key any, der []byte) (*x509.Certificate, error) {
	spki, err := publicDER(key)
	if err != nil {
		return nil, err
	}
	if len(der) == 0 {
		return nil, errors.New("PKCS#12 needs the certificate of the key, but there is none; use the PEM form")
	}
	cert, err := pqx509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("PKCS#12 needs an X.509 certificate of an RSA key or a NIST curve; "+
			"this is of another kind, or a request, which devices keep in its place: %w; use the PEM form", err)
	}
	if !bytes.Equal(cert.RawSubjectPublicKeyInfo, spki) {
		return nil, errors.New("the certificate is another key's; give the one that belongs to this key, or use the PEM form")
	}
	return cert, nil
}
