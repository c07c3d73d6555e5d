package hsm

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"conclave/apdu"
	"conclave/dkek"
	"conclave/tlv"
	"conclave/wire"
)

// WrapKey gives a key as its backup file: blob, description, certificate. The
// user must be logged in.
func (h *HSM) WrapKey(ref byte) (f wire.WrapFile, err error) {
	if err := h.begin(); err != nil {
		return f, err
	}
	defer h.end(&err)
	blob, err := h.exchange(fmt.Sprintf("wrap key %d", ref), apdu.Command{
		CLA: wire.ClassProprietary, INS: wire.InsWrapKey, P1: ref, P2: wire.WrapMode, Ne: apdu.MaxExtendedNe,
	})
	if err != nil {
		return f, h.explainWrap(err)
	}
	f.Blob = blob
	if f.Description, err = h.optionalObject(wire.PrefixPrKD.File(ref)); err != nil {
		return f, err
	}
	f.Certificate, err = h.Certificate(ref)
	return f, err
}

// Certificate reads what is stored as the certificate of a key, nil if there is
// nothing: a certificate, or until then the authenticated request that the
// device answered when it made the key.
func (h *HSM) Certificate(ref byte) ([]byte, error) {
	return h.optionalObject(wire.PrefixEECert.File(ref))
}

// optionalObject reads the data object that a file begins with, nil if there is
// no such file. What follows it in the file is padding.
func (h *HSM) optionalObject(fid wire.FID) ([]byte, error) {
	content, err := h.ReadFile(fid)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	cursor := tlv.Cursor(content)
	_, _, element, err := cursor.Next()
	if err != nil {
		return nil, fmt.Errorf("file %04X: %w", uint16(fid), err)
	}
	return element, nil
}

func (h *HSM) explainWrap(err error) error {
	switch {
	case errors.Is(err, apdu.InstructionUnknown):
		return fmt.Errorf("%w: it was initialised without one, so its keys cannot be wrapped (%w)", ErrNoDKEK, err)
	case errors.Is(err, apdu.FileNotFound):
		return fmt.Errorf("%w: there is no such key", err)
	case errors.Is(err, apdu.ReferenceNotFound): // pico-hsm says so without a DKEK, others without the key
		return h.whyNotWrapped(err, "there is no such key")
	case errors.Is(err, apdu.ConditionsNotSatisfied):
		return h.whyNotWrapped(err, "the key's use is counted, or its algorithms do not allow it to be wrapped")
	}
	return err
}

// whyNotWrapped says what is wrong with the DKEK; otherwise if it is complete.
func (h *HSM) whyNotWrapped(refusal error, otherwise string) error {
	status, err := h.DKEK()
	switch {
	case err == nil && status == nil:
		return fmt.Errorf("%w: it was initialised without one, so its keys cannot be wrapped (%w)", ErrNoDKEK, refusal)
	case err == nil && status.Outstanding > 0:
		return fmt.Errorf("%w; shares still to be imported: %d (%w)", ErrNoDKEK, status.Outstanding, refusal)
	}
	return fmt.Errorf("%w: %s", refusal, otherwise)
}

// Reasons why a blob was not unwrapped.
var (
	// ErrForeignDKEK: the blob was wrapped under another DKEK.
	ErrForeignDKEK = errors.New("the key was wrapped under another DKEK")
	// ErrDamaged: the blob is not as it was wrapped.
	ErrDamaged = errors.New("the key blob is damaged")
	// ErrNoDKEK: the device has no complete DKEK.
	ErrNoDKEK = errors.New("the device has no complete DKEK")
)

// UnwrapKey restores a key from its backup file. With replace it puts it in
// place of a key with that reference; the card must first unwrap the blob
// under a free reference, so that a bad blob does not cost the present key. A
// link that breaks then can leave that trial behind, a key without a
// description. The user must be logged in.
func (h *HSM) UnwrapKey(ref byte, f wire.WrapFile, replace bool) (err error) {
	if err := h.begin(); err != nil {
		return err
	}
	defer h.end(&err)
	if err := h.checkBlob(f.Blob); err != nil {
		return err
	}
	files, err := h.Files()
	if err != nil {
		return err
	}
	occupied := slices.Contains(files, wire.PrefixKey.File(ref))
	if occupied && !replace {
		return fmt.Errorf("key reference %d: %w; delete that key first, choose another reference, or replace it", ref, ErrOccupied)
	}
	if occupied {
		if err := h.clearFor(ref, f); err != nil {
			return err
		}
	}
	if err := h.WriteFile(wire.EFStaging, f.Blob); err != nil {
		return err
	}
	return h.withFiles(ref, f.Description, f.Certificate, func() error { return h.unwrapStaged(ref) })
}

// clearFor deletes the key that a backup is to replace, once the card has shown
// that it unwraps the blob and can use the key: under a free reference, and
// only for a moment.
func (h *HSM) clearFor(ref byte, f wire.WrapFile) error {
	trial, err := h.FreeRef(0)
	if err != nil {
		return err
	}
	if err := h.WriteFile(wire.EFStaging, f.Blob); err != nil {
		return err
	}
	if err := h.unwrapStaged(trial); err != nil {
		return err
	}
	err = h.proveTrial(trial, f.Certificate)
	err = errors.Join(err, h.DeleteKey(trial)) // with the files that a card may have written itself
	if err != nil {
		return err
	}
	return h.DeleteFile(wire.PrefixKey.File(ref))
}

// proveTrial lets a key sign, if its public half is known and it may.
func (h *HSM) proveTrial(ref byte, certificate []byte) error {
	public, err := ParsePublic(certificate)
	if err != nil {
		return nil // there is nothing to compare with
	}
	if err := h.Prove(ref, *public); err != nil && !errors.Is(err, ErrNotAllowed) {
		return fmt.Errorf("the device cannot use the key that it has unwrapped: %w; the present key is as it was", err)
	}
	return nil
}

// checkBlob compares the blob with what the device says about its DKEK, before
// anything is changed.
func (h *HSM) checkBlob(blob []byte) error {
	parsed, err := dkek.ParseBlob(blob)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	status, err := h.DKEK()
	if err != nil || status != nil && (status.Hidden() || parsed.KCV == status.KCV) {
		return err
	}
	elsewhere, err := h.hasDKEK(parsed.KCV)
	switch {
	case err != nil || elsewhere:
		return err
	case status == nil:
		return fmt.Errorf("%w: it was initialised without one", ErrNoDKEK)
	case status.Outstanding > 0:
		return fmt.Errorf("%w; shares still to be imported: %d", ErrNoDKEK, status.Outstanding)
	}
	return fmt.Errorf("%w: key check value %s, the device's is %s", ErrForeignDKEK, parsed.KCV, dkek.KCV(status.KCV))
}

// maxKeyDomains bounds the search for a DKEK: no device is known to have more.
const maxKeyDomains = 16

// hasDKEK says whether a key domain besides the first one has this DKEK.
func (h *HSM) hasDKEK(kcv dkek.KCV) (bool, error) {
	for n := byte(1); n < maxKeyDomains; n++ {
		status, err := h.keyDomain(n)
		if err != nil {
			return false, err
		}
		if status != nil && status.KCV == kcv {
			return true, nil
		}
	}
	return false, nil
}

func (h *HSM) unwrapStaged(ref byte) error {
	_, err := h.exchange(fmt.Sprintf("unwrap key %d", ref), apdu.Command{
		CLA: wire.ClassProprietary, INS: wire.InsUnwrapKey, P1: ref, P2: wire.UnwrapMode,
	})
	switch {
	case errors.Is(err, apdu.WrongData), errors.Is(err, apdu.ReferenceNotFound): // 6A88: a device of version 4.1
		return fmt.Errorf("%w (%w)", ErrForeignDKEK, err)
	case errors.Is(err, apdu.ReferenceDataUnusable):
		return fmt.Errorf("%w (%w)", ErrDamaged, err)
	case errors.Is(err, apdu.InstructionUnknown), errors.Is(err, apdu.ConditionsNotSatisfied):
		return fmt.Errorf("%w (%w)", ErrNoDKEK, err)
	case errors.Is(err, apdu.FunctionNotSupported):
		return fmt.Errorf("%w: the device does not know its type or its curve", err)
	case errors.Is(err, apdu.FileExists):
		return fmt.Errorf("key reference %d: %w (%w)", ref, ErrOccupied, err)
	}
	return err
}

// withFiles writes description and certificate of key ref, and then lets fn
// make the key: so a key never appears without what describes it, nor with what
// describes another. If fn fails the files go again. If a card wrote files of
// its own meanwhile, as pico-hsm does, they are put right. The caller has seen
// that the reference is free; if another process makes a key there at that
// moment, ours is refused and its description can end up with our label.
func (h *HSM) withFiles(ref byte, description, certificate []byte, fn func() error) error {
	files := map[wire.FID][]byte{
		wire.PrefixPrKD.File(ref): description, wire.PrefixEECert.File(ref): certificate,
	}
	err := h.writeAll(files)
	if err == nil {
		err = fn()
	}
	if errors.Is(err, ErrOccupied) || errors.Is(err, apdu.FileExists) {
		return err // the files belong to that key now
	}
	if err != nil {
		if now, failed := h.Files(); failed == nil && slices.Contains(now, wire.PrefixKey.File(ref)) {
			return err // another process has made a key there meanwhile
		}
		return errors.Join(err, h.deleteAll(files))
	}
	for fid, content := range files {
		if content == nil {
			continue
		}
		now, err := h.ReadFile(fid)
		if err == nil && bytes.Equal(now, content) {
			continue
		}
		if err := h.WriteFile(fid, content); err != nil {
			return err
		}
		now, err = h.ReadFile(fid)
		if err == nil && !bytes.HasPrefix(now, content) { // padding may follow
			err = fmt.Errorf("file %04X does not read back as it was written; is the reader faulty?", uint16(fid))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *HSM) writeAll(files map[wire.FID][]byte) error {
	for fid, content := range files {
		if err := h.replaceFile(fid, content); err != nil {
			return err
		}
	}
	return nil
}

// replaceFile makes content the whole of a file; without content there is no
// file.
func (h *HSM) replaceFile(fid wire.FID, content []byte) error {
	if content != nil {
		return h.WriteFile(fid, content)
	}
	// To look costs less than to delete what is not there.
	if _, err := h.selectFile(fid); errors.Is(err, ErrNotFound) {
		return nil
	}
	if err := h.DeleteFile(fid); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

func (h *HSM) deleteAll(files map[wire.FID][]byte) error {
	var failed error
	for fid := range files {
		failed = errors.Join(failed, h.replaceFile(fid, nil))
	}
	return failed
}
