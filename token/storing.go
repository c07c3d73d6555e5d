package token

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"conclave/hsm"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// Objects are written so that one which is cut off is not shown as if it were whole:
// first the content, and then the description that makes it an object. What is taken
// away goes in the other order, but data, which are gone when they are said to be.

// writer writes to the token for a session.
type writer struct{ session *Session }

// write lets fn change what is on the token, one at a time here, and has it read anew.
func (w writer) write(fn func(*hsm.HSM) error) error {
	slot := w.session.slot
	d := slot.objects()
	d.writing.Lock()
	defer d.writing.Unlock()
	err := w.session.asUser(fn)
	d.again()
	slot.library.changed()
	return err
}

// add is write for what makes an object, or finds it, whose file fn gives.
func (w writer) add(class cryptoki.Class, fn func(*hsm.HSM) (wire.FID, error)) (cryptoki.Handle, error) {
	var fid wire.FID
	err := w.write(func(h *hsm.HSM) (err error) {
		fid, err = fn(h)
		return err
	})
	if err != nil {
		return 0, err
	}
	return w.tokenObject(class, fid)
}

// tokenObject is the handle of the object of a class that is made of a file.
func (w writer) tokenObject(class cryptoki.Class, fid wire.FID) (cryptoki.Handle, error) {
	l, err := w.session.slot.listing(true)
	if err != nil {
		return 0, err
	}
	for _, o := range l.objects {
		if o.class == class && o.file == fid {
			return o.handle, nil
		}
	}
	return 0, cryptoki.DeviceError
}

// storeCertificate writes a certificate to the token: as that of its key, or, if it
// belongs to none with its ID, to a file of its own. So does one whose key is of a kind
// that no device has, or that has no objects.
func (w writer) storeCertificate(t cryptoki.Template, content []byte) (cryptoki.Handle, error) {
	label, id := textOf(t, cryptoki.AttrLabel), []byte(textOf(t, cryptoki.AttrID))
	public, err := shownPublic(content)
	if err == nil && len(id) == 0 {
		id = defaultID(public)
	}
	return w.add(cryptoki.ClassCertificate, func(h *hsm.HSM) (wire.FID, error) {
		if public == nil {
			return addCertificate(h, wire.CD{Label: label, ID: id}, content)
		}
		k, err := keyWith(h, id, *public)
		if err != nil {
			return 0, err
		}
		if k == nil {
			return addCertificate(h, wire.CD{Label: label, ID: id}, content)
		}
		err = h.SetCertificate(k.Ref, content)
		if err == nil && label != "" {
			err = describe(h, k.Ref, &label, nil)
		}
		return wire.PrefixEECert.File(k.Ref), err
	})
}

// keyWith finds the key with an ID and a public half; nil if there is none. One whose
// public half is not known shows by a signature whether it is that.
func keyWith(h *hsm.HSM, id []byte, public wire.PublicKey) (*hsm.Key, error) {
	keys, err := h.Keys()
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		known := k.Description != nil && bytes.Equal(k.Description.ID, id) || k.Description == nil && bytes.Equal([]byte{k.Ref}, id)
		if !known {
			continue
		}
		if err := h.Compare(k, public); err == nil {
			return &k, nil
		} else if hsm.Broken(err) {
			return nil, err
		}
	}
	return nil, nil
}

// addCertificate writes a certificate that belongs to no key.
func addCertificate(h *hsm.HSM, description wire.CD, content []byte) (wire.FID, error) {
	id, err := freeID(h, wire.PrefixCACert, wire.PrefixCD)
	if err != nil {
		return 0, err
	}
	description.File = wire.PrefixCACert.File(id)
	encoded, err := description.Bytes()
	if err != nil {
		return 0, err
	}
	return description.File, writeBoth(h, description.File, content, wire.PrefixCD.File(id), encoded)
}

// storeData writes a data object to the token.
func (w writer) storeData(description wire.DCOD, value []byte, private bool) (cryptoki.Handle, error) {
	return w.add(cryptoki.ClassData, func(h *hsm.HSM) (wire.FID, error) { return addData(h, description, value, private) })
}

func addData(h *hsm.HSM, description wire.DCOD, value []byte, private bool) (wire.FID, error) {
	id, err := freeID(h, wire.PrefixDCOD, wire.PrefixData, wire.PrefixProtectedData)
	if err != nil {
		return 0, err
	}
	description.File = wire.PrefixData.File(id)
	if private {
		description.File = wire.PrefixProtectedData.File(id)
	}
	encoded, err := description.Bytes()
	if err != nil {
		return 0, err
	}
	fid := wire.PrefixDCOD.File(id)
	return fid, writeBoth(h, description.File, value, fid, encoded)
}

// freeID is the lowest number that no file with one of the prefixes has.
func freeID(h *hsm.HSM, prefixes ...wire.Prefix) (byte, error) {
	files, err := h.Files()
	if err != nil {
		return 0, err
	}
	for id := range 256 {
		taken := func(p wire.Prefix) bool { return slices.Contains(files, p.File(byte(id))) }
		if !slices.ContainsFunc(prefixes, taken) {
			return byte(id), nil
		}
	}
	return 0, cryptoki.DeviceMemory
}

// writeBoth writes content and description of a new object, and sees that they are
// there: another process may have had the same files in mind. What fails is taken away.
func writeBoth(h *hsm.HSM, content wire.FID, value []byte, description wire.FID, encoded []byte) error {
	err := writeFile(h, content, value)
	if err == nil {
		err = writeFile(h, description, encoded)
	}
	if err == nil {
		err = checkFile(h, content, value)
	}
	if err == nil || hsm.Broken(err) || errors.Is(err, errOverwritten) {
		return err
	}
	for _, fid := range []wire.FID{description, content} {
		if failed := deleteFile(h, fid); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return err
}

func writeFile(h *hsm.HSM, fid wire.FID, content []byte) error {
	if err := h.WriteFile(fid, content); err != nil {
		return err
	}
	return checkFile(h, fid, content)
}

// errOverwritten is the error for a file that is another's.
var errOverwritten = errors.New("another process has written to it at the same time; try again")

func checkFile(h *hsm.HSM, fid wire.FID, content []byte) error {
	now, err := h.ReadFile(fid)
	if err == nil && !bytes.HasPrefix(now, content) { // padding may follow
		err = fmt.Errorf("file %04X: %w", uint16(fid), errOverwritten)
	}
	return err
}

// deleteFile deletes a file, if it is there.
func deleteFile(h *hsm.HSM, fid wire.FID) error {
	if err := h.DeleteFile(fid); err != nil && !errors.Is(err, hsm.ErrNotFound) {
		return err
	}
	return nil
}

// describe changes label and ID of a key, and of its certificate with it; nil for what
// is to stay. A key without a description gets one.
func describe(h *hsm.HSM, ref byte, label *string, id []byte) error {
	fid := wire.PrefixPrKD.File(ref)
	content, err := h.ReadFile(fid)
	if err != nil && !errors.Is(err, hsm.ErrNotFound) {
		return err
	}
	encoded, err := wire.Rewrite(content, label, id)
	if err != nil {
		if encoded, err = newDescription(h, ref, label, id); err != nil {
			return err
		}
	}
	return h.WriteFile(fid, encoded)
}

func newDescription(h *hsm.HSM, ref byte, label *string, id []byte) ([]byte, error) {
	public, err := h.PublicKey(ref)
	if err != nil {
		return nil, err
	}
	d := wire.PrKD{Type: public.Type, ID: id, Bits: max(public.Bits, public.CurveBits())}
	if label != nil {
		d.Label = *label
	}
	if id == nil {
		d.ID = []byte{ref}
	}
	return d.Bytes(ref)
}

// keepPublic stores the public half of a key of the token that does not show it, and
// finds the object that it is. A public key alone has no place on a device.
func (w writer) keepPublic(public *wire.PublicKey) (cryptoki.Handle, error) {
	spki, err := public.SPKI()
	if err != nil {
		return 0, cryptoki.AttributeValueInvalid
	}
	return w.add(cryptoki.ClassPublicKey, func(h *hsm.HSM) (wire.FID, error) {
		signer, err := h.FindSigner(spki)
		if errors.Is(err, hsm.ErrNotFound) {
			return 0, cryptoki.TemplateInconsistent
		}
		if err != nil {
			return 0, err
		}
		if _, err = h.PublicKey(signer.Ref()); err != nil {
			err = h.KeepPublic(signer.Ref(), *public)
		}
		return wire.PrefixKey.File(signer.Ref()), err
	})
}
