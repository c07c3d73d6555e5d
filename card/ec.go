package card

import (
	"crypto/sha256"

	"conclave/apdu"
	"conclave/internal/curve"
	"conclave/internal/keyop"
	"conclave/wire"
)

// ecKey is a key on an elliptic curve. Fast signs in its place where the engine has that;
// nil where it has not.
type ecKey struct {
	*curve.PrivateKey
	fast keyop.Signer
}

func ecRecord(k *curve.PrivateKey) keyRecord { return keyRecord{EC: k.D, Curve: k.Curve.Name} }

func generateEC(on *curve.Curve) (keyRecord, error) {
	k, err := on.Generate()
	if err != nil {
		return keyRecord{}, err
	}
	return ecRecord(k), nil
}

func openEC(r keyRecord, engine keyop.Engine) (ecKey, error) {
	on, err := curve.ByName(r.Curve)
	if err != nil {
		return ecKey{}, err
	}
	k, err := on.NewPrivateKey(r.EC)
	if err != nil {
		return ecKey{}, err
	}
	fast, err := engine.NewECDSA(k)
	if err != nil {
		k.Wipe()
	}
	return ecKey{k, fast}, err
}

func (k ecKey) sign(digest []byte) ([]byte, error) {
	if k.fast != nil {
		return k.fast.Sign(digest)
	}
	return k.Sign(digest)
}

func (k ecKey) material() any { return k.PrivateKey }

func (k ecKey) public() wire.PublicKey { return wire.ECPublicKey(k.Curve, k.Q) }

func (k ecKey) wipe() {
	if k.fast != nil {
		k.fast.Wipe()
	}
	k.Wipe()
}

// planSign plans an ECDSA signature in DER.
func (k ecKey) planSign(a wire.Algorithm, data []byte) (operation, error) {
	digest := hashed(a, data)
	switch {
	case scheme(a) != wire.ECDSA:
		return nil, apdu.WrongData
	case len(digest) == 0:
		return nil, apdu.WrongLength
	}
	return func() ([]byte, error) { return k.sign(digest) }, nil
}

// planDecipher plans ECDH with a point of the curve.
func (k ecKey) planDecipher(a wire.Algorithm, point []byte) (operation, error) {
	if a != wire.ECDH || k.Curve.CheckPoint(point) != nil {
		return nil, apdu.WrongData
	}
	return func() ([]byte, error) { return k.ECDH(point) }, nil
}

func (k ecKey) cvcAlgorithm() (wire.Algorithm, error) { return wire.ECDSA | wire.HashSHA256, nil }

// signCVC signs as TR-03110 wants it from an EC key: SHA-256, r‖s.
func (k ecKey) signCVC(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	der, err := k.sign(digest[:])
	if err != nil {
		return nil, err
	}
	return curve.PlainSignature(k.Curve, der)
}
