package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"conclave/internal/safefile"
)

// A device store names itself in the header of the file
// (https://www.sqlite.org/fileformat2.html section 1.3).
const (
	applicationID = 0x436F6E63 // "Conc"
	formatVersion = 1
	pageSize      = 4096
)

// lockSuffix ends the name of the file that Alone locks.
const lockSuffix = "-lock"

var schema = fmt.Sprintf(`
	PRAGMA page_size = %d;
	BEGIN;
	PRAGMA application_id = %d;
	PRAGMA user_version = %d;
	CREATE TABLE record (key INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT;
	COMMIT`, pageSize, applicationID, formatVersion)

// Create makes an empty device store, readable by its owner alone, and opens
// it. The directory must exist. The error is fs.ErrExist where the file does.
//
// The file appears at path complete or not at all, also after a loss of power.
func Create(path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		err = create(path)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("device store %s already exists; choose another name, or remove the device that it holds: %w", path, fs.ErrExist)
	}
	if err != nil {
		return nil, fmt.Errorf("device store %s cannot be created: %w", path, err)
	}
	return Open(path)
}

func create(path string) error {
	directory, name := filepath.Split(path)
	temporary, err := os.CreateTemp(directory, "."+name+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	if err := errors.Join(temporary.Close(), format(temporary.Name())); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), path); err != nil { // unlike a renaming, never over a file
		return err
	}
	return safefile.SyncDir(directory)
}

// Remove deletes the device store at path, damaged or whole. The error is
// ErrInUse where another process has it open. A log must not stay behind: it
// would become part of the next store of that name. So it is brought into the
// file first, and goes before the file where that fails.
func Remove(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return err
	}
	if inUse(path) {
		return fmt.Errorf("device store %s: %w; end that one first", path, ErrInUse)
	}
	for _, name := range []string{path + "-wal", path + "-shm", path + lockSuffix, path} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return safefile.SyncDir(filepath.Dir(path))
}

// inUse says whether another process has the store open: then it cannot leave
// WAL mode, which is how the log gets into the file.
func inUse(path string) bool {
	c, err := dial(path)
	if err != nil {
		return false
	}
	defer c.Close()
	mode, err := c.pragma("journal_mode = DELETE")
	return errors.Is(err, ErrInUse) || err == nil && mode != "delete"
}

// format makes an empty file a device store. SQLite syncs it.
func format(path string) error {
	c, err := dial(path)
	if err != nil {
		return err
	}
	if err = c.execute(schema); err == nil {
		err = c.identify()
	}
	return errors.Join(err, c.Close())
}

// identify refuses a file that is no device store, or one that this version
// cannot work with, and sees to it that the file is in WAL mode: a copy that
// SQLite made is not.
func (c *conn) identify() error {
	id, err := c.pragma("application_id")
	if err != nil {
		return err
	}
	if id != int64(applicationID) {
		return notStore(c.path)
	}
	version, err := c.pragma("user_version")
	if err != nil {
		return err
	}
	if version.(int64) > formatVersion {
		return fmt.Errorf("device store %s has format %d; this version of conclave knows formats up to %d; use a newer one",
			c.path, version, formatVersion)
	}
	if err := c.checkWhole(); err != nil {
		return err
	}
	mode, err := c.pragma("journal_mode = WAL")
	if err == nil && mode != "wal" {
		err = fmt.Errorf("device store %s cannot be shared by processes where it is; put it on a local disk", c.path)
	}
	return err
}

// checkWhole finds a last page that is cut short, which SQLite fills up with
// zeros. Where whole pages are missing, SQLite itself objects.
func (c *conn) checkWhole() error {
	info, err := os.Stat(c.path)
	if err == nil && info.Size()%pageSize != 0 {
		err = fmt.Errorf("device store %s is cut short: its %d bytes are not a whole number of %d-byte pages; restore it from a backup",
			c.path, info.Size(), pageSize)
	}
	return err
}
