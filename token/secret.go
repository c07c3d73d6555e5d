package token

import (
	"crypto/rand"

	"conclave/internal/secret"
	"conclave/token/cryptoki"
)

// Secret keys are made, agreed on, and used in sessions alone: the device has no
// commands for them.

// mostSecret is how long a secret key may be, in bytes.
const mostSecret = 4096

// GenerateKey makes a secret key in a session.
func (s *Session) GenerateKey(m cryptoki.Mechanism, t cryptoki.Template) (cryptoki.Handle, error) {
	mech, err := mechanismOf(m.Type, cryptoki.MechanismGenerate)
	if err != nil {
		return 0, err
	}
	if err := none(m.Parameter); err != nil {
		return 0, err
	}
	w := newWish(t, cryptoki.ClassSecretKey, []cryptoki.KeyType{mech.KeyType}, ofAll, ofSecret)
	if _, found := t.Find(cryptoki.AttrValueLen); !found {
		w.fail(cryptoki.TemplateIncomplete)
	}
	length := w.number(cryptoki.AttrValueLen, 0)
	if w.err == nil {
		w.err = checkSecretLength(mech.KeyType, length)
	}
	if w.err != nil {
		return 0, w.err
	}
	value := make(secret.Bytes, length)
	defer value.Wipe()
	rand.Read(value)
	return s.newSecretKey(with(t, cryptoki.Template{number(cryptoki.AttrKeyType, mech.KeyType)}), value, mech.Type)
}

// checkSecretLength says whether there are keys of that length, in bytes.
func checkSecretLength(t cryptoki.KeyType, length uint64) error {
	ok := length >= 1 && length <= mostSecret
	if t == cryptoki.KeyAES {
		ok = length == 16 || length == 24 || length == 32
	}
	if !ok {
		return cryptoki.AttributeValueInvalid
	}
	return nil
}
