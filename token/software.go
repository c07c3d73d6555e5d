package token

import (
	"crypto/rsa"

	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/rsaop"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// softwareKey is a private key in memory: that of a pair which a program makes for a
// session without a login, and calls public (CKA_PRIVATE). The device makes no keys then,
// and such a key protects nothing that is the user's. It is never the token's.
type softwareKey struct {
	rsa rsaop.Key // or
	ec  *curve.PrivateKey
}

// staysInMemory says whether a private key may be made without the user's login.
func staysInMemory(private cryptoki.Template) bool {
	return !truthOf(private, cryptoki.AttrPrivate, true) && !truthOf(private, cryptoki.AttrToken, false)
}

// generateInMemory makes a pair for the session. What the device would do with a list of
// algorithms, or with a counter, no one does here.
func (s *Session) generateInMemory(key hsm.NewKey, public, private cryptoki.Template) (publicKey, privateKey cryptoki.Handle, err error) {
	if key.UseCounter != nil || key.Algorithms != nil {
		return 0, 0, cryptoki.UserNotLoggedIn
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
	engine := rsaop.Best()
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
