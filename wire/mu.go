package wire

import (
	"crypto/sha3"
	"fmt"

	"filippo.io/mldsa"
)

// MuSize is the length of a message representative μ, in bytes.
const MuSize = 64

// maxContext is how long a context string may be (FIPS 204, algorithm 2, line 1).
const maxContext = 255

// MLDSAMu begins a message representative μ (FIPS 204, algorithm 2, line 10, and algorithm
// 7, line 6), which is all that ML-DSA signs of a message, and which needs no private key:
// write the message to it, and read MuSize bytes.
func MLDSAMu(k *mldsa.PublicKey, context string) (*sha3.SHAKE, error) {
	if len(context) > maxContext {
		return nil, fmt.Errorf("a context of %d bytes; %d at most were expected", len(context), maxContext)
	}
	mu := sha3.NewSHAKE256()
	mu.Write(sha3.SumSHAKE256(k.Bytes(), MuSize)) // tr
	mu.Write([]byte{0, byte(len(context))})       // 0: it is not a hash of the message that is signed
	mu.Write([]byte(context))
	return mu, nil
}
