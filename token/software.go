package token

import (
	"crypto/rsa"
	"math/big"
	"slices"

	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/keyop"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// softwareKey is a private key in memory, of a session, and never the token's: that of a
// pair which a program makes without a login, and calls public (CKA_PRIVATE), when the
// device makes no keys; or one that a program had already, and wants to use here as it
// uses others.
type softwareKey struct {
	rsa keyop.Key // or
	ec  *curve.PrivateKey
}

// staysInMemory says whether a private key may be made without the user's login.
func staysInMemory(private cryptoki.Template) bool {
	return !truthOf(private, cryptoki.AttrPrivate, true) && !truthOf(private, cryptoki.AttrToken, false)
}

// generateInMemory makes a pair for the session. What the device would do with a list of
// algorithms, or with a counter, no one does here.
func (s *Session) generateInMemory(key hsm.NewKey, public, private cryptoki.Template) (publicKey, privateKey cryptoki.Handle, err error) {
	if key.UseCounter != nil || key.Algorithms != nil || key.Domain != nil {
		return 0, 0, cryptoki.UserNotLoggedIn
	}
	if s.application.isFull() {
		return 0, 0, cryptoki.DeviceMemory
	}
	k, made, err := newSoftwareKey(key.Key)
	if err != nil {
		return 0, 0, err
	}
	d := &keyDescription{kind: made.Type, bits: made.Bits, usage: key.Usage, public: made, local: true}
	fixed := cryptoki.Template{flag(cryptoki.AttrCopyable, false)}
	publicKey = s.keep(&object{class: cryptoki.ClassPublicKey, attributes: with(d.publicKey(), ours(public)), public: made})
	privateKey = s.keep(&object{class: cryptoki.ClassPrivateKey, attributes: with(with(d.privateKey(), ours(private)), fixed), public: made, software: k})
	return publicKey, privateKey, nil
}

func newSoftwareKey(template wire.PublicKey) (*softwareKey, *wire.PublicKey, error) {
	if template.Type == wire.KeyEC {
		k, err := template.Curve.Generate()
		if err != nil {
			return nil, nil, err
		}
		public := wire.ECPublicKey(k.Curve, k.Q)
		return &softwareKey{ec: k}, &public, nil
	}
	engine := keyop.Best()
	private, err := engine.GenerateKey(template.Bits)
	if err != nil {
		return nil, nil, err
	}
	defer wipeRSA(private)
	k, err := engine.NewKey(private)
	if err != nil {
		return nil, nil, err
	}
	public := wire.RSAPublicKey(&private.PublicKey)
	public.Bits = template.Bits
	return &softwareKey{rsa: k}, &public, nil
}

// createPrivateKey makes a private key of the session from its values, which do not leave
// any more. It goes with the user's login, if there is one, and the template does not say
// otherwise.
func (s *Session) createPrivateKey(t cryptoki.Template) (cryptoki.Handle, error) {
	values := []cryptoki.AttributeType{
		cryptoki.AttrValue, cryptoki.AttrPrivateExponent, cryptoki.AttrPrime1, cryptoki.AttrPrime2,
		cryptoki.AttrExponent1, cryptoki.AttrExponent2, cryptoki.AttrCoefficient,
	}
	shown := without(t, values...)
	if err := s.mayCreate(shown); err != nil {
		return 0, err
	}
	if truthOf(shown, cryptoki.AttrToken, false) || truthOf(shown, cryptoki.AttrAlwaysAuthenticate, false) {
		return 0, cryptoki.TemplateInconsistent
	}
	k, public, err := softwareKeyOf(t)
	if err != nil {
		return 0, err
	}
	d := &keyDescription{kind: public.Type, bits: public.Bits, usage: public.Type.Usual(), public: public}
	byLogin := cryptoki.Template{flag(cryptoki.AttrPrivate, s.userLoggedIn())}
	attributes := with(with(with(d.privateKey(), byLogin), ours(shown)), append(publicParameters(public),
		flag(cryptoki.AttrSensitive, true), flag(cryptoki.AttrAlwaysSensitive, false),
		flag(cryptoki.AttrExtractable, false), flag(cryptoki.AttrNeverExtractable, false), flag(cryptoki.AttrCopyable, false)))
	return s.keep(&object{class: cryptoki.ClassPrivateKey, attributes: attributes, public: public, software: k}), nil
}

// softwareKeyOf reads a private key from a template.
func softwareKeyOf(t cryptoki.Template) (*softwareKey, *wire.PublicKey, error) {
	kind, err := countOf[cryptoki.KeyType](t, cryptoki.AttrKeyType)
	if err != nil {
		return nil, nil, err
	}
	switch kind {
	case cryptoki.KeyRSA:
		return rsaSoftwareKeyOf(t)
	case cryptoki.KeyEC:
		return ecSoftwareKeyOf(t)
	}
	return nil, nil, cryptoki.TemplateInconsistent
}

func ecSoftwareKeyOf(t cryptoki.Template) (*softwareKey, *wire.PublicKey, error) {
	parameters, found := t.Find(cryptoki.AttrECParams)
	value, also := t.Find(cryptoki.AttrValue)
	if !found || !also {
		return nil, nil, cryptoki.TemplateIncomplete
	}
	c, err := curveOf(parameters)
	if err != nil {
		return nil, nil, err
	}
	k, err := c.NewPrivateKey(value)
	if err != nil {
		return nil, nil, cryptoki.AttributeValueInvalid
	}
	public := wire.ECPublicKey(c, k.Q)
	return &softwareKey{ec: k}, &public, nil
}

// rsaSoftwareKeyOf wants the primes, too: what a key is computed with follows from them.
func rsaSoftwareKeyOf(t cryptoki.Template) (*softwareKey, *wire.PublicKey, error) {
	public, err := rsaPublicKeyOf(t)
	if err != nil {
		return nil, nil, err
	}
	least, most := slices.Min(wire.RSASizes()), slices.Max(wire.RSASizes())
	e := new(big.Int).SetBytes(public.Exponent)
	if public.Bits < least || public.Bits > most || e.BitLen() > 31 {
		return nil, nil, cryptoki.AttributeValueInvalid
	}
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).SetBytes(public.Modulus), E: int(e.Int64())}}
	var numbers []*big.Int
	for _, a := range []cryptoki.AttributeType{cryptoki.AttrPrivateExponent, cryptoki.AttrPrime1, cryptoki.AttrPrime2} {
		value, found := t.Find(a)
		if !found {
			return nil, nil, cryptoki.TemplateIncomplete
		}
		numbers = append(numbers, new(big.Int).SetBytes(value))
	}
	key.D, key.Primes = numbers[0], numbers[1:]
	if key.Validate() != nil {
		return nil, nil, cryptoki.AttributeValueInvalid
	}
	key.Precompute()
	defer wipeRSA(key)
	k, err := keyop.Best().NewKey(key)
	if err != nil {
		return nil, nil, cryptoki.AttributeValueInvalid
	}
	return &softwareKey{rsa: k}, public, nil
}

func wipeRSA(k *rsa.PrivateKey) {
	for _, n := range append(k.Primes, k.D, k.Precomputed.Dp, k.Precomputed.Dq, k.Precomputed.Qinv) {
		clear(n.Bits())
	}
}

// use does what a device would do in answer to the first attempt, which leaves paddings
// to the host.
func (k *softwareKey) use(a attempt) ([]byte, error) {
	switch a.algorithm {
	case wire.ECDSA:
		return k.ec.Sign(a.data)
	case wire.ECDH:
		return k.ec.ECDH(a.data)
	}
	return k.rsa.Private(a.data)
}

func (k *softwareKey) close() {
	if k.rsa != nil {
		k.rsa.Close()
	} else {
		k.ec.Wipe()
	}
}
