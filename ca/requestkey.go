package ca

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"conclave/internal/curve"
	"conclave/internal/keycheck"
	"conclave/internal/pqx509"
)

// subjectPublicKeyInfo is that of RFC 5280 section 4.1.
type subjectPublicKeyInfo struct {
	Raw       asn1.RawContent
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

// keyAlgorithms are the names of those that crypto/x509 does not know, or that no
// certificate is issued for.
var keyAlgorithms = map[string]string{
	"1.2.840.113549.1.1.10": "RSA for PSS alone (id-RSASSA-PSS, RFC 4055)", // which verifiers such as Go's refuse
	"1.2.840.10040.4.1":     "DSA",
	"1.3.101.110":           "X25519", "1.3.101.111": "X448", "1.3.101.112": "Ed25519", "1.3.101.113": "Ed448", // RFC 8410
	"1.2.643.2.2.19": "GOST R 34.10-2001", "1.2.643.7.1.1.1.1": "GOST R 34.10-2012", "1.2.643.7.1.1.1.2": "GOST R 34.10-2012", // RFC 9215
}

// Algorithms of keys.
const (
	algorithmRSA = "1.2.840.113549.1.1.1" // RFC 3279 section 2.3.1
	algorithmEC  = "1.2.840.10045.2.1"    // RFC 5480 section 2.1.1
	// RFC 9881 section 2; of their signatures, too
	algorithmMLDSA44 = "2.16.840.1.101.3.4.3.17"
	algorithmMLDSA65 = "2.16.840.1.101.3.4.3.18"
	algorithmMLDSA87 = "2.16.840.1.101.3.4.3.19"
)

// parse gives a key for which a certificate can be issued.
func (k subjectPublicKeyInfo) parse() (crypto.PublicKey, error) {
	kind := cmp.Or(keyAlgorithms[k.Algorithm.Algorithm.String()], "of the algorithm "+k.Algorithm.Algorithm.String())
	switch k.Algorithm.Algorithm.String() {
	case algorithmRSA, algorithmMLDSA44, algorithmMLDSA65, algorithmMLDSA87:
		kind = ""
	case algorithmEC:
		kind = k.unusualCurve()
	}
	if kind != "" {
		return nil, fmt.Errorf("key: it is %s; RSA, ECDSA on P-256, P-384 or P-521 (named, and with an uncompressed point), or ML-DSA was expected", kind)
	}
	public, err := pqx509.ParsePKIXPublicKey(k.Raw)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return public, keycheck.ForCertificate(public)
}

// unusualCurve says on which curve an EC key is, or how it is written, where that is
// not one of those that certificates are issued for.
func (k subjectPublicKeyInfo) unusualCurve() string {
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(k.Algorithm.Parameters.FullBytes, &oid); err != nil {
		return "ECDSA on a curve whose parameters are written out, instead of its name"
	}
	named, err := curve.ByOID(oid)
	switch {
	case err != nil:
		return "ECDSA on the curve " + oid.String()
	case named.Name != "secp256r1" && named.Name != "secp384r1" && named.Name != "secp521r1":
		return "ECDSA on " + named.Name
	case bytes.HasPrefix(k.Key.Bytes, []byte{2}) || bytes.HasPrefix(k.Key.Bytes, []byte{3}): // SEC 1 section 2.3.3
		return "ECDSA with a compressed point"
	}
	return ""
}

// signatureAlgorithms are those of RFC 3279, 4055 and 5758 that crypto/x509 verifies,
// beside PSS. SHA-1 still proves that someone has the key: what is signed is of their
// own choosing.
var signatureAlgorithms = map[string]x509.SignatureAlgorithm{
	"1.2.840.113549.1.1.5": x509.SHA1WithRSA, "1.3.14.3.2.29": x509.SHA1WithRSA, "1.2.840.10045.4.1": x509.ECDSAWithSHA1,
	"1.2.840.113549.1.1.11": x509.SHA256WithRSA, "1.2.840.113549.1.1.12": x509.SHA384WithRSA, "1.2.840.113549.1.1.13": x509.SHA512WithRSA,
	"1.2.840.10045.4.3.2": x509.ECDSAWithSHA256, "1.2.840.10045.4.3.3": x509.ECDSAWithSHA384, "1.2.840.10045.4.3.4": x509.ECDSAWithSHA512,
}

// otherSignatures are the names of algorithms with which nothing is verified.
var otherSignatures = map[string]string{
	"1.2.840.113549.1.1.2": "MD2 with RSA", "1.2.840.113549.1.1.3": "MD4 with RSA", "1.2.840.113549.1.1.4": "MD5 with RSA",
	"1.2.840.113549.1.1.14": "SHA-224 with RSA", "1.2.840.10045.4.3.1": "ECDSA with SHA-224",
	"2.16.840.1.101.3.4.3.9": "ECDSA with SHA3-224", "2.16.840.1.101.3.4.3.10": "ECDSA with SHA3-256",
	"2.16.840.1.101.3.4.3.11": "ECDSA with SHA3-384", "2.16.840.1.101.3.4.3.12": "ECDSA with SHA3-512",
	"2.16.840.1.101.3.4.3.13": "SHA3-224 with RSA", "2.16.840.1.101.3.4.3.14": "SHA3-256 with RSA",
	"2.16.840.1.101.3.4.3.15": "SHA3-384 with RSA", "2.16.840.1.101.3.4.3.16": "SHA3-512 with RSA",
	algorithmMLDSA44: withParameters, algorithmMLDSA65: withParameters, algorithmMLDSA87: withParameters,
	"2.16.840.1.101.3.4.3.32": "HashML-DSA-44", "2.16.840.1.101.3.4.3.33": "HashML-DSA-65", "2.16.840.1.101.3.4.3.34": "HashML-DSA-87", // not for PKIX: RFC 9881 section 8.3
}

// withParameters names ML-DSA where it has some: they must be absent (RFC 9881 section 2).
const withParameters = "ML-DSA with parameters"

// algorithmPSS is RSASSA-PSS, RFC 4055 section 3.1.
const algorithmPSS = "1.2.840.113549.1.1.10"

// verify wants a request to be signed with its own key, which proves that whoever
// made it has the key.
func (r *Request) verify(parsed *certificationRequest) error {
	check, name := verifierOf(parsed.Algorithm)
	if check == nil {
		return fmt.Errorf("its signature is %s, which is not verified here, so that nothing shows who has the key: make it with SHA-256", name)
	}
	if err := check(r.Public, parsed.Info.Raw, parsed.Signature.RightAlign()); err != nil {
		return fmt.Errorf("it is not signed with its own key, which would prove possession: %w", err)
	}
	if sha1 := signatureAlgorithms[name]; sha1 == x509.SHA1WithRSA || sha1 == x509.ECDSAWithSHA1 {
		r.remarks = append(r.remarks, "it is signed with SHA-1, which still shows who has the key; the certificate has nothing of it")
	}
	return nil
}

// verifier verifies a signature.
type verifier func(public crypto.PublicKey, signed, signature []byte) error

// verifierOf is nil for an algorithm with which nothing is verified; its name is for
// people then, and else its object identifier.
func verifierOf(a pkix.AlgorithmIdentifier) (check verifier, name string) {
	name = a.Algorithm.String()
	if name == algorithmPSS {
		return pssVerifier(a.Parameters.FullBytes), "RSA with PSS and unusual parameters"
	}
	algorithm := cmp.Or(signatureAlgorithms[name], pqx509.SignatureAlgorithm(a))
	if algorithm == x509.UnknownSignatureAlgorithm {
		return nil, cmp.Or(otherSignatures[name], "of the algorithm "+name)
	}
	return func(public crypto.PublicKey, signed, signature []byte) error {
		return pqx509.CheckSignature(&x509.Certificate{PublicKey: public}, algorithm, signed, signature)
	}, name
}

// pssHashes are those of RFC 4055 section 2.1 that are verified.
var pssHashes = map[string]crypto.Hash{
	"2.16.840.1.101.3.4.2.1": crypto.SHA256, "2.16.840.1.101.3.4.2.2": crypto.SHA384, "2.16.840.1.101.3.4.2.3": crypto.SHA512,
}

// pssVerifier verifies with a salt of whatever length: OpenSSL's is as long as it can
// be, and crypto/x509 knows only those that are as long as the hash.
func pssVerifier(parameters []byte) verifier {
	var p struct { // RFC 4055 section 3.1
		Hash pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:0"`
		MGF  pkix.AlgorithmIdentifier `asn1:"optional,explicit,tag:1"`
	}
	var mgfHash pkix.AlgorithmIdentifier
	_, err := asn1.Unmarshal(parameters, &p)
	_, mgfErr := asn1.Unmarshal(p.MGF.Parameters.FullBytes, &mgfHash)
	hash, known := pssHashes[p.Hash.Algorithm.String()]
	if err != nil || mgfErr != nil || !known || !mgfHash.Algorithm.Equal(p.Hash.Algorithm) {
		return nil
	}
	return func(public crypto.PublicKey, signed, signature []byte) error {
		key, ok := public.(*rsa.PublicKey)
		if !ok {
			return errors.New("the signature is RSA's, but the key is not")
		}
		h := hash.New()
		h.Write(signed)
		return rsa.VerifyPSS(key, hash, h.Sum(nil), signature, nil)
	}
}
