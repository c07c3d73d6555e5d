// Package sqlitefile makes, opens and judges SQLite files of this project's own
// kinds, by the rules that hold for each of them.
package sqlitefile

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"conclave/internal/safefile"

	modernc "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Before 3.51.3 SQLite could corrupt a file in WAL mode that two connections
// wrote to or checkpointed at once (https://www.sqlite.org/wal.html#walresetbug).
// With such a version this constant does not compile.
const _ = uint(sqlite3.SQLITE_VERSION_NUMBER - 3_051_003)

// PageSize is that of all files, in bytes.
const PageSize = 4096

// Kind is a kind of file. It names itself in the header of the file
// (https://www.sqlite.org/fileformat2.html section 1.3).
type Kind struct {
	Name          string // for people
	ApplicationID int64
	Version       int64  // of the format
	Schema        string // SQL that makes its tables
	WAL           bool   // a write-ahead log, in place of a rollback journal
	Options       string // of every connection, for the driver
	Full          error  // what to say where the disk or the quota is full
	MaxSize       int64  // bytes of a file that is opened, and of each beside it
	Beside        string // how the name of a file of its own ends, which lies beside it
}

// Create makes a file without rows, readable by its owner alone. The directory
// must exist. The error is fs.ErrExist where the file does.
//
// The file appears at path complete or not at all, even after a loss of power.
func (k Kind) Create(path string) error {
	empty, err := k.empty()
	if err == nil {
		err = checkLeftovers(path)
	}
	if err == nil {
		err = safefile.Create(path, empty)
	}
	if err != nil {
		err = fmt.Errorf("it cannot be created: %w", err)
	}
	return k.Explain(path, err)
}

// empty returns the bytes of a file that has no rows.
func (k Kind) empty() ([]byte, error) {
	c, err := new(modernc.Driver).Open(":memory:")
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("PRAGMA page_size = %d; PRAGMA application_id = %d; PRAGMA user_version = %d; %s",
		PageSize, k.ApplicationID, k.Version, k.Schema)
	var content []byte
	if _, err = c.(driver.ExecerContext).ExecContext(context.Background(), text, nil); err == nil {
		content, err = c.(interface{ Serialize() ([]byte, error) }).Serialize()
	}
	if err == nil && k.WAL { // which a database in memory cannot be in
		content[18], content[19] = 2, 2 // https://www.sqlite.org/fileformat2.html section 1.3.3
	}
	return content, errors.Join(err, c.Close())
}

// checkLeftovers rejects what SQLite would take for a part of the new file.
func checkLeftovers(path string) error {
	for _, name := range []string{path + "-journal", path + "-wal"} {
		if safefile.Exists(name) && !safefile.Exists(path) {
			return fmt.Errorf("%s is left over from an earlier database; find out what became of that, or choose another name: %w", name, fs.ErrExist)
		}
	}
	return nil
}

// CheckFile refuses what SQLite would not: an empty file is an empty database to
// it, and it waits for ever for a named pipe in the place of a journal.
func (k Kind) CheckFile(path string) error {
	info, err := k.Look(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("it does not exist; check the name, or create it first: %w", fs.ErrNotExist)
	case err == nil && info.Size() == 0:
		err = errors.New("it is an empty file; restore it from a backup")
	}
	return k.Explain(path, err)
}

// Look refuses a file in which SQLite would have no end, and files beside it for
// which it would wait.
func (k Kind) Look(path string) (fs.FileInfo, error) {
	beside := []string{"-journal", "-wal", "-shm"}
	if k.Beside != "" {
		beside = append(beside, k.Beside)
	}
	return safefile.Look(path, k.MaxSize, beside...)
}

// Open opens a connection to any SQLite file that exists. It uses a driver of its
// own: with the one that database/sql knows, others may register functions and
// hooks.
func (k Kind) Open(path string) (driver.Conn, error) {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") { // a Windows drive
		slashed = "/" + slashed
	}
	uri := url.URL{Scheme: "file", Path: slashed, RawQuery: "mode=rw&_error_rc=1&" + k.Options}
	return new(modernc.Driver).Open(uri.String())
}

// Identify refuses a file that is of no such kind, one that this version cannot
// work with, and one that is cut short. It asks for two PRAGMAs.
func (k Kind) Identify(path string, pragma func(name string) (int64, error)) error {
	id, err := pragma("application_id")
	if err != nil {
		return err
	}
	if id != k.ApplicationID {
		return k.foreign()
	}
	version, err := pragma("user_version")
	switch {
	case err != nil:
		return err
	case version > k.Version:
		return fmt.Errorf("it has format %d; this version of conclave knows formats up to %d; use a later one", version, k.Version)
	case version < 1:
		return Damaged("it has format %d, which no version of conclave has written", version)
	}
	return checkSize(path)
}

func (k Kind) foreign() error { return fmt.Errorf("it is not a %s; check the name", k.Name) }

// ErrCutShort is the error for a file that does not end with a whole page.
var ErrCutShort = errors.New("it may be cut short")

// checkSize rejects a file whose last page is cut short, which SQLite fills up
// with zeros. Where whole pages are missing, SQLite itself objects.
func checkSize(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Size()%PageSize != 0 {
		err = Damaged("its %d bytes are not a whole number of %d-byte pages; %w", info.Size(), PageSize, ErrCutShort)
	}
	return err
}
