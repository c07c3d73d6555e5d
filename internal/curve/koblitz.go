package curve

import (
	"crypto/rand"
	"errors"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// koblitz256 is secp256k1 of SEC 2, version 2.0, section 2.4.1.
//
// The library's scalar multiplication takes a time that depends on the scalar.
// multiply and newKey therefore blind it. Signing cannot be blinded from
// outside; its nonce is deterministic (RFC 6979) and s is the lower of the two.
type koblitz256 struct{}

func (koblitz256) newKey(d []byte) (signer, []byte, error) {
	key := secp256k1.PrivKeyFromBytes(d)
	return koblitzSigner{key}, blindMultiply(&key.Key, secp256k1.ScalarBaseMultNonConst), nil
}

func (koblitz256) multiply(d, point []byte) ([]byte, error) {
	key, err := secp256k1.ParsePubKey(point)
	if err != nil {
		return nil, err
	}
	var q secp256k1.JacobianPoint
	key.AsJacobian(&q)
	var scalar secp256k1.ModNScalar
	defer scalar.Zero()
	if scalar.SetByteSlice(d) {
		return nil, errors.New("curve: scalar is not below the order")
	}
	return blindMultiply(&scalar, func(k *secp256k1.ModNScalar, product *secp256k1.JacobianPoint) {
		secp256k1.ScalarMultNonConst(k, &q, product)
	}), nil
}

func (koblitz256) onCurve(point []byte) error {
	_, err := secp256k1.ParsePubKey(point)
	return err
}

func (koblitz256) verify(point, digest, signature []byte) bool {
	key, err := secp256k1.ParsePubKey(point)
	if err != nil {
		return false
	}
	sig, err := ecdsa.ParseDERSignature(signature)
	return err == nil && sig.Verify(leftmost(digest, 32), key)
}

// blindMultiply returns d times a point as (d-r)·point + r·point with a random
// r, so that neither multiplication sees a value that recurs.
func blindMultiply(d *secp256k1.ModNScalar, mult func(*secp256k1.ModNScalar, *secp256k1.JacobianPoint)) []byte {
	var random [32]byte
	rand.Read(random[:])
	var r, rest secp256k1.ModNScalar
	r.SetBytes(&random)
	rest.NegateVal(&r).Add(d)
	var first, second, sum secp256k1.JacobianPoint
	mult(&rest, &first)
	mult(&r, &second)
	secp256k1.AddNonConst(&first, &second, &sum)
	sum.ToAffine()
	return secp256k1.NewPublicKey(&sum.X, &sum.Y).SerializeUncompressed()
}

type koblitzSigner struct{ key *secp256k1.PrivateKey }

func (s koblitzSigner) sign(digest []byte) ([]byte, error) {
	return ecdsa.Sign(s.key, leftmost(digest, 32)).Serialize(), nil
}

func (s koblitzSigner) wipe() { s.key.Zero() }
