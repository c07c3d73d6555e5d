package custody

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/internal/secret"
)

// Rewrapping wraps keys again, under the DKEK of a share file that is to be
// made. No device is touched.
type Rewrapping struct {
	ShareFile string
	Wraps     []string
	Dir       string // for the keys under the new DKEK, in files of the same names
	keys      []Rewrapped
}

// Rewrapped is a wrapped key, and the place of it under the new DKEK.
type Rewrapped struct {
	From, To string
	file     Wrapped
	place    *safefile.Place
}

// Changed says what was changed in the transfer of the old file, and is undone in
// the new one; empty for nothing.
func (k Rewrapped) Changed() string { return k.file.Changed }

// Reserve reads the old files and takes the places of the new ones, before anyone
// comes.
func (r *Rewrapping) Reserve() error {
	seen := map[string]bool{filepath.Clean(r.ShareFile): true}
	for _, w := range r.Wraps {
		path := filepath.Join(r.Dir, filepath.Base(w))
		if seen[path] {
			return fmt.Errorf("%s would be written twice; wrapped keys of the same name go to different directories in several calls", path)
		}
		seen[path] = true
		r.keys = append(r.keys, Rewrapped{From: w, To: path})
	}
	for i := range r.keys {
		if err := r.keys[i].reserve(); err != nil {
			return errors.Join(err, r.Release())
		}
	}
	return nil
}

// reserve takes a place for a file that is about as long as the old one.
func (k *Rewrapped) reserve() error {
	const more = 1 << 10
	f, err := ReadWrapFile(k.From)
	if err != nil {
		return err
	}
	k.file = f
	k.place, err = safefile.Reserve(k.To, int64(len(f.Content))+more)
	return err
}

// Keys are those that places were taken for.
func (r *Rewrapping) Keys() []Rewrapped { return r.keys }

// Check refuses keys that the DKEK of share files can be seen not to open.
func (r *Rewrapping) Check(files []Unopened) error {
	for _, k := range r.keys {
		if err := CheckWrapped(files, k.From, k.file.Blob); err != nil {
			return err
		}
	}
	return nil
}

// Release gives up the places that are not settled.
func (r *Rewrapping) Release() (err error) {
	for _, k := range r.keys {
		err = errors.Join(err, k.place.Release())
	}
	return err
}

// Run wraps each key under a DKEK of the share alone, and writes it to its place.
func (r *Rewrapping) Run(rand io.Reader, old DKEK, share secret.Bytes) ([]Rewrapped, error) {
	to, err := dkek.New(share)
	if err != nil {
		return nil, err
	}
	defer to.Wipe()
	for _, k := range r.keys {
		f := k.file.WrapFile
		if f.Blob, err = old.Rewrap(rand, f.Blob, to); err != nil {
			return nil, old.Explain(k.From, err)
		}
		content, err := f.Bytes()
		if err != nil {
			return nil, err
		}
		if err := k.place.Write(content); err != nil {
			return nil, err
		}
	}
	return r.keys, nil
}

// Settle gives the file its name, once the new share file and its sheets are proved.
func (k Rewrapped) Settle() error {
	if err := k.place.Settle(); err != nil {
		return fmt.Errorf("%w; destroy what was made so far, the new sheets too, and run it again: nothing old was touched", err)
	}
	return nil
}
