package token

import (
	"crypto"

	"conclave/internal/curve"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// ecdsa is ECDSA, whose signatures are r and s one after the other, each as long as the
// order of the curve. The device's are DER.
type ecdsa struct{ hash crypto.Hash }

func newECDSA(m *mechanism, p []byte, k *object) (any, error) {
	return ecdsa{m.hash}, none(p)
}

// digest is what is signed. Of a long one the left-most bytes count; bits that are too
// many in the last one are the device's to cut off (FIPS 186-5, section 6.4.1).
func (e ecdsa) digest(k *object, in *input) ([]byte, error) {
	digest := in.data
	if e.hash != 0 {
		digest = in.digest()
	}
	if len(digest) == 0 {
		return nil, cryptoki.DataLenRange
	}
	return digest[:min(len(digest), len(k.public.Curve.N))], nil
}

func (e ecdsa) sign(s *Session, k *object, in *input) ([]byte, error) {
	digest, err := e.digest(k, in)
	if err != nil {
		return nil, err
	}
	der, err := k.signWith(s, append([]attempt{{wire.ECDSA, digest}}, hashing(wire.ECDSA, e.hash, in)...)...)
	if err != nil {
		return nil, err
	}
	return curve.PlainSignature(k.public.Curve, der)
}

func (e ecdsa) verify(k *object, in *input, signature []byte) error {
	digest, err := e.digest(k, in)
	if err != nil {
		return err
	}
	c := k.public.Curve
	if len(signature) != 2*len(c.N) {
		return cryptoki.SignatureLenRange
	}
	der, err := curve.DERSignature(c, signature)
	if err != nil || !c.Verify(k.public.Point, digest, der) {
		return cryptoki.SignatureInvalid
	}
	return nil
}
