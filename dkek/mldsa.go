package dkek

import (
	"bytes"
	"fmt"

	"filippo.io/mldsa"

	"conclave/internal/fips204"
	"conclave/internal/secret"
)

// encodeMLDSA writes the seed, from which all of the key is made (FIPS 204, algorithm 6).
func encodeMLDSA(key *mldsa.PrivateKey) (size int, body secret.Bytes) {
	seed := secret.Bytes(key.Bytes())
	defer seed.Wipe()
	return fips204.Of(key.PublicKey().Parameters()).Number, appendField(make(secret.Bytes, 0, 2+len(seed)), seed)
}

// decodeMLDSA makes the key of its seed. That the seed was meant for this parameter set
// is seen by the default algorithm alone.
func decodeMLDSA(algorithm []byte, size int, content fields) (*mldsa.PrivateKey, error) {
	parts, err := content.all("seed")
	if err != nil {
		return nil, err
	}
	set, known := fips204.ByNumber(size)
	if !known {
		return nil, fmt.Errorf("%w: parameter set %d; 44, 65 and 87 are known", ErrUnsupported, size)
	}
	if !bytes.Equal(algorithm, set.Contents()) {
		return nil, fmt.Errorf("its default algorithm % X is not %v, which its content is for", algorithm, set.Parameters)
	}
	if n := len(parts[0]); n != mldsa.PrivateKeySize {
		return nil, fmt.Errorf("a seed of %d bytes, %d expected", n, mldsa.PrivateKeySize)
	}
	return mldsa.NewPrivateKey(set.Parameters, parts[0])
}
