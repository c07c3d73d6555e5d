package adopt

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"conclave/ca"
	"conclave/internal/pqx509"
	"conclave/internal/safefile"
)

// MaxCRL is how many bytes a CRL may have: those of several hundred thousand entries.
const MaxCRL = 16 << 20

// CRL is the last one that an issuer has signed.
type CRL struct {
	File       string
	DER        []byte
	Number     *big.Int // nil for one without, such as one of version 1
	ThisUpdate time.Time
	Entries    []Entry
	Complete   bool // it does not say that it leaves out some of its issuer's certificates

	issuer, tbs, signature []byte
	algorithm              x509.SignatureAlgorithm
}

// Entry is a certificate that a CRL lists.
type Entry struct {
	ca.Revocation
	Invalid time.Time // since when its key was compromised, zero where that is not said
}

// Extensions of CRLs and their entries, RFC 5280 section 5.
var (
	oidDeltaIndicator    = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidDistributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidInvalidityDate    = asn1.ObjectIdentifier{2, 5, 29, 24}
	oidCertificateIssuer = asn1.ObjectIdentifier{2, 5, 29, 29}
)

// ReadCRL reads a full CRL, PEM or DER. Who signed it is for Merge to verify.
func ReadCRL(path string) (*CRL, error) {
	content, err := safefile.Read(path, MaxCRL)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(content); block != nil {
		if block.Type != "X509 CRL" {
			return nil, fmt.Errorf("%s: %.40s was found in PEM; X509 CRL was expected", path, block.Type)
		}
		content = block.Bytes
	}
	crl, err := parseCRL(content)
	if err != nil {
		return nil, fmt.Errorf("%s: a CRL was expected: %w", path, err)
	}
	crl.File = path
	return crl, nil
}

func parseCRL(der []byte) (*CRL, error) {
	parsed, err := pqx509.ParseRevocationList(der)
	if err != nil {
		if old, ok := parseVersion1(der); ok {
			return old, nil
		}
		return nil, err
	}
	if len(parsed.Raw) != len(der) {
		return nil, fmt.Errorf("%d bytes follow it", len(der)-len(parsed.Raw))
	}
	crl := &CRL{DER: parsed.Raw, Number: parsed.Number, ThisUpdate: parsed.ThisUpdate, Complete: true,
		issuer: parsed.RawIssuer, tbs: parsed.RawTBSRevocationList, signature: parsed.Signature, algorithm: parsed.SignatureAlgorithm}
	for _, e := range parsed.Extensions {
		if e.Id.Equal(oidDeltaIndicator) {
			return nil, errors.New("it is a delta CRL, which lists changes alone; the last full one was expected")
		}
		crl.Complete = crl.Complete && !e.Id.Equal(oidDistributionPoint)
	}
	for _, e := range parsed.RevokedCertificateEntries {
		entry := Entry{Revocation: ca.Revocation{Serial: e.SerialNumber, Time: e.RevocationTime, Reason: e.ReasonCode}}
		if err := entry.addExtensions(e.Extensions); err != nil {
			return nil, fmt.Errorf("certificate %x: %w", e.SerialNumber, err)
		}
		crl.Entries = append(crl.Entries, entry)
	}
	return crl, nil
}

// Revoked is how many certificates it has as revoked, each counted once.
func (c *CRL) Revoked() int {
	numbers := map[string]bool{}
	for _, e := range c.Entries {
		if e.Reason != ca.ReasonRemoveFromCRL {
			numbers[e.Serial.Text(16)] = true
		}
	}
	return len(numbers)
}

func (e *Entry) addExtensions(extensions []pkix.Extension) error {
	for _, extension := range extensions {
		switch {
		case extension.Id.Equal(oidCertificateIssuer):
			return errors.New("it is another issuer's (an indirect CRL, RFC 5280 section 5.3.3); a CRL of this issuer's own certificates was expected")
		case extension.Id.Equal(oidInvalidityDate):
			if _, err := asn1.UnmarshalWithParams(extension.Value, &e.Invalid, "generalized"); err != nil {
				return fmt.Errorf("invalidityDate: %w", err)
			}
		}
	}
	if e.Serial.Sign() < 0 {
		return errors.New("the number is negative; 0 or more was expected")
	}
	return nil
}

// version1 is a CRL without extensions, which `openssl ca` makes where its
// configuration has no crl_extensions, and crypto/x509 does not read (RFC 5280 section
// 5.1, version 1).
type version1 struct {
	TBS struct {
		Raw        asn1.RawContent
		Algorithm  pkix.AlgorithmIdentifier
		Issuer     asn1.RawValue
		ThisUpdate time.Time
		NextUpdate time.Time `asn1:"optional"`
		Revoked    []struct {
			Serial *big.Int
			Time   time.Time
		} `asn1:"optional"`
	}
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

func parseVersion1(der []byte) (*CRL, bool) {
	var v version1
	rest, err := asn1.Unmarshal(der, &v)
	if err != nil || len(rest) > 0 {
		return nil, false
	}
	crl := &CRL{DER: der, ThisUpdate: v.TBS.ThisUpdate.UTC(), Complete: true,
		issuer: v.TBS.Issuer.FullBytes, tbs: v.TBS.Raw, signature: v.Signature.RightAlign(), algorithm: algorithmOf(v.Algorithm)}
	for _, r := range v.TBS.Revoked {
		crl.Entries = append(crl.Entries, Entry{Revocation: ca.Revocation{Serial: r.Serial, Time: r.Time.UTC()}})
	}
	return crl, !slices.ContainsFunc(crl.Entries, func(e Entry) bool { return e.Serial.Sign() < 0 })
}

// algorithmOf names the algorithms that such CRLs are signed with (RFC 3279, RFC 4055
// section 5, RFC 5758 section 3.2, RFC 9881 section 2).
func algorithmOf(identifier pkix.AlgorithmIdentifier) x509.SignatureAlgorithm {
	return cmp.Or(pqx509.SignatureAlgorithm(identifier), map[string]x509.SignatureAlgorithm{
		"1.2.840.113549.1.1.4": x509.MD5WithRSA, "1.2.840.113549.1.1.5": x509.SHA1WithRSA, "1.2.840.113549.1.1.11": x509.SHA256WithRSA,
		"1.2.840.113549.1.1.12": x509.SHA384WithRSA, "1.2.840.113549.1.1.13": x509.SHA512WithRSA,
		"1.2.840.10045.4.1": x509.ECDSAWithSHA1, "1.2.840.10045.4.3.2": x509.ECDSAWithSHA256,
		"1.2.840.10045.4.3.3": x509.ECDSAWithSHA384, "1.2.840.10045.4.3.4": x509.ECDSAWithSHA512,
	}[identifier.Algorithm.String()])
}

// check wants it to be the issuer's.
func (c *CRL) check(issuer *x509.Certificate) error {
	if !bytes.Equal(c.issuer, issuer.RawSubject) {
		return fmt.Errorf("it is from %s; the last CRL of %s was expected", ca.DistinguishedName(c.issuer), ca.DistinguishedName(issuer.RawSubject))
	}
	err := ca.CheckSignature(issuer, c.algorithm, c.tbs, c.signature)
	if errors.Is(err, x509.ErrUnsupportedAlgorithm) {
		return errors.New("its signature is of a kind that cannot be verified here")
	}
	if err != nil {
		return fmt.Errorf("it is not signed with the key of %s; is it of an earlier key?", ca.DistinguishedName(issuer.RawSubject))
	}
	return nil
}
