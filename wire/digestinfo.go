package wire

import (
	"crypto"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// DigestInfo is what PKCS#1 v1.5 signs (RFC 8017 section 9.2, note 1).
func DigestInfo(h crypto.Hash, digest []byte) ([]byte, error) {
	nist := func(arc int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, arc} }
	oid, known := map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.SHA1: {1, 3, 14, 3, 2, 26}, crypto.SHA224: nist(4),
		crypto.SHA256: nist(1), crypto.SHA384: nist(2), crypto.SHA512: nist(3),
	}[h]
	if !known {
		return nil, fmt.Errorf("hash %v; SHA-1 or SHA-2 was expected", h)
	}
	if len(digest) != h.Size() {
		return nil, fmt.Errorf("a digest of %d bytes; %v has %d", len(digest), h, h.Size())
	}
	return asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}{pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.NullRawValue}, digest})
}
