package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"conclave/card/store"

	modernc "modernc.org/sqlite"
	"modernc.org/sqlite/lib"
)

// ErrInUse is returned for a store that another process holds.
var ErrInUse = errors.New("another process holds it")

func notStore(path string) error {
	return fmt.Errorf("%s is not a device store; check the name", path)
}

// explain says of an error of SQLite which file it concerns and what to do.
func explain(path string, err error) error {
	if noSpace(err) {
		return fmt.Errorf("device store %s: %w", path, store.ErrFull)
	}
	failure, ok := errors.AsType[*modernc.Error](err)
	if !ok {
		return err
	}
	switch failure.Code() & 0xFF { // the primary code
	case sqlite3.SQLITE_NOTADB:
		return notStore(path)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("device store %s is damaged; restore it from a backup: %w", path, err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("device store %s: %w; try again when that is done: %w", path, ErrInUse, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("device store %s: %w", path, store.ErrFull)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		if outOfSpace(filepath.Dir(path)) {
			return fmt.Errorf("device store %s: %w", path, store.ErrFull)
		}
	}
	return fmt.Errorf("device store %s: %w", path, err)
}

// outOfSpace tries to write a page beside the store. SQLite does not pass on
// the system's error, and calls only some of those that mean no room
// SQLITE_FULL: not an exhausted quota, nor a full disk where the -shm file
// must grow.
func outOfSpace(directory string) bool {
	f, err := os.CreateTemp(directory, ".space.*.tmp")
	if err == nil {
		_, err = f.Write(make([]byte, pageSize))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	return noSpace(err)
}

func noSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
