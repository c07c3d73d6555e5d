package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"

	"filippo.io/mldsa"

	"conclave/internal/keycheck"
	"conclave/internal/pqx509"
)

// ThrowAwayKey makes a key of the kind and size of another, to stand in for it.
func ThrowAwayKey(public crypto.PublicKey) (crypto.Signer, error) {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.GenerateKey(key.Curve, rand.Reader)
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits > keycheck.MaxRSA { // it would take minutes to make
			return nil, fmt.Errorf("key: RSA with %d bits; %d at most were expected", bits, keycheck.MaxRSA)
		}
		return rsa.GenerateKey(rand.Reader, key.N.BitLen())
	case *mldsa.PublicKey:
		return mldsa.GenerateKey(key.Parameters())
	}
	return nil, fmt.Errorf("key: %T; RSA, ECDSA or ML-DSA was expected", public)
}

// lintingKey makes a key whose signatures have the algorithm of another's. An
// RSA key is as short as may be: what is signed does not depend on that, and a
// long key takes seconds to make.
func lintingKey(public crypto.PublicKey) (crypto.Signer, error) {
	if _, ok := public.(*rsa.PublicKey); ok {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return ThrowAwayKey(public)
}

// signatureAlgorithm is the one that a key signs with: the hash that is as
// strong as the curve, and PKCS #1 v1.5 for RSA, which all software verifies
// (BR section 7.1.3.2). An ML-DSA key has one.
func signatureAlgorithm(public crypto.PublicKey) (x509.SignatureAlgorithm, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return x509.SHA256WithRSA, nil
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return x509.ECDSAWithSHA256, nil
		case elliptic.P384():
			return x509.ECDSAWithSHA384, nil
		case elliptic.P521():
			return x509.ECDSAWithSHA512, nil
		}
	case *mldsa.PublicKey:
		return pqx509.AlgorithmFor(key), nil
	}
	return 0, fmt.Errorf("signer: a key of type %T; %s was expected", public, keycheck.Certifiable)
}

// keyID identifies a key: the first 160 bits of the SHA-256 of its BIT STRING
// (RFC 7093 section 2, method 1).
func keyID(public crypto.PublicKey) ([]byte, error) {
	bits, err := keyBits(public)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(bits)
	return sum[:20], nil
}

// KeyIDFor is the subject key identifier that a certificate of a spec has for a key; nil
// for a key for which there is no certificate.
func (s Spec) KeyIDFor(public crypto.PublicKey) []byte {
	if s.KeyID != nil {
		return s.KeyID
	}
	id, err := keyID(public)
	if err != nil {
		return nil
	}
	return id
}

// HasKey says whether a certificate is for a key.
func HasKey(cert *x509.Certificate, public crypto.PublicKey) bool {
	return sameKey(cert.PublicKey, public)
}

// identifies says whether an identifier is made of a key as RFC 5280 section 4.2.1.2
// says, with SHA-1, whole or the last 60 bits of it, or as keyID makes it.
func identifies(id []byte, public crypto.PublicKey) bool {
	own, err := keyID(public)
	if err != nil {
		return false
	}
	bits, _ := keyBits(public) // keyID has read them
	sum := sha1.Sum(bits)
	short := slices.Clone(sum[12:])
	short[0] = 0x40 | short[0]&0x0f
	return bytes.Equal(id, own) || bytes.Equal(id, sum[:]) || bytes.Equal(id, short)
}

// keyBits are the bytes of a key's BIT STRING.
func keyBits(public crypto.PublicKey) ([]byte, error) {
	der, err := pqx509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return bitString(der)
}

// bitString gives the bytes of that in a SubjectPublicKeyInfo, DER.
func bitString(der []byte) ([]byte, error) {
	var info subjectPublicKeyInfo
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return info.Key.Bytes, nil
}

// sameKey says whether two public keys are the same.
func sameKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// keyText names the kind of a key for people.
func keyText(public crypto.PublicKey) string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA, %d bits", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA, " + key.Curve.Params().Name
	case *mldsa.PublicKey:
		return key.Parameters().String()
	}
	return fmt.Sprintf("%T", public)
}
