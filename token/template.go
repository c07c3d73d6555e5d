package token

import (
	"bytes"
	"slices"

	"conclave/internal/secret"
	"conclave/token/cryptoki"
)

// shape is how the value of an attribute looks.
type shape int

const (
	unknownShape shape = iota
	octetString
	truth // CK_BBOOL
	count // CK_ULONG
	date  // CK_DATE, or nothing
	made  // by the token alone
)

// shapeOf says how the value of an attribute looks (PKCS#11 3.2, tables of sections 4
// and 6).
func shapeOf(a cryptoki.AttributeType) shape {
	switch a {
	case cryptoki.AttrToken, cryptoki.AttrPrivate, cryptoki.AttrModifiable, cryptoki.AttrCopyable, cryptoki.AttrDestroyable,
		cryptoki.AttrTrusted, cryptoki.AttrSensitive, cryptoki.AttrExtractable, cryptoki.AttrEncrypt, cryptoki.AttrDecrypt,
		cryptoki.AttrWrap, cryptoki.AttrUnwrap, cryptoki.AttrSign, cryptoki.AttrSignRecover, cryptoki.AttrVerify,
		cryptoki.AttrVerifyRecover, cryptoki.AttrDerive, cryptoki.AttrAlwaysAuthenticate, cryptoki.AttrWrapWithTrusted:
		return truth
	case cryptoki.AttrClass, cryptoki.AttrKeyType, cryptoki.AttrCertificateType, cryptoki.AttrCertificateCategory,
		cryptoki.AttrModulusBits, cryptoki.AttrValueLen, cryptoki.AttrNameHashAlgorithm, cryptoki.AttrUseCounter:
		return count
	case cryptoki.AttrStartDate, cryptoki.AttrEndDate:
		return date
	case cryptoki.AttrLocal, cryptoki.AttrKeyGenMechanism, cryptoki.AttrAlwaysSensitive, cryptoki.AttrNeverExtractable, cryptoki.AttrUniqueID:
		return made
	case cryptoki.AttrLabel, cryptoki.AttrApplication, cryptoki.AttrObjectID, cryptoki.AttrValue, cryptoki.AttrIssuer,
		cryptoki.AttrSerialNumber, cryptoki.AttrSubject, cryptoki.AttrID, cryptoki.AttrCheckValue, cryptoki.AttrURL,
		cryptoki.AttrHashOfSubjectKey, cryptoki.AttrHashOfIssuerKey, cryptoki.AttrModulus, cryptoki.AttrPublicExponent,
		cryptoki.AttrPublicKeyInfo, cryptoki.AttrECParams, cryptoki.AttrECPoint, cryptoki.AttrAllowedMechanisms,
		cryptoki.AttrAlgorithmList, cryptoki.AttrKeyDomain:
		return octetString
	}
	return unknownShape
}

// vendorAttributes begin here. Those of other vendors are nothing to us, and programs
// that know them send them to every token.
const vendorAttributes cryptoki.AttributeType = 0x80000000

// checkTemplate says whether all attributes of a template are known, there once, and of
// the right shape.
func checkTemplate(t cryptoki.Template) error {
	seen := map[cryptoki.AttributeType]bool{}
	for _, a := range t {
		if seen[a.Type] {
			return cryptoki.TemplateInconsistent
		}
		seen[a.Type] = true
		if err := checkShape(a); err != nil {
			return err
		}
	}
	return nil
}

func checkShape(a cryptoki.Attribute) error {
	fits := true
	switch shapeOf(a.Type) {
	case unknownShape:
		if a.Type < vendorAttributes {
			return cryptoki.AttributeTypeInvalid
		}
	case made:
		return cryptoki.AttributeReadOnly
	case truth:
		fits = len(a.Value) == 1 && a.Value[0] <= 1
	case count:
		fits = len(a.Value) == 8
	case date:
		fits = len(a.Value) == 0 || len(a.Value) == 8
	case octetString:
		fits = len(a.Value) <= maxValue
	}
	if !fits {
		return cryptoki.AttributeValueInvalid
	}
	return nil
}

// maxValue is how many bytes an attribute of a new object may have: as many as a file.
const maxValue = 0xFFFF

// ours leaves out attributes of other vendors.
func ours(t cryptoki.Template) cryptoki.Template {
	return slices.DeleteFunc(slices.Clone(t), func(a cryptoki.Attribute) bool { return shapeOf(a.Type) == unknownShape })
}

// truthOf is an attribute that says yes or no, or what it is if it is not there.
func truthOf(t cryptoki.Template, a cryptoki.AttributeType, otherwise bool) bool {
	value, found := t.Find(a)
	if !found {
		return otherwise
	}
	yes, err := cryptoki.ParseBool(value)
	return err == nil && yes
}

// countOf is a number that must be in a template.
func countOf[T ~uint64](t cryptoki.Template, a cryptoki.AttributeType) (T, error) {
	value, found := t.Find(a)
	if !found {
		return 0, cryptoki.TemplateIncomplete
	}
	return cryptoki.ParseNumber[T](value)
}

// textOf is the value of an attribute; nothing if it is not there.
func textOf(t cryptoki.Template, a cryptoki.AttributeType) string {
	value, _ := t.Find(a)
	return string(value)
}

// namesOf are label and ID, as wire.Rewrite takes them; nil for what is not there.
func namesOf(t cryptoki.Template) (label *string, id []byte) {
	if value, found := t.Find(cryptoki.AttrLabel); found {
		label = new(string(value))
	}
	id, _ = t.Find(cryptoki.AttrID)
	return label, id
}

// without leaves out attributes.
func without(t cryptoki.Template, types ...cryptoki.AttributeType) cryptoki.Template {
	return slices.DeleteFunc(slices.Clone(t), func(a cryptoki.Attribute) bool { return slices.Contains(types, a.Type) })
}

// mayCreate says whether a session may make an object with a template: one of the token
// only if it is a read-write session, a private one only after the user's login.
func (s *Session) mayCreate(t cryptoki.Template) error {
	if err := checkTemplate(t); err != nil {
		return err
	}
	ofToken := truthOf(t, cryptoki.AttrToken, false)
	switch {
	case ofToken && !s.writable:
		return cryptoki.SessionReadOnly
	case !ofToken && s.application.isFull():
		return cryptoki.DeviceMemory
	case truthOf(t, cryptoki.AttrPrivate, false) && !s.userLoggedIn():
		return cryptoki.UserNotLoggedIn
	}
	return nil
}

// userLoggedIn says whether the user is, and not only the security officer.
func (s *Session) userLoggedIn() bool {
	l, loggedIn := s.application.login(s.slot)
	return loggedIn && l.user == cryptoki.User
}

// newSecretKey keeps a secret key in a session. The template has its type; by is the
// mechanism that made it, Unavailable if it was made elsewhere.
func (s *Session) newSecretKey(t cryptoki.Template, value secret.Bytes, by cryptoki.MechanismType) (cryptoki.Handle, error) {
	if err := s.mayCreate(t); err != nil {
		return 0, err
	}
	if truthOf(t, cryptoki.AttrToken, false) {
		return 0, cryptoki.TemplateInconsistent // the device has no place for it
	}
	kind, err := countOf[cryptoki.KeyType](t, cryptoki.AttrKeyType)
	if err != nil {
		return 0, err
	}
	if n, err := countOf[uint64](t, cryptoki.AttrValueLen); err == nil && n != uint64(len(value)) {
		return 0, cryptoki.TemplateInconsistent
	}
	local := by != cryptoki.MechanismType(cryptoki.Unavailable)
	attributes := with(secretKeyDefaults(kind, s.userLoggedIn()), ours(t))
	hidden, leaves := truthOf(attributes, cryptoki.AttrSensitive, true), truthOf(attributes, cryptoki.AttrExtractable, false)
	attributes = with(attributes, cryptoki.Template{
		flag(cryptoki.AttrLocal, local), number(cryptoki.AttrKeyGenMechanism, by), number(cryptoki.AttrValueLen, uint64(len(value))),
		flag(cryptoki.AttrAlwaysSensitive, local && hidden), flag(cryptoki.AttrNeverExtractable, local && !leaves),
		{Type: cryptoki.AttrValue, Value: bytes.Clone(value)},
	})
	o := &object{class: cryptoki.ClassSecretKey, attributes: hideValue(attributes), value: value.Clone()}
	return s.keep(o), nil
}

// hideValue makes the value of a secret key one that does not leave, if it is sensitive
// or not extractable.
func hideValue(t cryptoki.Template) cryptoki.Template {
	if truthOf(t, cryptoki.AttrSensitive, true) || !truthOf(t, cryptoki.AttrExtractable, false) {
		return with(t, sensitive(cryptoki.AttrValue))
	}
	return t
}

// secretKeyDefaults are what a template for a secret key does not say: as SoftHSM has
// it, where programs are tried most. It may be private only where the user is logged in.
func secretKeyDefaults(kind cryptoki.KeyType, private bool) cryptoki.Template {
	aes := kind == cryptoki.KeyAES
	return append(storage(cryptoki.ClassSecretKey, private, ""),
		number(cryptoki.AttrKeyType, kind), octets(cryptoki.AttrID, ""), octets(cryptoki.AttrStartDate, ""), octets(cryptoki.AttrEndDate, ""),
		flag(cryptoki.AttrEncrypt, aes), flag(cryptoki.AttrDecrypt, aes), flag(cryptoki.AttrSign, true), flag(cryptoki.AttrVerify, true),
		flag(cryptoki.AttrWrap, false), flag(cryptoki.AttrUnwrap, false), flag(cryptoki.AttrDerive, true),
		flag(cryptoki.AttrTrusted, false), flag(cryptoki.AttrWrapWithTrusted, false),
		flag(cryptoki.AttrSensitive, true), flag(cryptoki.AttrExtractable, false))
}
