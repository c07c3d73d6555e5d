package sqlitefile

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	modernc "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrInUse is the error for a file that another process holds.
var ErrInUse = errors.New("another process holds it")

// Damaged is the error for a file that must not be used any more.
func Damaged(format string, args ...any) error {
	return fmt.Errorf("it is damaged, or was altered with another program: %w; put it aside and restore it from a backup", fmt.Errorf(format, args...))
}

// Explain says of an error which file it concerns, and of one of SQLite what to
// do.
func (k Kind) Explain(path string, err error) error {
	if err == nil {
		return nil
	}
	code := 0
	if failure, ok := errors.AsType[*modernc.Error](err); ok {
		code = failure.Code() & 0xFF // the primary one
	}
	switch {
	case code == sqlite3.SQLITE_FULL, noSpace(err),
		(code == sqlite3.SQLITE_IOERR || code == sqlite3.SQLITE_CANTOPEN) && outOfSpace(filepath.Dir(path)):
		err = noRoom{k.Full}
	case code == sqlite3.SQLITE_NOTADB:
		err = k.foreign()
	case code == sqlite3.SQLITE_CORRUPT:
		err = cmp.Or(checkSize(path), Damaged("%w", err)) // the schema may end on the last page
	case code == sqlite3.SQLITE_BUSY:
		err = fmt.Errorf("%w; try again when that is done: %w", ErrInUse, err)
	case code == sqlite3.SQLITE_READONLY:
		err = fmt.Errorf("it cannot be written; copy it to where it can, or change its mode: %w", err)
	}
	return fmt.Errorf("%s %s: %w", k.Name, path, err)
}

// noRoom is what a kind says of a full disk, which errors.Is knows as the system's error.
type noRoom struct{ error }

func (n noRoom) Unwrap() error { return n.error }

func (noRoom) Is(target error) bool { return target == syscall.ENOSPC }

// outOfSpace tries to write a page beside a file. SQLite does not pass on the
// system's error, and calls only some of those that mean no room SQLITE_FULL:
// not an exhausted quota, nor a full disk where the -shm file must grow.
func outOfSpace(directory string) bool {
	f, err := os.CreateTemp(directory, ".space.*.tmp")
	if err == nil {
		_, err = f.Write(make([]byte, PageSize))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	return noSpace(err)
}

func noSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
