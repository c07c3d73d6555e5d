// Package keyfile writes a recovered private key as a file that other software
// reads: PKCS#8, in the clear or encrypted, and PKCS#12. It reads the key files
// of other software too, in those forms and in some more: begin with [Read].
//
// Keys are what dkek.DKEK.Unwrap returns: *rsa.PrivateKey, *curve.PrivateKey,
// *mldsa.PrivateKey and dkek.AESKey. The last has no such form, and is refused everywhere.
package keyfile

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"

	"filippo.io/mldsa"

	"conclave/dkek"
	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/wire"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// PEM labels, RFC 7468, sections 10, 11 and 13.
const (
	labelPlain     = "PRIVATE KEY"
	labelEncrypted = "ENCRYPTED PRIVATE KEY"
	labelPublic    = "PUBLIC KEY"
)

// PKCS8 returns the DER PrivateKeyInfo (RFC 5208, section 5, as it is in RFC
// 5958, section 2) of an RSA, EC or ML-DSA key; of the last, the seed alone.
func PKCS8(key any) (secret.Bytes, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, fmt.Errorf("RSA key: %w", err)
		}
		return der, nil
	case *curve.PrivateKey:
		return marshalEC(key)
	case *mldsa.PrivateKey:
		return seedPKCS8(key)
	case Expanded:
		return key.pkcs8()
	}
	return nil, unsupported(key)
}

// PlainPEM returns the key as PKCS#8 in PEM, which anyone who gets it can read.
func PlainPEM(key any) (secret.Bytes, error) {
	der, err := PKCS8(key)
	if err != nil {
		return nil, err
	}
	defer der.Wipe()
	return pem.EncodeToMemory(&pem.Block{Type: labelPlain, Bytes: der}), nil
}

// EncryptedPEM returns the key as PKCS#8 in PEM, encrypted under the password
// with PBES2, scrypt and AES-256-CBC. OpenSSL 1.1.0 and later read it.
func EncryptedPEM(key any, password secret.Bytes) ([]byte, error) {
	if len(password) == 0 {
		return nil, errNoPassword
	}
	der, err := PKCS8(key)
	if err != nil {
		return nil, err
	}
	defer der.Wipe()
	encrypted, err := encrypt(der, password)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: labelEncrypted, Bytes: encrypted}), nil
}

// PublicPEM returns the public half as SubjectPublicKeyInfo in PEM.
func PublicPEM(key any) ([]byte, error) {
	spki, err := publicDER(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: labelPublic, Bytes: spki}), nil
}

func publicDER(key any) ([]byte, error) {
	public, err := Public(key)
	if err != nil {
		return nil, err
	}
	return public.SPKI()
}

// Public gives the public half.
func Public(key any) (public wire.PublicKey, err error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		public = wire.RSAPublicKey(&key.PublicKey)
		public.Bits = key.N.BitLen()
		return public, nil
	case *curve.PrivateKey:
		return wire.ECPublicKey(key.Curve, key.Q), nil
	case *mldsa.PrivateKey:
		return wire.MLDSAPublicKey(key.PublicKey()), nil
	case Expanded:
		return Public(key.PrivateKey)
	}
	return public, unsupported(key)
}

var errNoPassword = errors.New("the password for the key file is empty; a password is needed to encrypt it")

func unsupported(key any) error {
	if _, ok := key.(dkek.AESKey); ok {
		return errors.New("an AES key has no PKCS#8 or PKCS#12 form; restore it to a device with conclave key unwrap")
	}
	return fmt.Errorf("a %T cannot be written to a key file; RSA, EC and ML-DSA keys can", key)
}

// id-ecPublicKey, RFC 5480, section 2.1.1.
var oidECPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}

// marshalEC writes what crypto/x509 writes for the NIST curves, for every
// curve: the ECPrivateKey of RFC 5915 with the public key, and the curve by
// name in the algorithm alone.
func marshalEC(key *curve.PrivateKey) (secret.Bytes, error) {
	if err := checkEC(key); err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidECPublicKey)
			b.AddASN1ObjectIdentifier(key.Curve.OID)
		})
		b.AddASN1(tag.OCTET_STRING, func(b *cryptobyte.Builder) { addECPrivateKey(b, key) })
	})
	return b.Bytes()
}

// addECPrivateKey appends the structure of RFC 5915, section 3.
func addECPrivateKey(b *cryptobyte.Builder, key *curve.PrivateKey) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1OctetString(key.D)
		b.AddASN1(tag.Tag(1).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1BitString(key.Q)
		})
	})
}

// checkEC keeps a wiped key from getting into a file.
func checkEC(key *curve.PrivateKey) error {
	again, err := key.Curve.NewPrivateKey(key.D)
	if err != nil {
		return fmt.Errorf("EC key: %w; was it wiped?", err)
	}
	defer again.Wipe()
	if !bytes.Equal(again.Q, key.Q) {
		return fmt.Errorf("EC key on %s: the private number does not belong to the public point; unwrap it again", key.Curve.Name)
	}
	return nil
}
