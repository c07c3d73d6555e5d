package custody

import (
	"cmp"
	"errors"
	"fmt"

	"conclave/apdu"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/wire"
)

// Give imports the shares of the DKEK into a device that waits for as many,
// unless the device has the DKEK. The journal is the device's, and is opened if
// shares are sent. It fails if the device has another DKEK afterwards.
func (d DKEK) Give(h *hsm.HSM, journal func() (*Journal, error)) error {
	status, err := h.DKEK()
	if err != nil {
		return err
	}
	if has, err := d.in(status); has || err != nil {
		return err
	}
	if err := waitsFor(status, len(d.Files)); err != nil {
		return err
	}
	j, err := journal()
	if err != nil {
		return err
	}
	for _, f := range d.Files {
		if status, err = Import(h, j, f.Path, f.ShareFile, f.Opened); err != nil {
			return err
		}
	}
	has, err := d.in(status)
	if err == nil && !has {
		err = fmt.Errorf("shares still to be imported: %d", status.Outstanding)
	}
	return err
}

// waitsFor refuses a device that does not wait for so many shares, and for no others.
func waitsFor(status *wire.DKEKStatus, shares int) error {
	if status.Outstanding == shares && status.Shares == shares {
		return nil
	}
	return fmt.Errorf("the device waits for %d of %d DKEK shares, and the share files that were named are %d; conclave hsm init --dkek-shares %d, which erases it, lets it wait for all of them",
		status.Outstanding, status.Shares, shares, shares)
}

func noDKEKError(shares int) error {
	return fmt.Errorf("the device has no DKEK; only conclave hsm init --dkek-shares %d, which erases it, lets it wait for one", shares)
}

// in says whether a device has the DKEK, from what the device says. It fails
// for one that can never have it.
func (d DKEK) in(status *wire.DKEKStatus) (bool, error) {
	switch {
	case status == nil:
		return false, noDKEKError(len(d.Files))
	case status.Outstanding > 0:
		return false, nil
	case !status.Hidden() && dkek.KCV(status.KCV) != d.KCV():
		return false, fmt.Errorf("the device has another DKEK, key check value %s, than that of the keys, %s; take a device that waits for that one: conclave hsm init --dkek-shares %d, which erases it", dkek.KCV(status.KCV), d.KCV(), len(d.Files))
	}
	return true, nil
}

// Restoring says how a wrapped key is restored. The zero value restores it as it was
// backed up, to the lowest free reference.
type Restoring struct {
	Ref         byte   // 0 for the lowest free one
	Replace     bool   // the key that is there
	Label       string // in place of the one in the file; empty for none
	ID          []byte // CKA_ID, in place of the one in the file; empty for none
	Certificate []byte // of the key, in place of the one in the file: X.509, DER; nil for none
}

// Restored is a key in a device, from its backup.
type Restored struct {
	hsm.Key
	// NotTried says why the key was not seen to sign; nil if it was.
	NotTried error
	// Completed says what the file lacked and was made here, for people.
	Completed []string
}

// UnusableError is the error for a key that a device has taken and cannot use:
// that happens with some that another kind of device has wrapped.
type UnusableError struct {
	Ref byte
	Err error
}

// Error says what to do with the backup.
func (e *UnusableError) Error() string {
	return fmt.Sprintf("key %d is in the device, but cannot be used: %v; keep the backup, and try another device", e.Ref, e.Err)
}

// Unwrap gives what the device has said.
func (e *UnusableError) Unwrap() error { return e.Err }

// ErrOtherCertificate is the error for a certificate of another key than the one that
// the file is of.
var ErrOtherCertificate = errors.New("the certificate is another key's: the file has one for the key in it")

// PresentError is the error for a key that the device has already.
type PresentError struct{ hsm.Key }

// Error names the key that is there.
func (e *PresentError) Error() string {
	return fmt.Sprintf("the key is in the device already, as key %d; nothing was changed", e.Ref)
}

// attempts are how often a key is restored when another process restores one at the
// same moment: a device has one place for what it unwraps.
const attempts = 3

// Restore unwraps a key, completes what its file lacks, and lets it sign. Its public
// half is that of the file, or what the device tells. If the key is there already the
// error is a *PresentError, unless one is to be replaced; where another key has come
// out than the file's public half is of, it is taken away again. The user must be
// logged in.
func Restore(h *hsm.HSM, f wire.WrapFile, how Restoring) (r Restored, err error) {
	public, err := how.certify(&f)
	if err != nil {
		return r, err
	}
	if err := absent(h, how.replaced(), public); err != nil {
		return r, err
	}
	for range attempts {
		r, err = how.attempt(h, f, public)
		taken := errors.Is(err, hsm.ErrOccupied) && how.Ref == 0
		unwrapped := errors.Is(err, apdu.FileNotFound) // by the other process, as its own
		if !taken && !unwrapped && !errors.Is(err, hsm.ErrAnotherKey) {
			return r, err
		}
	}
	if errors.Is(err, hsm.ErrAnotherKey) {
		err = fmt.Errorf("%w. The key in the file and the certificate are not of one backup, or this device cannot use the key; it was taken out of the device again", err)
	}
	return r, err
}

// certify takes the certificate, and gives the public half; nil if it is not known.
func (how Restoring) certify(f *wire.WrapFile) (*wire.PublicKey, error) {
	public, err := hsm.ParsePublic(f.Certificate)
	if err != nil {
		public, f.Certificate = nil, nil // it shows no program anything
	}
	if how.Certificate == nil {
		return public, nil
	}
	certified, err := hsm.ParsePublic(how.Certificate)
	if err == nil && public != nil && !public.Equal(*certified) {
		err = ErrOtherCertificate
	}
	f.Certificate = how.Certificate
	return certified, err
}

// replaced is the reference of the key that is to be replaced; 0 for none.
func (how Restoring) replaced() byte {
	if how.Replace {
		return how.Ref
	}
	return 0
}

// absent fails if the device has the key under another reference.
func absent(h *hsm.HSM, ref byte, public *wire.PublicKey) error {
	if public == nil {
		return nil
	}
	keys, err := h.Keys()
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.Ref != ref && h.Compare(k, *public) == nil {
			return &PresentError{k}
		}
	}
	return nil
}

// attempt restores a key once.
func (how Restoring) attempt(h *hsm.HSM, f wire.WrapFile, public *wire.PublicKey) (r Restored, err error) {
	ref := how.Ref
	if ref == 0 {
		if ref, err = h.FreeRef(0); err != nil {
			return r, err
		}
	}
	description, completed, err := how.describe(f, ref)
	if err != nil {
		return r, err
	}
	f.Description = description
	if err := h.UnwrapKey(ref, f, how.Replace); err != nil {
		return r, err
	}
	r, err = how.finish(h, f, ref, public)
	r.Completed = append(completed, r.Completed...)
	var present *PresentError
	switch another := errors.Is(err, hsm.ErrAnotherKey); {
	case another && how.Replace:
		err = &UnusableError{ref, err}
	case another, errors.As(err, &present): // what was made here, at a free reference
		if failed := h.DeleteKey(ref); failed != nil {
			err = fmt.Errorf("%v; key %d, which is not to be used, could not be deleted again: %w", err, ref, failed)
		}
	}
	return r, err
}

// toldPublic says what was completed without a certificate.
const toldPublic = "its public half: the device has told it, and the key has proved it"

// finish finds out the public half where the file does not show it, and proves the key.
func (how Restoring) finish(h *hsm.HSM, f wire.WrapFile, ref byte, public *wire.PublicKey) (r Restored, err error) {
	var completed []string
	if public == nil {
		public = ask(h, ref, f.Blob)
		if public != nil {
			completed = []string{toldPublic}
		}
		if !how.Replace {
			err = absent(h, ref, public)
		}
		if public != nil && err == nil {
			err = how.keep(h, f, ref, *public)
		}
		if err != nil {
			return r, err
		}
	}
	r, err = prove(h, ref, public)
	r.Completed = completed
	return r, err
}

// keep stores what the device has told: the public half, and the size, which the blob
// may not have told.
func (how Restoring) keep(h *hsm.HSM, f wire.WrapFile, ref byte, public wire.PublicKey) error {
	d, err := wire.ParsePrKD(f.Description)
	if bits := public.Size(); err == nil && d.Bits != bits {
		d.Bits = bits
		var description []byte
		if description, err = d.Bytes(ref); err == nil {
			err = h.WriteFile(wire.PrefixPrKD.File(ref), description)
		}
	}
	return errors.Join(err, h.KeepPublic(ref, public))
}

// ask lets the device tell the public half of a key; nil if it can't.
func ask(h *hsm.HSM, ref byte, blob []byte) *wire.PublicKey {
	parsed, err := dkek.ParseBlob(blob)
	if err != nil {
		return nil
	}
	public, err := h.AskPublic(ref, typeOf(parsed), parsed.Sizes()...)
	if err != nil {
		return nil
	}
	return public
}

// typeOf is the type of a key as descriptions have it; 0 for one that they don't have.
func typeOf(blob dkek.Blob) wire.KeyType {
	switch blob.Type {
	case dkek.RSA, dkek.RSACRT:
		return wire.KeyRSA
	case dkek.EC:
		return wire.KeyEC
	case dkek.AES:
		return wire.KeyAES
	case dkek.MLDSA:
		return wire.KeyMLDSA
	}
	return 0
}

// isWhole says whether a description is one that programs show a key by: OpenSC does
// not show one without a size or an ID.
func isWhole(d wire.PrKD, t wire.KeyType) bool { return d.Type == t && d.Bits > 0 && len(d.ID) > 0 }

// wholeDescription adds to a broken description what it lacks.
func wholeDescription(d wire.PrKD, t wire.KeyType, bits int, ref byte) wire.PrKD {
	return wire.PrKD{Type: t, Bits: bits, Label: cmp.Or(d.Label, fmt.Sprintf("key %d", ref)), ID: []byte(cmp.Or(string(d.ID), string([]byte{ref})))}
}

func describeText(d wire.PrKD) string {
	return fmt.Sprintf("a description: label %q, ID %X", d.Label, d.ID)
}

// describe gives the description that goes with the key: the file's, or a whole one
// where that is broken or something else is wanted. That of a key whose type or size
// is not known is left alone.
func (how Restoring) describe(f wire.WrapFile, ref byte) (description []byte, completed []string, err error) {
	blob, err := dkek.ParseBlob(f.Blob)
	if err != nil {
		return f.Description, nil, nil // which the device will refuse
	}
	d, broken := wire.ParsePrKD(f.Description)
	sizes := blob.Sizes()
	if len(sizes) == 0 {
		return f.Description, nil, nil
	}
	whole := broken == nil && isWhole(d, typeOf(blob))
	if whole && how.Label == "" && len(how.ID) == 0 {
		return f.Description, nil, nil
	}
	d.Label, d.ID = cmp.Or(how.Label, d.Label), []byte(cmp.Or(string(how.ID), string(d.ID)))
	if !whole {
		d = wholeDescription(d, typeOf(blob), sizes[0], ref)
		completed = []string{describeText(d)}
	}
	description, err = d.Bytes(ref)
	return description, completed, err
}

// Prove lets a key that was restored sign, if its public half is known and its
// list of algorithms allows it. It is an *UnusableError if the key cannot.
func Prove(h *hsm.HSM, ref byte) (r Restored, err error) {
	public, err := h.PublicKey(ref)
	if err != nil {
		public = nil
	}
	r, err = prove(h, ref, public)
	if errors.Is(err, hsm.ErrAnotherKey) {
		err = &UnusableError{ref, err}
	}
	return r, err
}

// prove is Prove with what is known of the public half; nil for nothing. The error is
// hsm.ErrAnotherKey if the key does not belong to it.
func prove(h *hsm.HSM, ref byte, public *wire.PublicKey) (r Restored, err error) {
	if r.Key, err = h.Key(ref); err != nil {
		return r, err
	}
	if public == nil {
		r.NotTried = errors.New("its public half is not known")
		return r, nil
	}
	err = h.Prove(ref, *public)
	switch {
	case errors.Is(err, hsm.ErrNotAllowed):
		r.NotTried, err = err, nil
	case err != nil && !errors.Is(err, hsm.ErrAnotherKey):
		err = &UnusableError{ref, err}
	}
	return r, err
}

// Complete gives a key of a device what a restore of other programs has left out: a
// whole description, and its certificate, X.509 DER; without one what the device
// tells of the public half. The key proves it. The user must be logged in.
func Complete(h *hsm.HSM, k hsm.Key, certificate []byte) (r Restored, err error) {
	r.Key = k
	public := k.Public
	switch {
	case certificate != nil:
		if public, err = hsm.ParsePublic(certificate); err == nil {
			err = h.SetCertificate(k.Ref, certificate)
		}
		r.Completed = []string{"its certificate"}
	case public == nil:
		if public, err = askOfKey(h, k); err == nil {
			err = h.KeepPublic(k.Ref, *public)
		}
		r.Completed = []string{toldPublic}
	}
	if err != nil {
		return r, err
	}
	r.Public = public
	return r, r.completeDescription(h)
}

// askOfKey lets a key tell its public half, whose type need not be known.
func askOfKey(h *hsm.HSM, k hsm.Key) (public *wire.PublicKey, err error) {
	types := []wire.KeyType{wire.KeyEC, wire.KeyRSA}
	if k.Description != nil {
		types = []wire.KeyType{k.Description.Type}
	}
	for _, t := range types {
		if public, err = h.AskPublic(k.Ref, t); err == nil {
			return public, nil
		}
	}
	return nil, fmt.Errorf("%w; give the certificate of that key", err)
}

// completeDescription writes a description where there is none that programs take.
func (r *Restored) completeDescription(h *hsm.HSM) error {
	var d wire.PrKD
	if r.Description != nil {
		d = *r.Description
	}
	if isWhole(d, r.Public.Type) {
		return nil
	}
	d = wholeDescription(d, r.Public.Type, r.Public.Size(), r.Ref)
	description, err := d.Bytes(r.Ref)
	if err != nil {
		return err
	}
	r.Description = &d
	r.Completed = append(r.Completed, describeText(d))
	return h.WriteFile(wire.PrefixPrKD.File(r.Ref), description)
}
