package custody

import (
	"errors"
	"fmt"
	"slices"

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
	if n := len(d.Files); status.Outstanding != n || status.Shares != n {
		return fmt.Errorf("the device waits for %d of %d DKEK shares, but %d were opened; initialise it with --dkek-shares %d", status.Outstanding, status.Shares, n, n)
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

// in says whether a device has the DKEK, from what the device says. It fails
// for one that can never have it.
func (d DKEK) in(status *wire.DKEKStatus) (bool, error) {
	switch {
	case status == nil:
		return false, fmt.Errorf("the device has no DKEK; initialise it with --dkek-shares %d", len(d.Files))
	case status.Outstanding > 0:
		return false, nil
	case !status.Hidden() && dkek.KCV(status.KCV) != d.KCV():
		return false, fmt.Errorf("the device has another DKEK, key check value %s, than that of the keys, %s; take a device that waits for its DKEK", dkek.KCV(status.KCV), d.KCV())
	}
	return true, nil
}

// Restored is a key in a device, from its backup.
type Restored struct {
	hsm.Key
	// NotTried says why the key was not seen to sign; nil if it was.
	NotTried error
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

// Restore unwraps a key to a reference, to the lowest free one if it is 0, and
// lets it sign. With replace it takes the place of the key that is there. The
// user must be logged in.
func Restore(h *hsm.HSM, ref byte, f wire.WrapFile, replace bool) (r Restored, err error) {
	if ref == 0 {
		if ref, err = h.FreeRef(0); err != nil {
			return r, err
		}
	}
	if err := h.UnwrapKey(ref, f, replace); err != nil {
		return r, err
	}
	return Prove(h, ref)
}

// Prove lets a key that was restored sign, if its public half is known and its
// list of algorithms allows it. It is an *UnusableError if the key cannot.
func Prove(h *hsm.HSM, ref byte) (r Restored, err error) {
	keys, err := h.Keys()
	if err != nil {
		return r, err
	}
	i := slices.IndexFunc(keys, func(k hsm.Key) bool { return k.Ref == ref })
	if i < 0 {
		return r, fmt.Errorf("there is no key %d", ref)
	}
	r.Key = keys[i]
	if r.Public == nil {
		r.NotTried = errors.New("the backup does not show its public half")
		return r, nil
	}
	err = h.Prove(ref, *r.Public)
	if errors.Is(err, hsm.ErrNotAllowed) {
		r.NotTried = err
		return r, nil
	}
	if err != nil {
		return r, &UnusableError{ref, err}
	}
	return r, nil
}
