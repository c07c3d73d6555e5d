// Package pqx509 is crypto/x509 with ML-DSA (FIPS 204, RFC 9881), which that has from Go
// 1.27 on. Its functions have the names of crypto/x509's, take and give the same types,
// and are the same for all other keys; methods are functions here. When crypto/x509 knows
// ML-DSA, this package goes, and those who call it call crypto/x509 again.
//
// Until then crypto/x509 itself reads a certificate with such a key as one without a key,
// and finds nothing wrong with a signature that it cannot verify where it is not asked for
// it. So no one else here calls what reads, verifies or makes certificates, CRLs and
// requests there; deps_test.go holds that.
package pqx509

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"filippo.io/mldsa"
	pkixkey "filippo.io/mldsa/x509"

	"conclave/internal/fips204"
)

// What certificates, CRLs and requests are signed with, by the numbers that crypto/x509
// has for them from Go 1.27 on.
const (
	MLDSA44 = x509.PureEd25519 + 1 + iota
	MLDSA65
	MLDSA87
)

// algorithmOf is the one of a parameter set.
func algorithmOf(s fips204.Set) x509.SignatureAlgorithm {
	return map[int]x509.SignatureAlgorithm{44: MLDSA44, 65: MLDSA65, 87: MLDSA87}[s.Number]
}

// AlgorithmFor is the one algorithm that a key signs with.
func AlgorithmFor(key *mldsa.PublicKey) x509.SignatureAlgorithm {
	return algorithmOf(fips204.Of(key.Parameters()))
}

// AlgorithmName is what people call a signature algorithm: its String, but for those that
// crypto/x509 has no name for yet.
func AlgorithmName(algorithm x509.SignatureAlgorithm) string {
	if s, known := fips204.Find(func(s fips204.Set) bool { return algorithmOf(s) == algorithm }); known {
		return s.Parameters.String()
	}
	return algorithm.String()
}

// SignatureAlgorithm is the one that an AlgorithmIdentifier names, if it is ML-DSA; zero
// for any other, and where it has parameters, which must be absent (RFC 9881 section 2).
func SignatureAlgorithm(identifier pkix.AlgorithmIdentifier) x509.SignatureAlgorithm {
	s, known := fips204.ByOID(identifier.Algorithm)
	if !known || len(identifier.Parameters.FullBytes) > 0 {
		return x509.UnknownSignatureAlgorithm
	}
	return algorithmOf(s)
}

// signed is what certificates, CRLs and requests have in common (RFC 5280 sections 4.1 and
// 5.1, RFC 2986 section 4.2).
type signed struct {
	Content   asn1.RawValue
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

// algorithmIn is the ML-DSA algorithm that something signed, DER, has; zero for any other.
func algorithmIn(der []byte) x509.SignatureAlgorithm {
	var s signed
	if _, err := asn1.Unmarshal(der, &s); err != nil {
		return x509.UnknownSignatureAlgorithm
	}
	return SignatureAlgorithm(s.Algorithm)
}

// ParseCertificate is crypto/x509's. An ML-DSA key is a *mldsa.PublicKey.
func ParseCertificate(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if cert.SignatureAlgorithm == x509.UnknownSignatureAlgorithm {
		cert.SignatureAlgorithm = algorithmIn(cert.Raw)
	}
	if cert.PublicKey == nil {
		if cert.PublicKey, err = parseKey(cert.RawSubjectPublicKeyInfo); err != nil {
			return nil, err
		}
	}
	return cert, nil
}

// parseKey gives an ML-DSA key, and nil for one of a kind that no one here knows.
func parseKey(der []byte) (any, error) {
	var key struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return nil, fmt.Errorf("x509: the public key: %w", err)
	}
	if _, known := fips204.ByOID(key.Algorithm.Algorithm); !known {
		return nil, nil
	}
	return ParsePKIXPublicKey(der)
}

// ParseRevocationList is crypto/x509's.
func ParseRevocationList(der []byte) (*x509.RevocationList, error) {
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}
	if crl.SignatureAlgorithm == x509.UnknownSignatureAlgorithm {
		crl.SignatureAlgorithm = algorithmIn(crl.Raw)
	}
	return crl, nil
}

// ParseCertificateRequest is crypto/x509's.
func ParseCertificateRequest(der []byte) (*x509.CertificateRequest, error) {
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, err
	}
	if request.SignatureAlgorithm == x509.UnknownSignatureAlgorithm {
		request.SignatureAlgorithm = algorithmIn(request.Raw)
	}
	if request.PublicKey == nil {
		if request.PublicKey, err = parseKey(request.RawSubjectPublicKeyInfo); err != nil {
			return nil, err
		}
	}
	return request, nil
}

// ParsePKIXPublicKey is crypto/x509's.
func ParsePKIXPublicKey(der []byte) (any, error) {
	key, err := pkixkey.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err // key may be a *mldsa.PublicKey that is nil
	}
	return key, nil
}

// MarshalPKIXPublicKey is crypto/x509's.
func MarshalPKIXPublicKey(public any) ([]byte, error) { return pkixkey.MarshalPKIXPublicKey(public) }

// CheckSignature is the method of x509.Certificate.
func CheckSignature(signer *x509.Certificate, algorithm x509.SignatureAlgorithm, content, signature []byte) error {
	key, isMLDSA := signer.PublicKey.(*mldsa.PublicKey)
	if !isMLDSA {
		return signer.CheckSignature(algorithm, content, signature)
	}
	switch algorithm {
	case x509.UnknownSignatureAlgorithm:
		return x509.ErrUnsupportedAlgorithm
	case AlgorithmFor(key):
		return mldsa.Verify(key, content, signature, nil)
	}
	return fmt.Errorf("x509: the signature is %s, but the key is %s", AlgorithmName(algorithm), key.Parameters())
}

// CheckSignatureFrom is the method of x509.Certificate: it wants the parent to be a CA,
// too, whose key may sign certificates.
func CheckSignatureFrom(cert, parent *x509.Certificate) error {
	err := cert.CheckSignatureFrom(parent)
	if errors.Is(err, x509.ErrUnsupportedAlgorithm) { // which comes after what the parent is
		err = CheckSignature(parent, cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
	}
	return err
}

// CheckRevocationListSignatureFrom is the method CheckSignatureFrom of x509.RevocationList.
func CheckRevocationListSignatureFrom(crl *x509.RevocationList, parent *x509.Certificate) error {
	err := crl.CheckSignatureFrom(parent)
	if errors.Is(err, x509.ErrUnsupportedAlgorithm) {
		err = CheckSignature(parent, crl.SignatureAlgorithm, crl.RawTBSRevocationList, crl.Signature)
	}
	return err
}
