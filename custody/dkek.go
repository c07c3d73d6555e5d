package custody

import (
	"errors"
	"fmt"

	"conclave/dkek"
	"conclave/internal/secret"
	"conclave/quorum"
)

// Unopened is a share file that is not open yet, and the records of the sets
// that open it, if there are any.
type Unopened struct {
	Path      string
	ShareFile dkek.ShareFile
	Changed   string // what was changed in its transfer, and is undone here; empty for nothing
	Records   []*quorum.Record
}

// ReadUnopened reads a share file, and its records if they are wanted. The error
// is an *OpenError if one of them is damaged.
func ReadUnopened(path string, records bool) (u Unopened, err error) {
	u.Path = path
	if u.ShareFile, u.Changed, err = readUndone(path); err != nil {
		return u, &OpenError{Damaged, err}
	}
	if !records {
		return u, nil
	}
	u.Records, err = Records(path, u.ShareFile)
	if errors.Is(err, ErrForeignRecord) {
		err = &OpenError{Damaged, err}
	}
	return u, err
}

// Sets are those whose sheets open the file, and those that they replaced.
func (u Unopened) Sets() (ids []string) {
	for _, r := range u.Records {
		ids = append(append(ids, r.Set), r.Replaces...)
	}
	return ids
}

// ReadShareFiles reads the share files of one DKEK. It refuses one file under
// two names: better before anyone has entered anything than after.
func ReadShareFiles(paths []string, records bool) (files []Unopened, err error) {
	for _, path := range paths {
		u, err := ReadUnopened(path, records)
		if err != nil {
			return nil, err
		}
		for _, earlier := range files {
			if u.ShareFile == earlier.ShareFile {
				return nil, fmt.Errorf("%s and %s are the same share file, and would cancel each other out", earlier.Path, path)
			}
		}
		files = append(files, u)
	}
	return files, nil
}

// OpenedFile is a share file, and what opening it has given.
type OpenedFile struct {
	Unopened
	*Opened
}

// DKEK is a whole DKEK, and the share files that it came from.
type DKEK struct {
	*dkek.DKEK
	Files []OpenedFile
}

// OpenDKEK opens all share files of a DKEK, each as open does it. What was open
// before an error is wiped.
func OpenDKEK(files []Unopened, open func(i int, file Unopened) (*Opened, error)) (d DKEK, err error) {
	defer func() {
		if err != nil {
			d.Wipe()
		}
	}()
	var shares []secret.Bytes
	for i, file := range files {
		opened, err := open(i, file)
		if err != nil {
			return d, err
		}
		d.Files, shares = append(d.Files, OpenedFile{file, opened}), append(shares, opened.Share)
	}
	d.DKEK, err = dkek.Combine(shares...)
	return d, err
}

// Wipe overwrites what is secret, best effort.
func (d DKEK) Wipe() {
	for _, f := range d.Files {
		f.Opened.Wipe()
	}
	if d.DKEK != nil {
		d.DKEK.Wipe()
	}
}

// Sets are those of all share files.
func (d DKEK) Sets() (ids []string) {
	for _, f := range d.Files {
		ids = append(ids, f.Sets()...)
	}
	return ids
}

// Explain adds to the error of a wrapped key that does not open what to do.
func (d DKEK) Explain(path string, err error) error {
	err = fmt.Errorf("%s: %w", path, err)
	switch {
	case errors.Is(err, dkek.ErrForeign) && len(d.Files) == 1:
		return &OpenError{WrongSheet, fmt.Errorf("%w; if the DKEK has several shares, name the file of each: --dkek", err)}
	case errors.Is(err, dkek.ErrDamaged):
		return &OpenError{Damaged, err}
	case errors.Is(err, dkek.ErrUnsupported):
		return fmt.Errorf("%w; docs/recovery.md opens it with OpenSSL and Python", err)
	}
	return err
}
