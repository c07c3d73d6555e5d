package custody

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/wire"
)

// CardRestore brings back to a device what a folder has of another one: keys and
// files where they were. What the device has already is recognised and left alone, so
// that a run that was cut off is simply given again.
type CardRestore struct {
	Dir      string
	Manifest *Manifest
	// Tell is told of each thing that was restored, is there, or cannot be restored.
	Tell func(text string)

	failed, done int
}

// Run restores what the other device had at the last backup. The user must be logged
// in. Each key is seen to sign, if it may. One that cannot be restored does not keep
// the others out; the error then says how many.
func (r *CardRestore) Run(h *hsm.HSM) error {
	if !r.Manifest.Complete {
		r.Tell("the last run of this backup was cut off, or is at work still: the device may have more than is here")
	}
	for _, k := range r.Manifest.Keys {
		if !k.Current() {
			continue
		}
		if err := r.settle(h, k.String(), func() (string, error) { return r.key(h, k) }); err != nil {
			return err
		}
	}
	for _, o := range r.Manifest.Objects {
		if !o.Current() {
			continue
		}
		if err := r.settle(h, o.String(), func() (string, error) { return r.object(h, o) }); err != nil {
			return err
		}
	}
	if err := r.tellUnlisted(); err != nil {
		return err
	}
	switch {
	case r.failed+r.done == 0:
		r.Tell(fmt.Sprintf("nothing is in the backup of device %s", r.Manifest.Serial))
	case r.failed > 0 && r.done == 0:
		return fmt.Errorf("nothing is restored: %d of %d failed, as told above", r.failed, r.failed)
	case r.failed > 0:
		return fmt.Errorf("not everything is restored: %d of %d failed, as told above; the rest is on the device", r.failed, r.failed+r.done)
	}
	return nil
}

// tellUnlisted names wrapped keys that someone has put beside those of the backup, and
// that are in none of it.
func (r *CardRestore) tellUnlisted() error {
	saved := map[string]bool{}
	for _, k := range r.Manifest.Keys {
		saved[k.PublicKey] = true
	}
	beside, err := r.Manifest.unlisted(r.Dir)
	for _, f := range beside {
		if !saved[f.PublicKey] {
			r.Tell("a wrapped key is in the folder, and not in its manifest; it is restored with: conclave key unwrap " + f.Path)
		}
	}
	return err
}

// settle tells how something went. Its error is that of a broken link, or of a login
// that is over.
func (r *CardRestore) settle(h *hsm.HSM, what string, do func() (string, error)) error {
	result, err := do()
	if err == nil {
		r.done++
		r.Tell(what + " " + result)
		return nil
	}
	if ended(h) {
		return err
	}
	r.failed++
	r.Tell(fmt.Sprintf("NOT RESTORED: %s: %v", what, err))
	return nil
}

// key restores a key to the reference that it had.
func (r *CardRestore) key(h *hsm.HSM, saved SavedKey) (result string, err error) {
	k := savedIn{saved, r.Dir}
	content, changed, err := k.undone(r.Dir)
	if err != nil {
		return "", err
	}
	f, err := wire.ParseWrapFile(content)
	if err != nil {
		return "", fmt.Errorf("%s: %w", k.File, err)
	}
	for range attempts {
		var again bool
		if result, again, err = k.restore(h, f); !again {
			return result + changed, err
		}
	}
	return "", err
}

// savedIn is a key of a folder.
type savedIn struct {
	SavedKey
	dir string
}

func (k savedIn) path() string { return filepath.Join(k.dir, k.File) }

// restore restores a key once. Again says that another program came between, and that
// what it has left is worth another look.
func (k savedIn) restore(h *hsm.HSM, f wire.WrapFile) (result string, again bool, err error) {
	keys, err := h.Keys()
	if err != nil {
		return "", false, err
	}
	for _, there := range keys {
		if k.PublicKey != "" && there.Public.Fingerprint() == k.PublicKey {
			result, err = k.recognise(h, there, f)
			return result, err != nil, err
		}
	}
	for _, there := range keys {
		if there.Ref == k.Reference {
			result, err = k.occupied(h, there, f)
			return result, false, err
		}
	}
	return k.unwrap(h, f)
}

// recognise proves that a key of the device is the one in the backup, and gives it the
// description that it may lack since a run was cut off.
func (k savedIn) recognise(h *hsm.HSM, there hsm.Key, f wire.WrapFile) (string, error) {
	if _, err := Prove(h, there.Ref); err != nil {
		return "", err
	}
	if there.Ref != k.Reference {
		return fmt.Sprintf("is there already, as key %d", there.Ref), nil
	}
	if there.Description == nil && f.Description != nil {
		if err := h.WriteFile(wire.PrefixPrKD.File(there.Ref), f.Description); err != nil {
			return "", err
		}
	}
	certificate, err := k.certificate(h, there.Ref, f.Certificate)
	if err != nil {
		return "", err
	}
	if there.Description != nil && f.Description != nil && !describesSame(there.Description, f.Description) {
		certificate += fmt.Sprintf("; it has another description there, with the label %q and the ID %x", there.Description.Label, there.Description.ID)
	}
	return "is there already" + certificate, nil
}

// certificate gives a key of the device the certificate of the backup, where the device
// has none: what its key was made with says no more than that. Another certificate is left
// alone.
func (k savedIn) certificate(h *hsm.HSM, ref byte, saved []byte) (told string, err error) {
	same, err := holds(h, wire.PrefixEECert.File(ref), saved)
	if same || err != nil {
		return "", err
	}
	now, err := h.Certificate(ref)
	switch {
	case err != nil:
		return "", err
	case isX509(saved) && !isX509(now):
		return "; it has its certificate now", h.SetCertificate(ref, saved)
	case !isX509(saved):
		return "; it has a certificate there, and none in the backup", nil
	}
	return fmt.Sprintf(", with another certificate, which was left as it is; with that of the backup in its place: conclave key unwrap %s --ref %d --force", k.path(), ref), nil
}

// isX509 says whether it is a certificate, and no request of a card.
func isX509(certificate []byte) bool {
	return len(certificate) > 0 && certificate[0] == wire.FirstOfX509
}

// occupied judges a key at the reference of another one, which does not show the same
// public half.
func (k savedIn) occupied(h *hsm.HSM, there hsm.Key, f wire.WrapFile) (string, error) {
	switch {
	case there.Public == nil && k.proves(h, f):
		files := map[wire.FID][]byte{wire.PrefixPrKD.File(there.Ref): f.Description, wire.PrefixEECert.File(there.Ref): f.Certificate}
		for fid, content := range files {
			if content == nil {
				continue
			}
			if err := h.WriteFile(fid, content); err != nil {
				return "", err
			}
		}
		return "is there already; it has its description and its certificate now", nil
	case k.PublicKey == "" && describesSame(there.Description, f.Description):
		return "is there already, going by its description alone: the backup does not show its public half", nil
	}
	return "", fmt.Errorf("the device has another key there, %s; move that one, or restore this one elsewhere: conclave key unwrap %s --ref N", savedKey(there), k.path())
}

// proves says whether the key at the reference of this one signs as this one, though
// it does not show its public half: a run was cut off before it had its certificate.
func (k savedIn) proves(h *hsm.HSM, f wire.WrapFile) bool {
	public, err := hsm.ParsePublic(f.Certificate)
	return err == nil && public.Fingerprint() == k.PublicKey && h.Prove(k.Reference, *public) == nil
}

// describesSame says whether two descriptions are of one key, as far as they can say.
func describesSame(there *wire.PrKD, saved []byte) bool {
	had, err := wire.ParsePrKD(saved)
	return err == nil && there != nil && had.Label == there.Label && bytes.Equal(had.ID, there.ID) && had.Bits == there.Bits && had.Type == there.Type
}

// unwrap restores a key to a reference that is free, and proves that it is the one in
// the manifest. If it is not, it goes again.
func (k savedIn) unwrap(h *hsm.HSM, f wire.WrapFile) (result string, again bool, err error) {
	r, err := Restore(h, f, Restoring{Ref: k.Reference})
	var unusable *UnusableError
	var present *PresentError
	switch {
	case errors.As(err, &present):
		result, err = k.recognise(h, present.Key, f)
		return result, err != nil, err
	case errors.Is(err, hsm.ErrOccupied), errors.Is(err, apdu.FileNotFound): // the blob in the staging file was used
		return "", true, err
	case errors.As(err, &unusable):
		err = fmt.Errorf("the device cannot use it: %w; it was taken out again: keep the backup, and try another device", unusable.Err)
		return "", true, errors.Join(err, h.DeleteKey(k.Reference))
	case err != nil:
		return "", false, err
	case k.PublicKey != "" && r.Public.Fingerprint() != k.PublicKey:
		return "", false, errors.Join(errAnotherKey, h.DeleteKey(k.Reference))
	}
	result = "is restored, and signs"
	if r.NotTried != nil {
		result = fmt.Sprintf("is restored, but not seen to sign: %v", r.NotTried)
	}
	for _, what := range r.Completed {
		result += "; it was completed with " + what
	}
	return result, false, nil
}

// maxObject is how many bytes a file of a device can have: READ BINARY counts them in two.
const maxObject = 0xFFFF

// object writes a file of the device, unless it is there.
func (r *CardRestore) object(h *hsm.HSM, o SavedObject) (string, error) {
	content, changed, err := o.undone(r.Dir)
	if err == nil && len(content) > maxObject {
		err = fmt.Errorf("%s has %d bytes; %d at most were expected", o.File, len(content), maxObject)
	}
	if err != nil {
		return "", err
	}
	fid, err := o.fid()
	if err != nil {
		return "", err
	}
	now, err := h.ReadFile(fid)
	switch {
	case err == nil && bytes.Equal(now, content):
		return "is there already", nil
	case err == nil:
		return "", errors.New("the device has another one there; delete that one first, if it is not needed")
	case !errors.Is(err, hsm.ErrNotFound):
		return "", err
	}
	if err := r.belongsToNoKey(h, fid); err != nil {
		return "", err
	}
	return "is restored" + changed, h.WriteFile(fid, content)
}

// belongsToNoKey refuses what would become the description or the certificate of a key
// that it was not made for.
func (r *CardRestore) belongsToNoKey(h *hsm.HSM, fid wire.FID) error {
	if fid.Prefix() != wire.PrefixPrKD && fid.Prefix() != wire.PrefixEECert {
		return nil
	}
	if _, err := h.FreeRef(fid.ID()); err != nil {
		return fmt.Errorf("it belonged to no key, and would belong to this one: %w", err)
	}
	return nil
}
