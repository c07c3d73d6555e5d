package token

import (
	"slices"

	"conclave/token/cryptoki"
)

// wish is what a template asks of a new key, attribute by attribute. The first error
// stays.
type wish struct {
	template cryptoki.Template
	err      error
}

// newWish takes a template for a key of a class, which has the attributes that are
// listed, those of other vendors, and no other. What making a key gives it no template
// can choose; and what would not limit a key does not say that it does.
func newWish(t cryptoki.Template, class cryptoki.Class, kinds []cryptoki.KeyType, may ...[]cryptoki.AttributeType) *wish {
	w := &wish{template: t}
	for _, a := range t {
		switch {
		case slices.Contains(results, a.Type):
			w.fail(cryptoki.TemplateInconsistent)
		case (a.Type < vendorAttributes || slices.Contains(limiting, a.Type)) && !slices.ContainsFunc(may, func(list []cryptoki.AttributeType) bool { return slices.Contains(list, a.Type) }):
			w.fail(cryptoki.AttributeTypeInvalid)
		}
	}
	w.fail(checkTemplate(t))
	if w.number(cryptoki.AttrClass, uint64(class)) != uint64(class) || !slices.Contains(kinds, w.keyType(kinds[0])) {
		w.fail(cryptoki.TemplateInconsistent)
	}
	return w
}

func (w *wish) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *wish) keyType(otherwise cryptoki.KeyType) cryptoki.KeyType {
	return cryptoki.KeyType(w.number(cryptoki.AttrKeyType, uint64(otherwise)))
}

// number reads a CK_ULONG.
func (w *wish) number(a cryptoki.AttributeType, otherwise uint64) uint64 {
	value, found := w.template.Find(a)
	if !found {
		return otherwise
	}
	n, err := cryptoki.ParseNumber[uint64](value)
	if err != nil {
		w.fail(err)
	}
	return n
}

// flag reads a CK_BBOOL.
func (w *wish) flag(a cryptoki.AttributeType, otherwise bool) bool {
	return truthOf(w.template, a, otherwise)
}

// bytes reads what must be there.
func (w *wish) bytes(a cryptoki.AttributeType) []byte {
	value, found := w.template.Find(a)
	if !found {
		w.fail(cryptoki.TemplateIncomplete)
	}
	return value
}

// Attributes of templates for new keys.
var (
	// results are what making a key gives it.
	results = []cryptoki.AttributeType{
		cryptoki.AttrValue, cryptoki.AttrLocal, cryptoki.AttrNeverExtractable, cryptoki.AttrAlwaysSensitive, cryptoki.AttrKeyGenMechanism,
		cryptoki.AttrModulus, cryptoki.AttrPrivateExponent, cryptoki.AttrPrime1, cryptoki.AttrPrime2, cryptoki.AttrExponent1,
		cryptoki.AttrExponent2, cryptoki.AttrCoefficient, cryptoki.AttrECPoint, cryptoki.AttrUniqueID, cryptoki.AttrPublicKeyInfo,
	}
	// limiting are what limits a key that is generated on the device.
	limiting = []cryptoki.AttributeType{cryptoki.AttrUseCounter, cryptoki.AttrAlgorithmList, cryptoki.AttrKeyDomain}
	ofAll    = []cryptoki.AttributeType{
		cryptoki.AttrClass, cryptoki.AttrToken, cryptoki.AttrPrivate, cryptoki.AttrModifiable, cryptoki.AttrCopyable,
		cryptoki.AttrDestroyable, cryptoki.AttrLabel, cryptoki.AttrKeyType, cryptoki.AttrID, cryptoki.AttrStartDate,
		cryptoki.AttrEndDate, cryptoki.AttrDerive, cryptoki.AttrAllowedMechanisms,
	}
	ofPublic = []cryptoki.AttributeType{
		cryptoki.AttrSubject, cryptoki.AttrEncrypt, cryptoki.AttrVerify, cryptoki.AttrVerifyRecover, cryptoki.AttrWrap, cryptoki.AttrTrusted,
		cryptoki.AttrModulusBits, cryptoki.AttrPublicExponent, cryptoki.AttrECParams,
	}
	// ofPrivate has parameters too: there are programs that give them to both halves.
	ofPrivate = []cryptoki.AttributeType{
		cryptoki.AttrSubject, cryptoki.AttrDecrypt, cryptoki.AttrSign, cryptoki.AttrSignRecover, cryptoki.AttrUnwrap,
		cryptoki.AttrSensitive, cryptoki.AttrExtractable, cryptoki.AttrWrapWithTrusted, cryptoki.AttrAlwaysAuthenticate,
		cryptoki.AttrPublicExponent, cryptoki.AttrModulusBits, cryptoki.AttrECParams,
	}
	ofSecret = []cryptoki.AttributeType{
		cryptoki.AttrEncrypt, cryptoki.AttrDecrypt, cryptoki.AttrSign, cryptoki.AttrVerify, cryptoki.AttrWrap, cryptoki.AttrUnwrap,
		cryptoki.AttrSensitive, cryptoki.AttrExtractable, cryptoki.AttrTrusted, cryptoki.AttrWrapWithTrusted, cryptoki.AttrValueLen,
	}
)
