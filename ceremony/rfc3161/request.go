// Package rfc3161 asks a time-stamping authority to say when some content
// existed, and verifies what it said. It sends nothing: people carry the
// request out of the room, and the answer back in. Begin with [Request], and give
// what comes back to [Verify].
package rfc3161

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"

	"github.com/digitorus/timestamp"
)

// nonceBits is what OpenSSL's ts takes too; some authorities refuse more.
const nonceBits = 64

// Request is a DER TimeStampReq (RFC 3161 section 2.4.1) for the SHA-256 of
// content. It asks for the authority's certificates, without which nobody
// could verify the answer later, and has a random nonce.
func Request(content []byte) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), nonceBits))
	if err != nil {
		return nil, fmt.Errorf("time-stamp request: nonce: %w", err)
	}
	digest := sha256.Sum256(content)
	request := timestamp.Request{
		HashAlgorithm: crypto.SHA256,
		HashedMessage: digest[:],
		Certificates:  true,
		Nonce:         nonce,
	}
	der, err := request.Marshal()
	if err != nil {
		return nil, fmt.Errorf("time-stamp request: %w", err)
	}
	return der, nil
}
