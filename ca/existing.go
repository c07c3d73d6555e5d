package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"filippo.io/mldsa"

	"conclave/internal/curve"
	"conclave/internal/keycheck"
	"conclave/internal/pqx509"
)

// What exists is carried on: it is not held to what new certificates are. What is
// wrong with it is told (Findings).

// CheckSignature verifies a signature that was made at any time: SHA-1 and MD5,
// which crypto/x509 refuses, say nothing against what someone's own key has signed
// long ago.
func CheckSignature(signer *x509.Certificate, algorithm x509.SignatureAlgorithm, tbs, signature []byte) error {
	key, ok := signer.PublicKey.(*rsa.PublicKey)
	if !ok || algorithm != x509.MD5WithRSA {
		return pqx509.CheckSignature(signer, algorithm, tbs, signature)
	}
	sum := md5.Sum(tbs)
	return rsa.VerifyPKCS1v15(key, crypto.MD5, sum[:], signature)
}

// CheckIssued says whether an issuer has signed a certificate, whatever the
// algorithm and the extensions of both.
func CheckIssued(cert, issuer *x509.Certificate) error {
	if !bytes.Equal(cert.RawIssuer, issuer.RawSubject) {
		return fmt.Errorf("it is from %s, and not from %s", DistinguishedName(cert.RawIssuer), DistinguishedName(issuer.RawSubject))
	}
	err := CheckSignature(issuer, cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
	key, isRSA := issuer.PublicKey.(*rsa.PublicKey)
	if short := isRSA && key.N.BitLen() < 1024; short || errors.Is(err, x509.ErrUnsupportedAlgorithm) { // crypto/rsa verifies with no shorter one
		return fmt.Errorf("whether %s has signed it cannot be told: its signature, or the key of that, is of a kind that cannot be verified here", DistinguishedName(issuer.RawSubject))
	}
	if err != nil {
		return fmt.Errorf("it names %s as its issuer, but is not signed with the key of that certificate", DistinguishedName(issuer.RawSubject))
	}
	return nil
}

// isRoot says whether a certificate has the name of its issuer. Whether it is its own,
// CheckIssued knows.
func isRoot(cert *x509.Certificate) bool { return bytes.Equal(cert.RawSubject, cert.RawIssuer) }

// keyIdentifier is what certificates and CRLs of an issuer name its key with: its
// own identifier, of whatever length. One that has none is given that which most
// software computes (RFC 5280 section 4.2.1.2, method 1), so that what others have
// issued for it fits.
func keyIdentifier(cert *x509.Certificate) ([]byte, error) {
	if len(cert.SubjectKeyId) > 0 {
		return cert.SubjectKeyId, nil
	}
	bits, err := bitString(cert.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(bits)
	return sum[:], nil
}

// carriedOn is an issuer with an identifier of its key, on which crypto/x509 insists.
func carriedOn(issuer *x509.Certificate) (*x509.Certificate, error) {
	id, err := keyIdentifier(issuer)
	if err != nil {
		return nil, err
	}
	carried := *issuer
	carried.SubjectKeyId = id
	return &carried, nil
}

// Prove lets the authority's key sign something that is no certificate, and verifies
// that with its certificate: both belong together.
func (a Authority) Prove() error {
	if err := a.check(); err != nil {
		return err
	}
	algorithm, hash := x509.SHA256WithRSA, crypto.SHA256
	switch key := a.Signer.Public().(type) {
	case *ecdsa.PublicKey:
		algorithm = x509.ECDSAWithSHA256
	case *mldsa.PublicKey:
		algorithm, hash = pqx509.AlgorithmFor(key), 0
	}
	message := "conclave: proof that a key is that of a certificate: " + rand.Text()
	signature, err := crypto.SignMessage(a.Signer, rand.Reader, []byte(message), hash)
	if err == nil {
		err = pqx509.CheckSignature(a.Certificate, algorithm, []byte(message), signature)
	}
	if err != nil {
		return fmt.Errorf("signer: a signature of its key was to be verified with the certificate of %s: %w", DistinguishedName(a.Certificate.RawSubject), err)
	}
	return nil
}

// Findings tell what is wrong with a certificate that exists, above all with a CA's, and
// what comes of it. None of it keeps anyone from carrying it on.
func Findings(cert *x509.Certificate) (found []string) {
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		if isRoot(cert) {
			say("its own signature is %s; no one needs to verify a root's own signature, but some tools refuse it; conclave ca renew makes a better one", cert.SignatureAlgorithm)
		} else {
			say("its signature is %s, which most software refuses; conclave ca renew, with its issuer's key, makes a better one", cert.SignatureAlgorithm)
		}
	}
	if err := keycheck.ForCertificate(cert.PublicKey); err != nil {
		say("%v", err)
	}
	if _, ok := cert.PublicKey.(*mldsa.PublicKey); ok && cert.KeyUsage&enciphering != 0 {
		say("its keyUsage lets its key encrypt, or agree on keys, which no ML-DSA key can (RFC 9881 section 5)")
	}
	if saysCA(cert) || isRoot(cert) {
		found = append(found, extensionFindings(cert)...)
	}
	if name, err := readDN(cert.RawSubject); err == nil && name.has(labelEmail) {
		say("its name has an email address, which new names should not (RFC 5280 section 4.1.2.6); it stays as it is")
	}
	if serial := cert.SerialNumber; serial.Sign() <= 0 || serial.BitLen() > 159 {
		say("its serial number is %x; a positive one of 20 octets at most was expected (RFC 5280 section 4.1.2.2)", serial)
	}
	if now := time.Now(); now.After(cert.NotAfter) {
		say("it ended on %s; conclave ca renew makes one that is valid", timeText(cert.NotAfter))
	}
	return found
}

// enciphering are the key usages that no key which only signs can have.
const enciphering = x509.KeyUsageKeyEncipherment | x509.KeyUsageDataEncipherment | x509.KeyUsageKeyAgreement | x509.KeyUsageEncipherOnly | x509.KeyUsageDecipherOnly

func extensionFindings(cert *x509.Certificate) (found []string) {
	switch {
	case cert.Version < 3:
		found = append(found, fmt.Sprintf("it is of version %d, so that it cannot say that it is a CA's (RFC 5280 section 4.1.2.1); conclave ca renew makes one that does", cert.Version))
	case !cert.BasicConstraintsValid:
		found = append(found, "it has no basicConstraints, so that most software does not take it for a CA's (RFC 5280 section 4.2.1.9); conclave ca renew adds them")
	}
	if cert.Version >= 3 && cert.KeyUsage == 0 {
		found = append(found, "it has no keyUsage, so that its key may sign everything, CRLs too (RFC 5280 section 4.2.1.3); conclave ca renew adds it")
	}
	if err := checkMayBeCA(cert); err != nil {
		found = append(found, fmt.Sprintf("%v; it issues nothing, and is not made new", err))
	} else if cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCRLSign == 0 {
		found = append(found, "its keyUsage does not let it sign CRLs (RFC 5280 section 4.2.1.3); conclave ca renew adds that")
	}
	if len(cert.SubjectKeyId) == 0 {
		found = append(found, "it has no identifier of its key; what it issues names the SHA-1 of it, as most software computes it (RFC 5280 section 4.2.1.2)")
	}
	return found
}

// outline is what every certificate says, also one that crypto/x509 cannot read. What
// follows in it is left out.
type outline struct {
	TBS struct {
		Version   int `asn1:"optional,explicit,default:0,tag:0"`
		Number    *big.Int
		Algorithm pkix.AlgorithmIdentifier
		Issuer    asn1.RawValue
		Validity  asn1.RawValue
		Subject   asn1.RawValue
		Key       asn1.RawValue
	}
}

// Unreadable is a certificate that this program cannot read.
type Unreadable struct {
	Issuer, Subject []byte   // distinguished names, DER
	Number          *big.Int // serial number
	DER             []byte   // all of it
	err             error
}

// Error says why.
func (u *Unreadable) Error() string { return u.err.Error() }

// Unwrap gives the reason.
func (u *Unreadable) Unwrap() error { return u.err }

// parseCertificate reads a certificate, DER. The error is an *Unreadable if it is one
// that pqx509 cannot read, such as one whose key is on a curve that it lacks.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	cert, err := pqx509.ParseCertificate(der)
	if err == nil {
		return cert, keycheck.Length(cert.PublicKey)
	}
	var o outline
	if rest, failed := asn1.Unmarshal(der, &o); failed != nil || len(rest) > 0 {
		return nil, err
	}
	if c, q, failed := curve.ParseSPKI(o.TBS.Key.FullBytes); failed == nil {
		reason := "which is not supported in certificates"
		if named, _ := c.MarshalSPKI(q); !bytes.Equal(named, o.TBS.Key.FullBytes) {
			reason = "whose parameters are written out, instead of its name"
		}
		err = fmt.Errorf("its key is on %s, %s; %s was expected", c.Name, reason, keycheck.Certifiable)
	}
	return nil, &Unreadable{o.TBS.Issuer.FullBytes, o.TBS.Subject.FullBytes, o.TBS.Number, der, err}
}
