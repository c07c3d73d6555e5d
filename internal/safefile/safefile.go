// Package safefile writes files that must not be lost, overwritten or half
// written.
package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Create writes content to a new file at path, readable by its owner alone. It
// never replaces a file: where there is one the error wraps fs.ErrExist. When
// it returns, the file is on disk, whole; when it fails, there is none.
func Create(path string, content []byte) error {
	dir := filepath.Dir(path)
	temporary, err := os.CreateTemp(dir, ".conclave-*") // O_EXCL, mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	if err := write(temporary, content); err != nil {
		return fmt.Errorf("%s: %w; nothing was written", path, err)
	}
	if err := moveInto(temporary.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// moveInto takes the name with an empty file, which fails where there is one,
// and then replaces that. A hard link would do both at once, but not on the
// FAT of a memory stick.
func moveInto(temporary, path string) error {
	reserved, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w; choose another name or move it away", path, fs.ErrExist)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(reserved.Close(), os.Rename(temporary, path)); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// Check fails where Create would: better before the work for a file is done
// than after. It leaves no file behind.
func Check(path string) error {
	if err := Create(path, nil); err != nil {
		return err
	}
	return os.Remove(path)
}

func write(f *os.File, content []byte) error {
	_, err := f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
