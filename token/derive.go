package token

import (
	"crypto"
	"encoding/asn1"
	"encoding/binary"
	"errors"

	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// DeriveKey derives a secret key in a session.
func (s *Session) DeriveKey(m cryptoki.Mechanism, base cryptoki.Handle, t cryptoki.Template) (cryptoki.Handle, error) {
	mech, err := mechanismOf(m.Type, cryptoki.MechanismDerive)
	if err != nil {
		return 0, err
	}
	k, err := s.key(base)
	if err != nil {
		return 0, err
	}
	if err := k.checkFor(mech); err != nil {
		return 0, err
	}
	if k.class != cryptoki.ClassPrivateKey {
		return 0, cryptoki.KeyTypeInconsistent
	}
	if err := k.permits(cryptoki.AttrDerive); err != nil {
		return 0, err
	}
	if k.is(cryptoki.AttrAlwaysAuthenticate) {
		return 0, cryptoki.KeyFunctionNotPermitted // there is no operation for which the user could log in
	}
	agreement, err := newAgreement(m.Parameter, k.public.Curve)
	if err != nil {
		return 0, err
	}
	w := newWish(t, cryptoki.ClassSecretKey, []cryptoki.KeyType{cryptoki.KeyGenericSecret, cryptoki.KeyAES}, ofAll, ofSecret)
	keyType := w.keyType(cryptoki.KeyGenericSecret)
	length, err := agreement.length(w, keyType)
	if err != nil {
		return 0, err
	}
	value, err := agreement.derive(s, k, length)
	if err != nil {
		return 0, err
	}
	defer value.Wipe()
	// Java reads the value of what it has derived, and does not say that it wants to.
	readable := cryptoki.Template{flag(cryptoki.AttrSensitive, false), flag(cryptoki.AttrExtractable, true), number(cryptoki.AttrKeyType, keyType)}
	return s.newSecretKey(with(readable, t), value, cryptoki.MechanismType(cryptoki.Unavailable))
}

// agreement is ECDH with the point of another.
type agreement struct {
	curve  *curve.Curve
	kdf    crypto.Hash // of ANSI X9.63's KDF; 0 for none
	shared []byte
	point  []byte
}

// newAgreement reads CK_ECDH1_DERIVE_PARAMS: kdf, shared data, public data. The point
// may be in a DER OCTET STRING, as CKA_EC_POINT has it.
func newAgreement(b []byte, c *curve.Curve) (*agreement, error) {
	p := parameter{rest: b}
	kdf := cryptoki.KDF(p.number())
	a := &agreement{curve: c, kdf: hashOfKDF(kdf), shared: p.string(), point: p.string()}
	if err := p.end(); err != nil {
		return nil, err
	}
	var inner []byte
	if c.CheckPoint(a.point) != nil { // which may look like an OCTET STRING
		if rest, err := asn1.Unmarshal(a.point, &inner); err == nil && len(rest) == 0 {
			a.point = inner
		}
	}
	if kdf != cryptoki.KDFNull && a.kdf == 0 || kdf == cryptoki.KDFNull && len(a.shared) > 0 || c.CheckPoint(a.point) != nil {
		return nil, cryptoki.MechanismParamInvalid
	}
	return a, nil
}

// length is how many bytes the key has: by its template, or without a KDF as many as
// there are.
func (a *agreement) length(w *wish, t cryptoki.KeyType) (int, error) {
	most := mostSecret
	if a.kdf == 0 {
		most = a.curve.FieldLen()
	}
	length := w.number(cryptoki.AttrValueLen, 0)
	switch {
	case w.err != nil:
		return 0, w.err
	case length == 0 && (a.kdf != 0 || t == cryptoki.KeyAES):
		return 0, cryptoki.TemplateIncomplete
	case length == 0:
		return most, nil
	case length > uint64(most):
		return 0, cryptoki.KeySizeRange
	}
	return int(length), checkSecretLength(t, length)
}

// derive lets the device agree. What both agree on is the x coordinate; if less is
// wanted, and there is no KDF, bytes are left out at its beginning (PKCS #11 3.2,
// section 6.3.19).
func (a *agreement) derive(s *Session, k *object, length int) (secret.Bytes, error) {
	point, _, err := k.use(s, (*hsm.HSM).Decipher, attempt{wire.ECDH, a.point})
	if errors.Is(err, cryptoki.DataInvalid) {
		return nil, cryptoki.MechanismParamInvalid
	}
	if err != nil {
		return nil, err
	}
	defer clear(point)
	if len(point) != 1+2*a.curve.FieldLen() {
		return nil, cryptoki.DeviceError
	}
	x := point[1 : 1+a.curve.FieldLen()]
	if a.kdf == 0 {
		return secret.Bytes(x[len(x)-length:]).Clone(), nil
	}
	return a.stretch(x, length), nil
}

// stretch is the KDF of ANSI X9.63 (SEC 1, version 2.0, section 3.6.1).
func (a *agreement) stretch(x []byte, length int) secret.Bytes {
	size := a.kdf.Size()
	out := make(secret.Bytes, 0, (length+size-1)/size*size)
	h := a.kdf.New()
	for counter := uint32(1); len(out) < length; counter++ {
		h.Reset()
		h.Write(x)
		h.Write(binary.BigEndian.AppendUint32(nil, counter))
		h.Write(a.shared)
		out = h.Sum(out)
	}
	h.Reset()
	clear(out[length:])
	return out[:length]
}
