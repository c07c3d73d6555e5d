package register

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	modernc "modernc.org/sqlite"
	"modernc.org/sqlite/lib"
)

// checkFile refuses what SQLite would not: an empty file is an empty database
// to it.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("register %s does not exist; check the name, or create it first: %w", path, fs.ErrNotExist)
	case err != nil:
		return fmt.Errorf("register: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("register %s is not a file; give the name of one", path)
	case info.Size() == 0:
		return fmt.Errorf("register %s is an empty file; restore it from a backup", path)
	}
	return nil
}

// errNotRegister is the error for a file that is something else.
var errNotRegister = errors.New("it is not a register; check the name")

// damaged is the error for a file that must not be used any more.
func damaged(format string, args ...any) error {
	return fmt.Errorf("it is damaged, or was altered with another program: %w; put it aside and restore it from a backup", fmt.Errorf(format, args...))
}

// check refuses a file that is no register, one that this version cannot work
// with, and one that is not as this package left it. It changes nothing.
func (r *Register) check(ctx context.Context, tx *sql.Tx) error {
	for _, step := range []func(context.Context, *sql.Tx) error{identify, r.checkSize, checkIntegrity, checkSchema, checkSums} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

func identify(ctx context.Context, tx *sql.Tx) error {
	var id, version int64
	if err := tx.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if id != applicationID {
		return errNotRegister
	}
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > formatVersion {
		return fmt.Errorf("it has format %d; this version of conclave knows formats up to %d; use a later one", version, formatVersion)
	}
	if version < formatVersion {
		return damaged("it has format %d, which no version of conclave has written", version)
	}
	return nil
}

// checkSize finds a last page that is cut short, which SQLite fills up with
// zeros. Where whole pages are missing, SQLite itself objects.
func (r *Register) checkSize(context.Context, *sql.Tx) error {
	info, err := os.Stat(r.path)
	if err == nil && info.Size()%pageSize != 0 {
		err = damaged("its %d bytes are not a whole number of %d-byte pages; it may be cut short", info.Size(), pageSize)
	}
	return err
}

func checkIntegrity(ctx context.Context, tx *sql.Tx) error {
	var verdict string
	err := tx.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict)
	if err == nil && verdict != "ok" {
		err = damaged("integrity_check says %q", verdict)
	}
	return err
}

// checkSchema sees to it that the triggers are there, and nothing else is.
func checkSchema(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
	if err != nil {
		return err
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		got = append(got, text)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	want := schema()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return damaged("its tables and triggers are not those of a register")
	}
	return nil
}

func checkSums(ctx context.Context, tx *sql.Tx) error {
	for _, t := range tables {
		if err := checkTableSums(ctx, tx, t.name); err != nil {
			return err
		}
	}
	return nil
}

func checkTableSums(ctx context.Context, tx *sql.Tx, table string) error {
	rows, err := tx.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	var id int64
	var sum []byte
	values, into := make([]any, len(names)-2), []any{&id, &sum}
	for i := range values {
		into = append(into, &values[i])
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if !bytes.Equal(sum, rowSum(table, id, values)) {
			return damaged("row %d of table %s does not have its SHA-256 sum", id, table)
		}
	}
	return rows.Err()
}

// explain says of an error which file it concerns, and of one of SQLite what to
// do.
func (r *Register) explain(err error) error {
	if err == nil {
		return nil
	}
	if failure, ok := errors.AsType[*modernc.Error](err); ok {
		switch failure.Code() & 0xFF { // the primary code
		case sqlite3.SQLITE_NOTADB:
			err = errNotRegister
		case sqlite3.SQLITE_CORRUPT:
			err = damaged("%w", err)
		case sqlite3.SQLITE_BUSY:
			err = fmt.Errorf("another process holds it; try again when that is done: %w", err)
		case sqlite3.SQLITE_FULL:
			err = fmt.Errorf("the disk is full; make room and try again: %w", err)
		case sqlite3.SQLITE_READONLY:
			err = fmt.Errorf("it cannot be written; copy it to where it can, or change its mode: %w", err)
		}
	}
	return fmt.Errorf("register %s: %w", r.path, err)
}
