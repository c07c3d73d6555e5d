// Package safefile writes files that must not be lost, overwritten or half
// written, and reads files that may be anyone's.
package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Create writes content to a new file at path, readable by its owner alone. It
// never replaces a file: if there is one the error wraps fs.ErrExist. When
// it returns, the file is on disk, whole; when it fails, there is none.
func Create(path string, content []byte) error {
	dir := filepath.Dir(path)
	temporary, err := os.CreateTemp(dir, TemporaryPrefix+"*") // O_EXCL, mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	if err := write(temporary, content); err != nil {
		return fmt.Errorf("%s: %w; nothing was written", path, err)
	}
	if err := name(temporary.Name(), path); err != nil {
		return err
	}
	if err := SyncDir(dir); err != nil {
		return errors.Join(fmt.Errorf("%s: %w; nothing was written", path, err), os.Remove(path))
	}
	return nil
}

// Replace is Create for a file that may exist, and gets new content: at any
// moment there is the old file or the new one, whole.
func Replace(path string, content []byte) error {
	dir := filepath.Dir(path)
	temporary, err := os.CreateTemp(dir, TemporaryPrefix+"*") // O_EXCL, mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // if it still has that name
	if err := write(temporary, content); err != nil {
		return fmt.Errorf("%s: %w; it is as it was", path, err)
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	return SyncDir(dir)
}

// Exists says whether there is anything at a path.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// TemporaryPrefix begins the names of files that have no name of their own yet.
const TemporaryPrefix = ".conclave-"

// Sweep removes the temporary files that a power cut has left in a folder, and
// in those below it. Nothing else may be writing there.
func Sweep(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.HasPrefix(entry.Name(), TemporaryPrefix) {
			err = os.Remove(path)
		}
		return err
	})
}

// Destroy overwrites a file and removes it. It is best effort: a disk may keep
// what was there before in other places.
func Destroy(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := write(f, make([]byte, info.Size())); err != nil {
		return err
	}
	return errors.Join(os.Remove(path), SyncDir(filepath.Dir(path)))
}

// name gives a file its name, if that is free. Where the system cannot do just that,
// a link fails if it is not; on a file system without links the name is taken with
// an empty file, which is then replaced.
func name(temporary, path string) error {
	err := rename(temporary, path)
	if errors.Is(err, errors.ErrUnsupported) {
		err = os.Link(temporary, path)
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrExist) {
		if err = reserve(path); err == nil {
			if err = os.Rename(temporary, path); err != nil {
				err = errors.Join(err, os.Remove(path))
			}
			return err
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return existsError(path)
	}
	return err
}

func existsError(path string) error {
	return fmt.Errorf("%s: %w; choose another name or move it away", path, fs.ErrExist)
}

func reserve(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Check fails where Create would: better before the work for a file is done
// than after. It leaves no file behind, and makes none of that name: one that a kill
// left would be in the way.
func Check(path string) error {
	if Exists(path) {
		return existsError(path)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), TemporaryPrefix+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	return errors.Join(temporary.Close(), os.Remove(temporary.Name()))
}

// MakeRoom sees to it that the file at path, which it makes if there is none, can grow
// by so many bytes, without changing its size. A system or a file system that cannot
// keep room for a file is not an error: there growing can fail.
func MakeRoom(path string, bytes int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() // SQLite has no locks on a log
	if err := allocate(f, bytes); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// CreateInPlace is Create for a content so secret that no other name may ever
// have had it: it is written under its own name from the first byte on.
func CreateInPlace(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return existsError(path)
	}
	if err != nil {
		return err
	}
	if err = write(f, content); err == nil {
		err = SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w; nothing was written", path, err), os.Remove(path))
	}
	return nil
}

// Append adds a line to a file, which it makes if there is none, with its
// directory.
func Append(path string, line []byte) error {
	dir := filepath.Dir(path)
	if err := MkdirAll(dir); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f, line), SyncDir(dir))
}

// MkdirAll makes a directory for its owner alone, and those that lead to it, where
// there is none. When it returns, they are on disk: what lies in a directory is gone
// with it.
func MkdirAll(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if info.IsDir() {
			return nil
		}
		return &fs.PathError{Op: "mkdir", Path: dir, Err: fmt.Errorf("%w; it is a file, and a folder was expected", syscall.ENOTDIR)}
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MkdirAll(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		if info, other := os.Stat(dir); other == nil && info.IsDir() { // made meanwhile
			return nil
		}
		return err
	}
	if err := SyncDir(parent); err != nil {
		return errors.Join(err, os.Remove(dir))
	}
	return nil
}

func write(f *os.File, content []byte) error {
	_, err := f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" { // has no such call, and journals names
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // some network file systems cannot, and need not
	}
	return errors.Join(err, d.Close())
}
