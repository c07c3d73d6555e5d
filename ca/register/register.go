// Package register keeps what an offline certification authority signs, in one
// SQLite file. It is a journal: what is in it stays as it is, and nothing is
// deleted; triggers in the file hold other programs to that, too.
//
// Begin with [Create] or [Open], and give the [Register] to a ca.Authority as its
// ledger. [Register.Named] finds what people mean by a number, and [Register.Revoke]
// notes what the next CRL will list; [Register.Unfinished] tells after a crash what
// may have been signed, and [Register.Settle] what people found out about it.
// [Register.Export] writes all of it as JSON, which [ParseExport] reads without a
// database.
//
// It signs nothing, and does not judge what is signed: that is package ca. It
// keeps no keys.
//
// What is signed is identified by its issuer's name (DER), its kind and its
// number. The file has each of these at most once, however it came in. Of issuers it
// has what CRLs need: the profile of the certificate ([Issuer]).
//
// Everything is in the one file whenever nothing is being written, even after
// a crash, so that a copy of it lacks nothing. Hence the rollback journal: in
// write-ahead-log mode the newest intents would be in a second file until the
// last process closes the first.
//
// A process that has the file open must not open and close it by other means:
// on POSIX systems that would drop SQLite's locks
// (https://www.sqlite.org/howtocorrupt.html section 2.2).
package register

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"

	"conclave/ca"

	modernc "modernc.org/sqlite"
)

// MaxFile is how many bytes a register that is opened may have: those of a hundred
// thousand certificates.
const MaxFile = 512 << 20

// Register is an open register. Several goroutines may use it at once, and
// several processes may have the file open.
type Register struct {
	path string
	db   *sql.DB // of one connection
}

var _ ca.Ledger = (*Register)(nil)

// Create makes an empty register, readable by its owner alone, and opens it.
// The directory must exist. The error is fs.ErrExist if the file does.
//
// The file appears at path complete or not at all, even after a loss of power.
func Create(path string) (*Register, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := fileKind.Create(path); err != nil {
		return nil, err
	}
	return Open(path)
}

// Open opens the register that Create made at path, and reads all of it. The
// error is fs.ErrNotExist if there is none, and says what is wrong with a file
// that is damaged, altered, not a register, or in the format of a later
// version. Such a file is left as it is. One of an earlier format is brought to
// the present one.
func Open(path string) (*Register, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := fileKind.CheckFile(path); err != nil {
		return nil, err
	}
	r := &Register{path: path, db: sql.OpenDB(connector{path})}
	r.db.SetMaxOpenConns(1)
	var version int64
	err = r.view(context.Background(), func(ctx context.Context, tx *sql.Tx) (err error) {
		version, err = r.check(ctx, tx)
		return err
	})
	if err == nil {
		err = r.setJournalMode()
	}
	if err == nil && version == 1 {
		err = r.update(context.Background(), leaveFormat1)
	}
	if err != nil {
		return nil, errors.Join(err, r.db.Close())
	}
	return r, nil
}

// Close closes the register. There is no other file beside it then.
func (r *Register) Close() error { return r.db.Close() }

// setJournalMode takes a file out of the mode that another program put it in.
func (r *Register) setJournalMode() error {
	var mode string
	err := r.db.QueryRow("PRAGMA journal_mode = DELETE").Scan(&mode)
	if err == nil && mode != "delete" {
		err = fmt.Errorf("its journal mode is %s; delete was expected: open it where it can be written", mode)
	}
	return r.explain(err)
}

// view calls fn in a transaction that sees one state of the file.
func (r *Register) view(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	return r.transact(ctx, &sql.TxOptions{ReadOnly: true}, fn)
}

// update calls fn in a transaction beside which nobody else writes. What it did
// is on disk when update returns nil.
func (r *Register) update(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	return r.transact(ctx, nil, fn)
}

func (r *Register) transact(ctx context.Context, options *sql.TxOptions, fn func(context.Context, *sql.Tx) error) error {
	tx, err := r.db.BeginTx(ctx, options)
	if err != nil {
		return r.explain(err)
	}
	defer tx.Rollback()
	if err := fn(ctx, tx); err != nil {
		return r.explain(err)
	}
	return r.explain(tx.Commit())
}

// explain says of an error which file it concerns, and of one of SQLite what to
// do.
func (r *Register) explain(err error) error { return fileKind.Explain(r.path, err) }

// connector opens connections to the file at path.
type connector struct{ path string }

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) { return fileKind.Open(c.path) }

// Driver implements driver.Connector.
func (connector) Driver() driver.Driver { return new(modernc.Driver) }
