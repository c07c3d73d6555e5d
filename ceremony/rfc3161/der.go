package rfc3161

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxDepth is how deep a token's values may nest: certificates need 12 or so,
// and pkcs7's reader takes time quadratic in the depth.
const maxDepth = 32

var (
	errNotDER = errors.New("not DER (X.690 section 10)")
	errShape  = errors.New("neither a TimeStampResp (RFC 3161 section 2.4.2) nor a TimeStampToken; ask the authority for a DER answer")

	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}        // RFC 5652 section 5.1
	oidTSTInfo    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4} // RFC 3161 section 2.4.2
)

// checkDER makes sure that b is values in DER one after the other, and nothing
// else: the library's reader takes BER, and panics on some of what is neither.
func checkDER(b []byte, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: nested deeper than %d", errNotDER, maxDepth)
	}
	for s := cryptobyte.String(b); !s.Empty(); {
		var value cryptobyte.String
		var tag casn1.Tag
		if !s.ReadAnyASN1(&value, &tag) {
			return fmt.Errorf("%w: a value with a malformed tag or length, %d bytes before the end of its container", errNotDER, len(s))
		}
		const constructed, class = 0x20, 0xc0
		if tag&constructed == 0 {
			continue
		}
		if tag&class == 0 && tag != casn1.SEQUENCE && tag != casn1.SET {
			return fmt.Errorf("%w: a string in pieces", errNotDER)
		}
		if err := checkDER(value, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// unwrap returns the TimeStampToken that b is, or that the TimeStampResp b
// holds. An answer of an authority that refused has none.
func unwrap(b []byte) ([]byte, error) {
	if err := checkDER(b, 0); err != nil {
		return nil, err
	}
	s := cryptobyte.String(b)
	var outer, status, token cryptobyte.String
	if !s.ReadASN1(&outer, casn1.SEQUENCE) || !s.Empty() {
		return nil, errShape
	}
	if outer.PeekASN1Tag(casn1.OBJECT_IDENTIFIER) {
		return b, nil
	}
	var code int
	if !outer.ReadASN1(&status, casn1.SEQUENCE) || !status.ReadASN1Integer(&code) {
		return nil, errShape
	}
	// 0 is granted, 1 granted with modifications: what those are is in the
	// token, and is verified there.
	if code != 0 && code != 1 {
		return nil, fmt.Errorf("the authority refused with PKIStatus %d; 0 or 1 was expected: make a new request", code)
	}
	if !outer.ReadASN1Element(&token, casn1.SEQUENCE) || !outer.Empty() {
		return nil, errShape
	}
	return token, nil
}

// contentInfo is a TimeStampToken, in the parts of it that no signature
// covers (RFC 5652 sections 3, 5.1 and 5.3).
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content signedData `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version          int
	DigestAlgorithms []pkix.AlgorithmIdentifier `asn1:"set"`
	Encapsulated     encapsulated
	Certificates     asn1.RawValue `asn1:"optional,tag:0"`
	CRLs             asn1.RawValue `asn1:"optional,tag:1"`
	SignerInfos      []signerInfo  `asn1:"set"`
}

type encapsulated struct {
	Type    asn1.ObjectIdentifier
	Content []byte `asn1:"explicit,tag:0"`
}

type signerInfo struct {
	Version            int
	Identifier         asn1.RawValue
	DigestAlgorithm    pkix.AlgorithmIdentifier
	SignedAttributes   asn1.RawValue `asn1:"tag:0"`
	SignatureAlgorithm pkix.AlgorithmIdentifier
	Signature          []byte
	UnsignedAttributes asn1.RawValue `asn1:"optional,tag:1"`
}

// checkShape refuses a token in which something is left over, or which writes
// what no signature covers in any other way than RFC 5652 does.
func checkShape(token []byte) error {
	var info contentInfo
	if _, err := asn1.Unmarshal(token, &info); err != nil {
		return fmt.Errorf("%w: %w", errShape, err)
	}
	// encoding/asn1 ignores what follows the last field of a SEQUENCE, and the
	// order of a SET OF.
	if again, err := asn1.Marshal(info); err != nil || !bytes.Equal(again, token) {
		return fmt.Errorf("%w: there is more in it than a TimeStampToken has", errNotDER)
	}
	data := info.Content
	if !info.Type.Equal(oidSignedData) || !data.Encapsulated.Type.Equal(oidTSTInfo) || data.Version != 3 {
		return errShape
	}
	if len(data.SignerInfos) != 1 || len(data.DigestAlgorithms) != 1 {
		return fmt.Errorf("%d signers and %d digest algorithms; a time-stamp has one of each (RFC 3161 section 2.4.2)", len(data.SignerInfos), len(data.DigestAlgorithms))
	}
	signer := data.SignerInfos[0]
	used, announced := signer.DigestAlgorithm, data.DigestAlgorithms[0]
	if signer.Version != 1 || !used.Algorithm.Equal(announced.Algorithm) || !plain(used) || !plain(announced) || !plain(signer.SignatureAlgorithm) {
		return fmt.Errorf("signer's version %d or algorithm parameters are unexpected; RFC 5652 section 5.3 has version 1 and the algorithm that is announced", signer.Version)
	}
	return checkDER(data.Encapsulated.Content, 0)
}

// plain says that an algorithm has no parameters: none, or NULL (RFC 5754).
func plain(a pkix.AlgorithmIdentifier) bool {
	return len(a.Parameters.FullBytes) == 0 || bytes.Equal(a.Parameters.FullBytes, asn1.NullBytes)
}
