package token

import (
	"bytes"
	"cmp"
	"crypto"
	"errors"
	"log/slog"
	"math"
	"slices"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// GenerateKeyPair makes a key pair on the device. One that is not to be the token's
// (CKA_TOKEN) is there all the same until its session ends, unless it is copied before.
//
// A private key is sensitive whatever its template says, and can leave under the DKEK of
// the device alone: where there is one, CKA_EXTRACTABLE is true, also for programs that
// say false to every key, whose keys would be in no backup otherwise.
func (s *Session) GenerateKeyPair(m cryptoki.Mechanism, public, private cryptoki.Template) (publicKey, privateKey cryptoki.Handle, err error) {
	mech, err := mechanismOf(m.Type, cryptoki.MechanismGenerateKeyPair)
	if err != nil {
		return 0, 0, err
	}
	if err := none(m.Parameter); err != nil {
		return 0, 0, err
	}
	key, err := newKeyOf(mech.KeyType, public, private)
	if err != nil {
		return 0, 0, err
	}
	token := truthOf(private, cryptoki.AttrToken, false)
	if token && !s.writable {
		return 0, 0, cryptoki.SessionReadOnly
	}
	if staysInMemory(private) && !s.userLoggedIn() {
		return s.generateInMemory(key, public, private)
	}
	if !token {
		if key.Label, err = s.provisionalLabel(); err != nil {
			return 0, 0, err
		}
	}
	ref, made, err := s.generate(key)
	if err != nil {
		return 0, 0, err
	}
	if !token {
		return s.addProvisional(ref, made, public, private)
	}
	publicKey, err = writer{s}.tokenObject(cryptoki.ClassPublicKey, wire.PrefixKey.File(ref))
	if err != nil {
		return 0, 0, err
	}
	privateKey, err = writer{s}.tokenObject(cryptoki.ClassPrivateKey, wire.PrefixKey.File(ref))
	return publicKey, privateKey, err
}

// newKeyOf reads the templates of a key pair.
func newKeyOf(t cryptoki.KeyType, public, private cryptoki.Template) (key hsm.NewKey, err error) {
	kinds := []cryptoki.KeyType{t}
	pub := newWish(public, cryptoki.ClassPublicKey, kinds, ofAll, ofPublic, limiting)
	prv := newWish(private, cryptoki.ClassPrivateKey, kinds, ofAll, ofPrivate, limiting)
	if t == cryptoki.KeyRSA {
		key.Key = pub.rsa()
	} else {
		key.Key = pub.curve()
	}
	label, _ := firstOf(cryptoki.AttrLabel, private, public)
	key.Label = string(label)
	key.ID, _ = firstOf(cryptoki.AttrID, private, public)
	prv.takeLimits(public)
	key.UseCounter, key.Domain = prv.useCounter(), prv.keyDomain()
	key.Usage = prv.usage(key.Key.Type)
	key.Algorithms, key.Described = prv.algorithms()
	if key.Consent = prv.flag(cryptoki.AttrAlwaysAuthenticate, false); key.Consent {
		key.Usage &^= wire.UsageDerive // no one can log in for that
	}
	if key.Consent && !prv.flag(cryptoki.AttrPrivate, true) || pub.flag(cryptoki.AttrTrusted, false) {
		prv.fail(cryptoki.TemplateInconsistent)
	}
	return key, cmp.Or(pub.err, prv.err)
}

// firstOf gives an attribute of the first template that has it, and is not empty there.
func firstOf(a cryptoki.AttributeType, templates ...cryptoki.Template) (value []byte, found bool) {
	for _, t := range templates {
		if value, _ = t.Find(a); len(value) > 0 {
			return value, true
		}
	}
	return nil, false
}

// rsa is the size of the modulus. The exponent is 65537, which is all that devices make.
func (w *wish) rsa() wire.PublicKey {
	w.bytes(cryptoki.AttrModulusBits)
	bits := w.number(cryptoki.AttrModulusBits, 0)
	if w.err == nil && !slices.Contains(wire.RSASizes(), int(min(bits, math.MaxInt32))) {
		w.fail(cryptoki.AttributeValueInvalid)
	}
	key := wire.RSATemplate(int(min(bits, math.MaxInt32)))
	exponent, found := w.template.Find(cryptoki.AttrPublicExponent)
	if found && !bytes.Equal(bytes.TrimLeft(exponent, "\x00"), key.Exponent) {
		w.fail(cryptoki.AttributeValueInvalid)
	}
	return key
}

// curve is that of CKA_EC_PARAMS.
func (w *wish) curve() wire.PublicKey {
	c, err := curveOf(w.bytes(cryptoki.AttrECParams))
	if err != nil {
		w.fail(err)
	}
	return wire.ECTemplate(c)
}

// takeLimits takes what limits the private key from the template of the public one, where
// CardContact's module has it. Where both have it, they must agree.
func (w *wish) takeLimits(public cryptoki.Template) {
	for _, a := range limiting {
		value, found := public.Find(a)
		if !found {
			continue
		}
		if own, found := w.template.Find(a); !found {
			w.template = append(slices.Clip(w.template), cryptoki.Attribute{Type: a, Value: value})
		} else if !bytes.Equal(own, value) {
			w.fail(cryptoki.TemplateInconsistent)
		}
	}
}

// keyDomain is the number of the key's domain; nil if the device is to choose.
func (w *wish) keyDomain() *byte {
	value, found := w.template.Find(cryptoki.AttrKeyDomain)
	if !found {
		return nil
	}
	if len(value) != 1 {
		w.fail(cryptoki.AttributeValueInvalid)
		return nil
	}
	return &value[0]
}

// useCounter is how often the key may be used; nil for as often as one likes.
func (w *wish) useCounter() *uint32 {
	uses := w.number(cryptoki.AttrUseCounter, cryptoki.Unavailable)
	if uses == cryptoki.Unavailable {
		return nil
	}
	if uses == 0 || uses > math.MaxUint32 {
		w.fail(cryptoki.AttributeValueInvalid)
	}
	n := uint32(uses)
	return &n
}

// usage is what the key is described to be for: what such keys do, but for what the
// template says of it.
func (w *wish) usage(t wire.KeyType) wire.Usage {
	usage := t.Usual()
	for a, bit := range map[cryptoki.AttributeType]wire.Usage{
		cryptoki.AttrDecrypt: wire.UsageDecrypt, cryptoki.AttrSign: wire.UsageSign, cryptoki.AttrSignRecover: wire.UsageSignRecover,
		cryptoki.AttrUnwrap: wire.UsageUnwrap, cryptoki.AttrDerive: wire.UsageDerive,
	} {
		if _, found := w.template.Find(a); found {
			usage &^= bit
			if w.flag(a, false) {
				usage |= bit
			}
		}
	}
	return usage
}

// algorithms is the key's list, as the device has it, or made of the mechanisms that are
// allowed; nil for all. A mechanism that hashes wants the scheme that signs any hash from
// the device, which hashes only what is short: so much more the device allows, and the
// token does not. A salt as long as the hash is all that a device makes for PSS; others
// would want what signs anything, and are not allowed. For SHA-3 alone there is no list.
func (w *wish) algorithms() (device, described []byte) {
	if list, found := w.template.Find(cryptoki.AttrAlgorithmList); found {
		return list, list
	}
	list, _ := w.template.Find(cryptoki.AttrAllowedMechanisms)
	var schemes, algorithms, hashedByHost []byte
	for p := (parameter{rest: list}); len(p.rest) > 0; {
		t := cryptoki.MechanismType(p.number())
		a, scheme := algorithmsOf(t), byte(schemeOf(t).scheme)
		if len(a) == 0 {
			hashedByHost = append(hashedByHost, scheme)
		}
		if scheme != 0 {
			schemes = append(schemes, scheme)
		}
		if p.broken {
			w.fail(cryptoki.AttributeValueInvalid)
		}
		algorithms = append(algorithms, a...)
	}
	for _, scheme := range hashedByHost {
		if scheme == 0 || !slices.Contains(algorithms, scheme) {
			w.fail(cryptoki.AttributeValueInvalid)
		}
	}
	return sorted(append(schemes, algorithms...)), sorted(algorithms)
}

func sorted(list []byte) []byte {
	slices.Sort(list)
	return slices.Compact(list)
}

// algorithmsOf is what the device calls a mechanism; nothing for what it has no name for.
func algorithmsOf(t cryptoki.MechanismType) []byte {
	switch t {
	case cryptoki.RSAX509:
		return []byte{byte(wire.RSARaw), byte(wire.RSADecryptRaw)}
	case cryptoki.RSAPKCS:
		return []byte{byte(wire.RSAPKCS1), byte(wire.RSADecryptPKCS1)}
	case cryptoki.RSAPKCSOAEP:
		return []byte{byte(wire.RSADecryptOAEP)}
	case cryptoki.RSAPKCSPSS:
		return []byte{byte(wire.RSAPSS)}
	case cryptoki.ECDSA:
		return []byte{byte(wire.ECDSA)}
	case cryptoki.ECDH1Derive, cryptoki.ECDH1CofactorDerive:
		return []byte{byte(wire.ECDH)}
	case cryptoki.ConclaveDKEKWrap:
		return []byte{byte(wire.AlgorithmWrap)}
	}
	h := schemeOf(t)
	if onCard, err := h.scheme.OnCard(h.hash); h.scheme != 0 && err == nil {
		return []byte{byte(onCard)}
	}
	return nil
}

// hashedScheme is a mechanism that hashes.
type hashedScheme struct {
	scheme wire.Algorithm // by which the device signs what a host has hashed; 0 for none
	hash   crypto.Hash
}

func schemeOf(t cryptoki.MechanismType) hashedScheme {
	for _, h := range hashes {
		switch t {
		case h.pkcs1:
			return hashedScheme{wire.RSAPKCS1, h.hash}
		case h.pss:
			return hashedScheme{wire.RSAPSS, h.hash}
		case h.ecdsa:
			return hashedScheme{wire.ECDSA, h.hash}
		}
	}
	return hashedScheme{}
}

// allowedMechanisms are those that a key with a list of algorithms can be used with
// (CKA_ALLOWED_MECHANISMS).
func allowedMechanisms(kind wire.KeyType, algorithms []byte) (allowed []byte) {
	for _, m := range mechanisms {
		may := append(algorithmsOf(m.Type), byte(schemeOf(m.Type).scheme))
		if m.KeyType == keyType(kind) && slices.ContainsFunc(may, func(a byte) bool { return a != 0 && slices.Contains(algorithms, a) }) {
			allowed = append(allowed, cryptoki.Number(m.Type)...)
		}
	}
	return allowed
}

// generate makes the key on the device.
func (s *Session) generate(key hsm.NewKey) (ref byte, public *wire.PublicKey, err error) {
	err = writer{s}.write(func(h *hsm.HSM) error {
		made, request, err := h.GenerateKey(key)
		if key.Domain != nil && errors.Is(err, apdu.ReferenceNotFound) {
			return cryptoki.AttributeValueInvalid
		}
		if err != nil {
			return full(err)
		}
		ref, public = made, &request.Request.Key
		return nil
	})
	return ref, public, err
}

// full says in the log what CKR_DEVICE_MEMORY cannot.
func full(err error) error {
	if errors.Is(err, hsm.ErrFull) {
		slog.Warn("a program wants another key", "error", err)
		return cryptoki.DeviceMemory
	}
	return err
}
