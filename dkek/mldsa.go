package dkek

import (
	"bytes"
	"fmt"

	"filippo.io/mldsa"

	"conclave/internal/secret"
)

// parametersOf is the parameter set of ML-DSA that a number stands for: 44, 65 or 87.
func parametersOf(size int) (p mldsa.Parameters, known bool) {
	p, known = map[int]mldsa.Parameters{44: mldsa.MLDSA44(), 65: mldsa.MLDSA65(), 87: mldsa.MLDSA87()}[size]
	return p, known
}

// mldsaSizes are the numbers of the parameter sets.
func mldsaSizes() []int { return []int{44, 65, 87} }

// mldsaOID is the object identifier of a parameter set, id-ml-dsa-44 and so on (RFC 9881,
// section 2); nil for another number.
func mldsaOID(size int) []byte {
	last, known := map[int]byte{44: 17, 65: 18, 87: 19}[size]
	if !known {
		return nil
	}
	return []byte{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, last}
}

// encodeMLDSA writes the seed, from which all of the key is made (FIPS 204, algorithm 6).
func encodeMLDSA(key *mldsa.PrivateKey) (size int, body secret.Bytes, err error) {
	for _, size := range mldsaSizes() {
		if p, _ := parametersOf(size); p == key.PublicKey().Parameters() {
			seed := secret.Bytes(key.Bytes())
			defer seed.Wipe()
			return size, appendField(make(secret.Bytes, 0, 2+len(seed)), seed), nil
		}
	}
	return 0, nil, fmt.Errorf("%w: %v", ErrUnsupported, key.PublicKey().Parameters())
}

// decodeMLDSA makes the key of its seed. That the seed was meant for this parameter set
// is seen by the default algorithm alone.
func decodeMLDSA(algorithm []byte, size int, content fields) (*mldsa.PrivateKey, error) {
	parts, err := content.all("seed")
	if err != nil {
		return nil, err
	}
	p, known := parametersOf(size)
	if !known {
		return nil, fmt.Errorf("%w: parameter set %d; 44, 65 and 87 are known", ErrUnsupported, size)
	}
	if !bytes.Equal(algorithm, mldsaOID(size)) {
		return nil, fmt.Errorf("its default algorithm % X is not %v, which its content is for", algorithm, p)
	}
	if n := len(parts[0]); n != mldsa.PrivateKeySize {
		return nil, fmt.Errorf("a seed of %d bytes, %d expected", n, mldsa.PrivateKeySize)
	}
	return mldsa.NewPrivateKey(p, parts[0])
}
