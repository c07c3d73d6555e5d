package card

import (
	"fmt"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"

	"conclave/apdu"
	"conclave/internal/fips204"
	"conclave/wire"
)

// mldsaKey is a key for ML-DSA (FIPS 204), which no SmartCard-HSM has. It is stored as
// the seed that it is made from.
type mldsaKey struct{ *mldsa.PrivateKey }

func mldsaRecord(k *mldsa.PrivateKey) keyRecord {
	return keyRecord{MLDSA: k.Bytes(), Parameters: k.PublicKey().Parameters().String()}
}

func generateMLDSA(p mldsa.Parameters) (keyRecord, error) {
	k, err := mldsa.GenerateKey(p)
	if err != nil {
		return keyRecord{}, err
	}
	defer mldsaKey{k}.wipe()
	return mldsaRecord(k), nil
}

func openMLDSA(r keyRecord) (private, error) {
	set, known := fips204.Find(func(s fips204.Set) bool { return s.Parameters.String() == r.Parameters })
	if known {
		k, err := mldsa.NewPrivateKey(set.Parameters, r.MLDSA)
		return mldsaKey{k}, err
	}
	return nil, fmt.Errorf("the record of a key is for the parameters %q; ML-DSA-44, ML-DSA-65 or ML-DSA-87 was expected", r.Parameters)
}

func (k mldsaKey) material() any { return k.PrivateKey }

func (k mldsaKey) public() wire.PublicKey { return wire.MLDSAPublicKey(k.PublicKey()) }

func (k mldsaKey) wipe() { *k.PrivateKey = mldsa.PrivateKey{} }

// planSign plans a signature of the message representative μ that the host has made of
// message, context and public key (FIPS 204, algorithm 7, line 6; RFC 9881, appendix D),
// with fresh randomness in it.
func (k mldsaKey) planSign(a wire.Algorithm, mu []byte) (operation, error) {
	switch {
	case a != wire.MLDSA:
		return nil, apdu.WrongData
	case len(mu) != wire.MuSize:
		return nil, apdu.WrongLength
	}
	return func() ([]byte, error) { return k.Sign(nil, mu, mldsacrypto.MLDSAMu) }, nil
}

func (k mldsaKey) planDecipher(wire.Algorithm, []byte) (operation, error) { return nil, apdu.WrongData }

func (k mldsaKey) cvcAlgorithm() (wire.Algorithm, error) { return wire.MLDSA, nil }

// signCVC is pure ML-DSA over the body, with an empty context.
func (k mldsaKey) signCVC(message []byte) ([]byte, error) { return k.Sign(nil, message, nil) }
