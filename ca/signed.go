package ca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"

	"conclave/internal/pqx509"
)

// Signed is what a certificate and a CRL say of themselves alike.
type Signed struct {
	Kind   Kind
	DER    []byte
	TBS    []byte   // what the signature is over: tbsCertificate or tbsCertList, DER
	Issuer []byte   // its distinguished name, DER
	Number *big.Int // serial number, or CRL number; nil for a CRL without one

	algorithm   x509.SignatureAlgorithm
	signature   []byte
	certificate *x509.Certificate    // nil for a CRL
	crl         *x509.RevocationList // nil for a certificate
}

// ParseSigned reads what is of a kind, DER, with nothing after it. It does not
// verify the signature.
func ParseSigned(kind Kind, der []byte) (Signed, error) {
	if kind != KindCRL {
		c, err := pqx509.ParseCertificate(der)
		if err != nil {
			return Signed{}, err
		}
		return Signed{kind, c.Raw, c.RawTBSCertificate, c.RawIssuer, c.SerialNumber, c.SignatureAlgorithm, c.Signature, c, nil}, nil
	}
	c, err := pqx509.ParseRevocationList(der)
	if err != nil {
		return Signed{}, err
	}
	if len(c.Raw) != len(der) {
		return Signed{}, errors.New("x509: trailing data")
	}
	return Signed{kind, c.Raw, c.RawTBSRevocationList, c.RawIssuer, c.Number, c.SignatureAlgorithm, c.Signature, nil, c}, nil
}

// verify wants a signature of a key over exactly what was linted.
func (s Signed) verify(public crypto.PublicKey, linted Signed) error {
	if !bytes.Equal(s.TBS, linted.TBS) {
		return errors.New("what was signed is not byte for byte what was linted")
	}
	if err := pqx509.CheckSignature(&x509.Certificate{PublicKey: public}, s.algorithm, s.TBS, s.signature); err != nil {
		return fmt.Errorf("the signature was not made with the authority's key: %w", err)
	}
	return nil
}
