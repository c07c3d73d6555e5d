package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"conclave/card/store"
	"conclave/internal/safefile"
	"conclave/internal/sqlitefile"
)

// fileKind is that of device stores. A connection waits five seconds for a lock,
// syncs each commit, and writes zeros over what is deleted.
var fileKind = sqlitefile.Kind{
	Name:          "device store",
	ApplicationID: 0x436F6E63, // "Conc"
	Version:       2,
	Schema:        `CREATE TABLE record (key INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT`,
	WAL:           true,
	Options:       "_busy_timeout=5000&_synchronous=FULL&_pragma=secure_delete(ON)",
	Full:          store.ErrFull,
	// A card with as many keys and certificates as there are numbers for has a tenth
	// of that.
	MaxSize: 256 << 20,
	Beside:  lockSuffix,
}

// earlierSuffix ends the name of the copy of a file as it was before it was brought
// to the present format.
const earlierSuffix = ".format-1"

// leaveFormat1 gives a file of format 1 the present number. The records are the
// same to a store; programs that know format 1 alone refuse the file from then on,
// and would overwrite what they do not know. A copy stays as it was.
func (s *Store) leaveFormat1() error {
	return s.Update(func(w store.Writer) error {
		c := w.(*conn)
		version, err := c.pragma("user_version")
		if err != nil || version != int64(1) { // another process was first
			return err
		}
		content, err := c.Conn.(interface{ Serialize() ([]byte, error) }).Serialize()
		if err != nil {
			return err
		}
		if err := s.keep(content); err != nil {
			return err
		}
		_, err = c.pragma(fmt.Sprintf("user_version = %d", fileKind.Version))
		return err
	})
}

// keep makes the copy of the file, unless an attempt that was cut off has.
func (s *Store) keep(content []byte) error {
	path := s.path + earlierSuffix
	err := safefile.Create(path, content)
	if errors.Is(err, fs.ErrExist) {
		if kept, readErr := safefile.Read(path, fileKind.MaxSize); readErr == nil && bytes.Equal(kept, content) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("it has format 1; a copy is kept before it is brought to format %d: %w", fileKind.Version, err)
	}
	s.earlier = path
	return nil
}

// lockSuffix ends the name of the file that Alone locks.
const lockSuffix = "-lock"

// Create makes an empty device store, readable by its owner alone, and opens
// it. The directory must exist. The error is fs.ErrExist if the file does.
//
// The file appears at path complete or not at all, even after a loss of power.
func Create(path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := fileKind.Create(path); err != nil {
		return nil, err
	}
	return Open(path)
}

// Remove deletes the device store at path, damaged or whole. The error is
// sqlitefile.ErrInUse where another process has it open. A log must not stay
// behind: it would become part of the next store of that name. So it is brought
// into the file first, and goes before the file where that fails.
func Remove(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := fileKind.Look(path); err != nil {
		return err
	}
	if inUse(path) {
		return fileKind.Explain(path, fmt.Errorf("%w; end that one first", sqlitefile.ErrInUse))
	}
	for _, name := range []string{path + "-wal", path + "-shm", path + lockSuffix, path + earlierSuffix, path} {
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
	return errors.Is(fileKind.Explain(path, err), sqlitefile.ErrInUse) || err == nil && mode != "delete"
}

// identify refuses a file that is not a device store, or one that this version
// cannot work with, and sees to it that the file is in WAL mode: a copy that
// SQLite made is not.
func (c *conn) identify() error {
	err := c.checkKind()
	if errors.Is(err, sqlitefile.ErrCutShort) {
		// A page that was being copied out of the log when the disk filled up, or the power
		// went, is still in the log, whole.
		if _, err = c.pragma("wal_checkpoint(TRUNCATE)"); err == nil {
			err = c.checkKind()
		}
	}
	if err != nil {
		return err
	}
	mode, err := c.pragma("journal_mode = WAL")
	if err == nil && mode != "wal" {
		err = errors.New("it cannot be shared by processes where it is; put it on a local disk")
	}
	return err
}

func (c *conn) checkKind() error {
	return fileKind.Identify(c.path, func(name string) (int64, error) {
		v, err := c.pragma(name)
		n, _ := v.(int64)
		return n, err
	})
}
