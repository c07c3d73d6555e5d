package wire

import (
	"crypto"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
)

// hashes are those that a card makes, at the place that the lower half of an
// algorithm byte gives them.
func hashes() []crypto.Hash {
	return []crypto.Hash{0, crypto.SHA1, crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512}
}

// Hash is what the card makes of the data before it signs: 0 for nothing, and for
// what is no algorithm of SIGN.
func (a Algorithm) Hash() crypto.Hash {
	if i := int(a & 0x0F); i < len(hashes()) {
		return hashes()[i]
	}
	return 0
}

// OnCard is the algorithm with a hash that the card makes.
func (a Algorithm) OnCard(h crypto.Hash) (Algorithm, error) {
	i := slices.Index(hashes(), h)
	if i <= 0 {
		return 0, fmt.Errorf("hash %v; SHA-1 or SHA-2 was expected", h)
	}
	return a | Algorithm(i), nil
}

// DigestInfo is what PKCS#1 v1.5 signs (RFC 8017 section 9.2, note 1).
func DigestInfo(h crypto.Hash, digest []byte) ([]byte, error) {
	nist := func(arc int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, arc} }
	oid, known := map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.SHA1: {1, 3, 14, 3, 2, 26}, crypto.SHA224: nist(4),
		crypto.SHA256: nist(1), crypto.SHA384: nist(2), crypto.SHA512: nist(3),
		crypto.SHA3_224: nist(7), crypto.SHA3_256: nist(8), crypto.SHA3_384: nist(9), crypto.SHA3_512: nist(10),
	}[h]
	if !known {
		return nil, fmt.Errorf("hash %v; SHA-1, SHA-2 or SHA-3 was expected", h)
	}
	if len(digest) != h.Size() {
		return nil, fmt.Errorf("a digest of %d bytes; %v has %d", len(digest), h, h.Size())
	}
	return asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}{pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.NullRawValue}, digest})
}

// PadPKCS1 is EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) from step 3 on, for a modulus of
// so many bytes; the DigestInfo must leave room for eight bytes of padding.
func PadPKCS1(info []byte, size int) ([]byte, error) {
	if len(info)+11 > size {
		return nil, fmt.Errorf("a DigestInfo of %d bytes; a modulus of %d bytes signs %d at most", len(info), size, size-11)
	}
	block := make([]byte, size-len(info), size)
	for i := range block {
		block[i] = 0xFF
	}
	block[0], block[1], block[len(block)-1] = 0, 1, 0
	return append(block, info...), nil
}
