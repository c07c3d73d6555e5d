package pqx509

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"

	"filippo.io/mldsa"

	"conclave/internal/fips204"
)

// CreateCertificate is crypto/x509's. A signer with an ML-DSA key has a *mldsa.PublicKey as
// its Public, and signs what it is given itself: its options name no hash.
func CreateCertificate(random io.Reader, template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) ([]byte, error) {
	subject, forMLDSA := public.(*mldsa.PublicKey)
	issuer, byMLDSA := signer.Public().(*mldsa.PublicKey)
	if !forMLDSA && !byMLDSA {
		return x509.CreateCertificate(random, template, parent, public, signer)
	}
	t, p := *template, *parent
	if byMLDSA {
		if parent.PublicKey != nil && !issuer.Equal(parent.PublicKey) {
			return nil, errors.New("x509: the signer's key is not the parent's")
		}
		if err := checkAlgorithm(&t.SignatureAlgorithm, issuer); err != nil {
			return nil, err
		}
		p.PublicKey = nil
	}
	if forMLDSA && t.IsCA && len(t.SubjectKeyId) == 0 { // as crypto/x509 makes it
		id := sha256.Sum256(subject.Bytes())
		t.SubjectKeyId = id[:20]
	}
	return create(random, signer, places{algorithm: 2, key: 6}, subject, func(s *scribe) ([]byte, error) {
		if forMLDSA {
			public = s.standIn
		}
		return x509.CreateCertificate(random, &t, &p, public, s)
	})
}

// CreateRevocationList is crypto/x509's, for signers as CreateCertificate takes them.
func CreateRevocationList(random io.Reader, template *x509.RevocationList, issuer *x509.Certificate, signer crypto.Signer) ([]byte, error) {
	key, byMLDSA := signer.Public().(*mldsa.PublicKey)
	if !byMLDSA {
		return x509.CreateRevocationList(random, template, issuer, signer)
	}
	t := *template
	if err := checkAlgorithm(&t.SignatureAlgorithm, key); err != nil {
		return nil, err
	}
	return create(random, signer, places{algorithm: 1, key: nowhere}, nil, func(s *scribe) ([]byte, error) {
		return x509.CreateRevocationList(random, &t, issuer, s)
	})
}

// CreateCertificateRequest is crypto/x509's, for signers as CreateCertificate takes them.
func CreateCertificateRequest(random io.Reader, template *x509.CertificateRequest, signer crypto.Signer) ([]byte, error) {
	key, byMLDSA := signer.Public().(*mldsa.PublicKey)
	if !byMLDSA {
		return x509.CreateCertificateRequest(random, template, signer)
	}
	t := *template
	if err := checkAlgorithm(&t.SignatureAlgorithm, key); err != nil {
		return nil, err
	}
	return create(random, signer, places{algorithm: nowhere, key: 2}, key, func(s *scribe) ([]byte, error) {
		return x509.CreateCertificateRequest(random, &t, s)
	})
}

// checkAlgorithm wants a template to have the algorithm of the key that is to sign, or none,
// and takes it out: crypto/x509 chooses that of the stand-in.
func checkAlgorithm(algorithm *x509.SignatureAlgorithm, key *mldsa.PublicKey) error {
	if *algorithm != x509.UnknownSignatureAlgorithm && *algorithm != AlgorithmFor(key) {
		return fmt.Errorf("x509: %s is to be signed with, but the signer's key is %s", AlgorithmName(*algorithm), key.Parameters())
	}
	*algorithm = x509.UnknownSignatureAlgorithm
	return nil
}

// places are the fields of what is signed that say something of keys, by number: RFC 5280
// sections 4.1 and 5.1, RFC 2986 section 4.1.
type places struct{ algorithm, key int }

const nowhere = -1

// scribe is a signer that takes down what crypto/x509 would have it sign, and signs nothing.
type scribe struct {
	standIn *ecdsa.PublicKey // of a kind that crypto/x509 knows
	public  crypto.PublicKey // the signer's, or the stand-in if that is not of such a kind
	content []byte
	options crypto.SignerOpts
}

var errTakenDown = errors.New("it was taken down, and not signed")

// Public implements crypto.Signer.
func (s *scribe) Public() crypto.PublicKey { return s.public }

// Sign implements crypto.Signer.
func (s *scribe) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errTakenDown }

// SignMessage implements crypto.MessageSigner.
func (s *scribe) SignMessage(_ io.Reader, content []byte, options crypto.SignerOpts) ([]byte, error) {
	s.content, s.options = bytes.Clone(content), options
	return nil, errTakenDown
}

// create lets crypto/x509 make the content, for keys that it knows, puts in what ML-DSA keys
// have in their places, and has the signer sign that alone.
func create(random io.Reader, signer crypto.Signer, at places, subject *mldsa.PublicKey, write func(*scribe) ([]byte, error)) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	s := &scribe{standIn: &key.PublicKey, public: signer.Public()}
	issuer, byMLDSA := signer.Public().(*mldsa.PublicKey)
	if byMLDSA {
		s.public = s.standIn
	}
	if _, err := write(s); !errors.Is(err, errTakenDown) {
		return nil, err
	}
	var fields []asn1.RawValue
	if _, err := asn1.Unmarshal(s.content, &fields); err != nil {
		return nil, err
	}
	identifier, err := s.identifier(fields, at, issuer)
	if err != nil {
		return nil, err
	}
	if subject != nil {
		if fields[at.key].FullBytes, err = MarshalPKIXPublicKey(subject); err != nil {
			return nil, err
		}
	}
	content, err := asn1.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return sign(random, signer, content, identifier, s.options)
}

// identifier is that of the algorithm that signs. An ML-DSA issuer's is put where crypto/x509
// has written another.
func (s *scribe) identifier(fields []asn1.RawValue, at places, issuer *mldsa.PublicKey) ([]byte, error) {
	if issuer == nil {
		return fields[at.algorithm].FullBytes, nil
	}
	s.options = crypto.Hash(0)
	identifier, err := asn1.Marshal(pkix.AlgorithmIdentifier{Algorithm: fips204.Of(issuer.Parameters()).OID})
	if at.algorithm != nowhere {
		fields[at.algorithm].FullBytes = identifier
	}
	return identifier, err
}

// sign has a content signed, and verifies that, as crypto/x509 does.
func sign(random io.Reader, signer crypto.Signer, content, identifier []byte, options crypto.SignerOpts) ([]byte, error) {
	signature, err := crypto.SignMessage(signer, random, content, options)
	if err != nil {
		return nil, err
	}
	der, err := asn1.Marshal(struct {
		Content, Algorithm asn1.RawValue
		Signature          asn1.BitString
	}{asn1.RawValue{FullBytes: content}, asn1.RawValue{FullBytes: identifier}, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	if err != nil {
		return nil, err
	}
	algorithm := algorithmIn(der)
	if cert, err := x509.ParseCertificate(der); err == nil && algorithm == x509.UnknownSignatureAlgorithm {
		algorithm = cert.SignatureAlgorithm
	}
	if err := CheckSignature(&x509.Certificate{PublicKey: signer.Public()}, algorithm, content, signature); err != nil {
		return nil, fmt.Errorf("x509: what the signer has returned is not a signature of its key: %w", err)
	}
	return der, nil
}
