package token

import (
	"errors"

	"conclave/dkek"
	"conclave/hsm"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// The DKEK of a device is an object of its token, so that programs find it as they find
// other wrapping keys. Wrapped under it a key is what sc-hsm-tool --wrap-key writes to a
// file, with its description and its certificate.

// dkekFID stands for the DKEK among the files that objects are made of. The device's own
// key, which has this one, is no object.
const dkekFID = wire.FID(wire.PrefixKey) << 8

// dkekPart is the DKEK's place among the objects, as it was if it is the same.
func (m *maker) dkekPart() *part {
	p := &part{wrapping: true, objects: []*object{dkekObject(m.serial, m.kcv)}}
	if before := m.before[dkekFID]; before != nil && before.objects[0].handle == p.objects[0].handle {
		return before
	}
	return p
}

// dkekObject is the DKEK of a device that has a complete one.
func dkekObject(serial string, kcv dkek.KCV) *object {
	attributes := append(storage(cryptoki.ClassSecretKey, true, "DKEK"),
		number(cryptoki.AttrKeyType, cryptoki.KeyAES), number(cryptoki.AttrValueLen, uint64(32)), octets(cryptoki.AttrID, kcv[:]),
		octets(cryptoki.AttrStartDate, ""), octets(cryptoki.AttrEndDate, ""), octets(cryptoki.AttrAllowedMechanisms, cryptoki.Number(cryptoki.ConclaveDKEKWrap)),
		flag(cryptoki.AttrLocal, false), number(cryptoki.AttrKeyGenMechanism, cryptoki.MechanismType(cryptoki.Unavailable)),
		flag(cryptoki.AttrWrap, true), flag(cryptoki.AttrUnwrap, true), flag(cryptoki.AttrEncrypt, false), flag(cryptoki.AttrDecrypt, false),
		flag(cryptoki.AttrSign, false), flag(cryptoki.AttrVerify, false), flag(cryptoki.AttrDerive, false),
		flag(cryptoki.AttrSensitive, true), flag(cryptoki.AttrAlwaysSensitive, false), flag(cryptoki.AttrExtractable, false),
		flag(cryptoki.AttrNeverExtractable, false), flag(cryptoki.AttrTrusted, false), flag(cryptoki.AttrWrapWithTrusted, false))
	fixed := cryptoki.Template{flag(cryptoki.AttrModifiable, false), flag(cryptoki.AttrCopyable, false), flag(cryptoki.AttrDestroyable, false)}
	o := &object{handle: tokenHandle(serial, cryptoki.ClassSecretKey, 0, kcv[:]), class: cryptoki.ClassSecretKey}
	o.attributes = append(with(append(attributes, sensitive(cryptoki.AttrValue)...), fixed), uniqueID(o.handle))
	return o
}

// isDKEK says whether an object is that of dkekObject.
func (o *object) isDKEK() bool {
	return o.class == cryptoki.ClassSecretKey && o.session == nil && o.ref == 0
}

// WrapKey wraps a key.
func (s *Session) WrapKey(m cryptoki.Mechanism, wrapping, key cryptoki.Handle) (wrapped []byte, err error) {
	if err := s.checkDKEK(m, cryptoki.MechanismWrap, wrapping, cryptoki.WrappingKeyHandleInvalid); err != nil {
		return nil, err
	}
	k, err := s.key(key)
	if err != nil {
		return nil, err
	}
	if k.ref == 0 || k.class == cryptoki.ClassPublicKey {
		return nil, cryptoki.KeyNotWrappable
	}
	err = s.asUser(func(h *hsm.HSM) error {
		f, err := h.WrapKey(k.ref)
		if err != nil {
			return err
		}
		wrapped, err = f.Bytes()
		return err
	})
	return wrapped, err
}

// checkDKEK says whether the mechanism is the one that there is, and the key the DKEK.
func (s *Session) checkDKEK(m cryptoki.Mechanism, does cryptoki.Flags, key cryptoki.Handle, otherwise error) error {
	if _, err := mechanismOf(m.Type, does); err != nil {
		return err
	}
	if err := none(m.Parameter); err != nil {
		return err
	}
	o, err := s.object(key)
	if errors.Is(err, cryptoki.ObjectHandleInvalid) || err == nil && !o.isDKEK() {
		return otherwise
	}
	return err
}

// UnwrapKey brings a wrapped key in, at a free reference. Label and id in the template
// take the place of those that it was wrapped with.
func (s *Session) UnwrapKey(m cryptoki.Mechanism, unwrapping cryptoki.Handle, wrapped []byte, t cryptoki.Template) (cryptoki.Handle, error) {
	if err := s.checkDKEK(m, cryptoki.MechanismUnwrap, unwrapping, cryptoki.UnwrappingKeyHandleInvalid); err != nil {
		return 0, err
	}
	token := truthOf(t, cryptoki.AttrToken, false)
	if token && !s.writable {
		return 0, cryptoki.SessionReadOnly
	}
	f, public, err := parseWrapped(wrapped, t)
	if err != nil {
		return 0, err
	}
	names := t
	if !token {
		label, err := s.provisionalLabel()
		if err != nil {
			return 0, err
		}
		names = with(t, cryptoki.Template{octets(cryptoki.AttrLabel, label)})
	}
	ref, err := s.unwrap(f, names)
	if err != nil {
		return 0, err
	}
	if !token {
		_, privateKey, err := s.addProvisional(ref, public, nil, t)
		return privateKey, err
	}
	return writer{s}.tokenObject(cryptoki.ClassPrivateKey, wire.PrefixKey.File(ref))
}

// parseWrapped reads a wrapped key, and holds its template against what it is.
func parseWrapped(wrapped []byte, t cryptoki.Template) (f wire.WrapFile, public *wire.PublicKey, err error) {
	if len(wrapped) > wire.MaxWrapFile {
		return f, nil, cryptoki.WrappedKeyLenRange
	}
	if f, err = wire.ParseWrapFile(wrapped); err != nil {
		return f, nil, cryptoki.WrappedKeyInvalid
	}
	if blob, err := dkek.ParseBlob(f.Blob); err != nil || blob.Type == dkek.MLDSA {
		return f, nil, cryptoki.WrappedKeyInvalid // or of a kind that has no objects
	}
	kinds := []cryptoki.KeyType{cryptoki.KeyRSA, cryptoki.KeyEC}
	if public, err = shownPublic(f.Certificate); err == nil {
		kinds = []cryptoki.KeyType{keyType(public.Type)}
	} else if !truthOf(t, cryptoki.AttrToken, false) {
		return f, nil, cryptoki.TemplateInconsistent // what is not described cannot be shown in a session
	}
	w := newWish(t, cryptoki.ClassPrivateKey, kinds, ofAll, ofPrivate)
	return f, public, w.err
}

func (s *Session) unwrap(f wire.WrapFile, t cryptoki.Template) (ref byte, err error) {
	err = writer{s}.write(func(h *hsm.HSM) error {
		if ref, err = h.FreeRef(0); err != nil {
			return full(err)
		}
		f.Description = redescribed(f.Description, t)
		err := h.UnwrapKey(ref, f, false)
		if errors.Is(err, hsm.ErrForeignDKEK) || errors.Is(err, hsm.ErrDamaged) {
			return cryptoki.WrappedKeyInvalid
		}
		return err
	})
	return ref, err
}

// redescribed is a description with label and id of the template. One that is not
// readable stays as it is.
func redescribed(description []byte, t cryptoki.Template) []byte {
	label, id := namesOf(t)
	if len(id) == 0 {
		id = nil
	}
	if other, err := wire.Rewrite(description, label, id); err == nil {
		return other
	}
	return description
}
