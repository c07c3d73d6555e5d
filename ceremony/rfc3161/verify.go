package rfc3161

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // identifies certificates in RFC 2634's attribute
	"crypto/sha256"
	_ "crypto/sha512" // identifies certificates in RFC 5035's attribute
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"conclave/internal/keycheck"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// Stamp is what an authority said: that it saw the content by Time.
type Stamp struct {
	Time   time.Time // UTC, as exact as the authority chose
	TSA    string    // the subject of the certificate that signed, as in RFC 4514
	Serial *big.Int  // of this stamp among all of that authority
}

// Errors of Verify. They are wrapped with what was found.
var (
	ErrContent     = errors.New("the time-stamp is for other content")
	ErrCertificate = errors.New("the time-stamp's certificate is not acceptable")
	ErrSignature   = errors.New("the time-stamp's signature is not valid")
)

var (
	oidExtKeyUsage          = asn1.ObjectIdentifier{2, 5, 29, 37}                       // RFC 5280 section 4.2.1.12
	oidSigningCertificate   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12} // RFC 2634 section 5.4
	oidSigningCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47} // RFC 5035 section 3
	oidContentType          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}         // RFC 5652 section 11.1
	oidSHA256               = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}     // RFC 5754 section 2.2
	oidSHA384               = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}     // RFC 5754 section 2.3
	oidSHA512               = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}     // RFC 5754 section 2.4
)

// maxToken is how many bytes a token may have: one with three certificates has a
// tenth of that.
const maxToken = 128 << 10

// Roots reads the roots of time-stamping authorities, in PEM. What is not a
// certificate is passed over.
func Roots(content []byte) (*x509.CertPool, error) {
	roots, found := x509.NewCertPool(), false
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		if err := keycheck.Length(cert.PublicKey); err != nil {
			return nil, fmt.Errorf("a root: %w", err)
		}
		roots.AddCert(cert)
		found = true
	}
	if !found {
		return nil, errors.New("there is no certificate in it; PEM was expected")
	}
	return roots, nil
}

// Verify reads token, a TimeStampResp or a bare TimeStampToken in DER (RFC
// 3161 section 2.4.2), and verifies that it stamps the SHA-256 of content,
// that its signature is valid, and that its signer had a certificate for
// nothing but time-stamping (section 2.3) that leads to roots at the stamped
// time. The certificates below the roots have to be in the token. It does not
// ask whether one was revoked, nor compare the nonce of a request.
//
// Errors are ErrContent, ErrCertificate, ErrSignature, or say what is malformed.
func Verify(token []byte, content []byte, roots *x509.CertPool) (Stamp, error) {
	if roots == nil {
		return Stamp{}, fmt.Errorf("%w: no roots were given; name those that the ceremony trusts", ErrCertificate)
	}
	if len(token) > maxToken {
		return Stamp{}, fmt.Errorf("time-stamp: it has %d bytes; %d at most were expected", len(token), maxToken)
	}
	token, err := unwrap(token)
	if err == nil {
		err = checkShape(token)
	}
	if err != nil {
		return Stamp{}, fmt.Errorf("time-stamp: %w", err)
	}
	signer, err := findSigner(token)
	if err != nil {
		return Stamp{}, err
	}
	stamp, err := timestamp.Parse(token)
	if err != nil {
		return Stamp{}, fmt.Errorf("time-stamp: TSTInfo: %w", err)
	}
	digest := sha256.Sum256(content)
	if stamp.HashAlgorithm != crypto.SHA256 || !bytes.Equal(stamp.HashedMessage, digest[:]) {
		return Stamp{}, fmt.Errorf("%w: its %s is %x, expected SHA-256 %x; find the file that was stamped", ErrContent, stamp.HashAlgorithm, stamp.HashedMessage, digest)
	}
	if err := checkChain(signer, stamp, roots); err != nil {
		return Stamp{}, err
	}
	return Stamp{Time: stamp.Time.UTC(), TSA: signer.Subject.String(), Serial: stamp.SerialNumber}, nil
}

// findSigner verifies a token's signature, and returns the certificate of its
// signer, which the signed attributes name.
func findSigner(token []byte) (*x509.Certificate, error) {
	message, err := pkcs7.Parse(token)
	if err != nil {
		return nil, fmt.Errorf("time-stamp: CMS: %w", err)
	}
	for _, c := range message.Certificates { // before anything is verified with one
		if err := keycheck.Length(c.PublicKey); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
		}
	}
	signer := message.GetOnlySigner()
	if signer == nil {
		return nil, fmt.Errorf("%w: the signer's is not in the token; ask the authority for it (certReq)", ErrCertificate)
	}
	if err := message.Verify(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	var kind asn1.ObjectIdentifier
	if err := message.UnmarshalSignedAttribute(oidContentType, &kind); err != nil || !kind.Equal(oidTSTInfo) {
		return nil, fmt.Errorf("%w: what is signed is of type %v, expected a TSTInfo %v", ErrSignature, kind, oidTSTInfo)
	}
	return signer, checkNamed(message, signer)
}

// certificateID is an ESSCertID, or an ESSCertIDv2, for which SHA-256 is the
// default (RFC 5035 sections 4 and 5). That of the signer comes first.
type certificateID struct {
	Algorithm    pkix.AlgorithmIdentifier `asn1:"optional"`
	Hash         []byte
	IssuerSerial asn1.RawValue `asn1:"optional"`
}

type signingCertificate struct {
	Certificates []certificateID
	Policies     asn1.RawValue `asn1:"optional"`
}

// checkNamed makes sure that the signer signed which certificate is its own:
// another for the same key might say something else (RFC 3161 section 2.4.2).
func checkNamed(message *pkcs7.PKCS7, signer *x509.Certificate) error {
	var named signingCertificate
	hash := crypto.SHA1
	err := message.UnmarshalSignedAttribute(oidSigningCertificateV2, &named)
	if err == nil && len(named.Certificates) > 0 {
		hash = hashOf(named.Certificates[0].Algorithm.Algorithm)
	} else {
		err = message.UnmarshalSignedAttribute(oidSigningCertificate, &named)
	}
	if err != nil || len(named.Certificates) == 0 || hash == 0 {
		return fmt.Errorf("%w: the token does not say which it was signed with (RFC 5035)", ErrCertificate)
	}
	h := hash.New()
	h.Write(signer.Raw)
	if !bytes.Equal(h.Sum(nil), named.Certificates[0].Hash) {
		return fmt.Errorf("%w: the token was signed with another, of %s %x", ErrCertificate, hash, named.Certificates[0].Hash)
	}
	return nil
}

// hashOf is the hash with an identifier; none stands for SHA-256, and an
// unknown one gives 0.
func hashOf(id asn1.ObjectIdentifier) crypto.Hash {
	switch {
	case len(id) == 0, id.Equal(oidSHA256):
		return crypto.SHA256
	case id.Equal(oidSHA384):
		return crypto.SHA384
	case id.Equal(oidSHA512):
		return crypto.SHA512
	}
	return 0
}

// checkChain makes sure that a certificate is for time-stamping alone, and
// critically so, and leads to roots at the stamped time.
func checkChain(signer *x509.Certificate, stamp *timestamp.Timestamp, roots *x509.CertPool) error {
	critical := slices.ContainsFunc(signer.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidExtKeyUsage) && e.Critical })
	if !critical || !slices.Equal(signer.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}) || len(signer.UnknownExtKeyUsage) > 0 {
		return fmt.Errorf("%w: %s: a critical extended key usage of timeStamping alone was expected (RFC 3161 section 2.3)", ErrCertificate, signer.Subject)
	}
	intermediates := x509.NewCertPool()
	for _, c := range stamp.Certificates {
		intermediates.AddCert(c)
	}
	_, err := signer.Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: intermediates,
		CurrentTime:   stamp.Time,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	})
	if err != nil {
		return fmt.Errorf("%w: %s at %s: %w; compare the roots with those of the authority", ErrCertificate, signer.Subject, stamp.Time.UTC().Format(time.RFC3339), err)
	}
	return nil
}
