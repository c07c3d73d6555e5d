package token

import (
	"errors"
	"math/big"

	"conclave/token/cryptoki"
	"conclave/wire"
)

// key finds a key.
func (s *Session) key(h cryptoki.Handle) (*object, error) {
	k, err := s.object(h)
	if errors.Is(err, cryptoki.ObjectHandleInvalid) {
		return nil, cryptoki.KeyHandleInvalid
	}
	if err != nil {
		return nil, err
	}
	switch k.class {
	case cryptoki.ClassPublicKey, cryptoki.ClassPrivateKey, cryptoki.ClassSecretKey:
		return k, nil
	}
	return nil, cryptoki.KeyHandleInvalid
}

// checkFor says whether a key is of the kind that a mechanism takes, and may be used
// with it.
func (k *object) checkFor(m *mechanism) error {
	t, err := k.number(cryptoki.AttrKeyType)
	if err != nil || cryptoki.KeyType(t) != m.KeyType {
		return cryptoki.KeyTypeInconsistent
	}
	if k.class != cryptoki.ClassSecretKey {
		if err := k.checkPublic(); err != nil {
			return err
		}
	}
	allowed, listed := k.attributes.Find(cryptoki.AttrAllowedMechanisms)
	if listed && !contains(allowed, m.Type) {
		return cryptoki.MechanismInvalid
	}
	return nil
}

// contains looks for a mechanism in the value of CKA_ALLOWED_MECHANISMS; an empty one
// allows all.
func contains(list []byte, t cryptoki.MechanismType) bool {
	for p := (parameter{rest: list}); len(p.rest) > 0; {
		if cryptoki.MechanismType(p.number()) == t {
			return true
		}
	}
	return len(list) == 0
}

// checkPublic says whether the public half is there, and one that a mechanism can work with:
// that of a public key may be anything that a program has given.
func (k *object) checkPublic() error {
	const mostExponent = 256 // bits, for the reason of maxModulus
	p := k.public
	switch {
	case p == nil:
		return cryptoki.KeySizeRange
	case p.Type == wire.KeyEC && p.Curve == nil:
		return cryptoki.KeySizeRange
	case p.Type == wire.KeyEC || k.class == cryptoki.ClassPrivateKey:
		return nil
	}
	n, e := new(big.Int).SetBytes(p.Modulus), new(big.Int).SetBytes(p.Exponent)
	if n.BitLen() != p.Bits || p.Bits < 512 || p.Bits > maxModulus || n.Bit(0) == 0 || e.BitLen() < 2 || e.BitLen() > mostExponent {
		return cryptoki.KeySizeRange
	}
	return nil
}

// number reads an attribute.
func (k *object) number(a cryptoki.AttributeType) (uint64, error) {
	value, _ := k.attributes.Find(a)
	return cryptoki.ParseNumber[uint64](value)
}

// is says whether an attribute is there, and true.
func (k *object) is(a cryptoki.AttributeType) bool { return truthOf(k.attributes, a, false) }

func (k *object) permits(a cryptoki.AttributeType) error {
	if !k.is(a) {
		return cryptoki.KeyFunctionNotPermitted
	}
	return nil
}
