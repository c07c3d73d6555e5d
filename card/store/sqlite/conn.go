package sqlite

import (
	"database/sql/driver"
	"errors"
	"io"

	"conclave/card/store"
)

// The statements that every connection keeps prepared.
const (
	begin = iota
	beginImmediate
	commit
	rollback
	dataVersion
	get
	list
	put
	remove
	clearAll
	statementCount
)

// statements is their text. A record's key is its kind and its id in one
// integer, which makes the table one B-tree that holds long values well
// (https://www.sqlite.org/withoutrowid.html section 4).
var statements = [statementCount]string{
	begin:          `BEGIN`,
	beginImmediate: `BEGIN IMMEDIATE`,
	commit:         `COMMIT`,
	rollback:       `ROLLBACK`,
	dataVersion:    `PRAGMA data_version`,
	get:            `SELECT value FROM record WHERE key = ?`,
	list:           `SELECT key & 0xFFFF FROM record WHERE key BETWEEN ? AND ? ORDER BY key`,
	put:            `INSERT INTO record VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`,
	remove:         `DELETE FROM record WHERE key = ?`,
	clearAll:       `DELETE FROM record`,
}

func key(kind store.Kind, id uint16) int64 { return int64(kind)<<16 | int64(id) }

// conn is a connection to the file, for one goroutine at a time. It implements
// store.Writer while it is in a transaction.
type conn struct {
	driver.Conn
	path          string
	prepared      [statementCount]driver.Stmt
	inTransaction bool
}

// connect opens a connection to a device store.
func connect(path string) (*conn, error) {
	c, err := dial(path)
	if err != nil {
		return nil, fileKind.Explain(path, err)
	}
	if err = c.identify(); err == nil {
		err = c.prepare()
	}
	if err != nil {
		c.Close()
		return nil, fileKind.Explain(path, err)
	}
	return c, nil
}

// dial opens a connection to any SQLite file that exists.
func dial(path string) (*conn, error) {
	c, err := fileKind.Open(path)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, path: path}, nil
}

func (c *conn) prepare() (err error) {
	for i, sql := range statements {
		if c.prepared[i], err = c.Prepare(sql); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the statements first: SQLite keeps a connection that has any.
func (c *conn) Close() error {
	var err error
	for _, s := range c.prepared {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return errors.Join(err, c.Conn.Close())
}

// run executes a prepared statement for its effect.
func (c *conn) run(statement int, args ...driver.Value) error {
	//lint:ignore SA1019 without database/sql it is this that the driver offers for values
	_, err := c.prepared[statement].Exec(args)
	return fileKind.Explain(c.path, err)
}

// query executes a prepared statement and hands the first value of each row to fn.
func (c *conn) query(statement int, fn func(driver.Value), args ...driver.Value) error {
	return fileKind.Explain(c.path, query(c.prepared[statement], fn, args...))
}

func query(s driver.Stmt, fn func(driver.Value), args ...driver.Value) error {
	//lint:ignore SA1019 as in run
	rows, err := s.Query(args)
	if err != nil {
		return err
	}
	row := make([]driver.Value, len(rows.Columns()))
	for {
		if err = rows.Next(row); err != nil {
			break
		}
		fn(row[0])
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, rows.Close())
}

// pragma executes a PRAGMA and returns what it answers. Its error is SQLite's.
func (c *conn) pragma(text string) (answer driver.Value, err error) {
	s, err := c.Prepare("PRAGMA " + text)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	err = query(s, func(v driver.Value) { answer = v })
	return answer, err
}

// beginView begins a transaction and reads, since SQLite takes the snapshot at
// the first read.
func (c *conn) beginView() error {
	if err := c.run(begin); err != nil {
		return err
	}
	c.inTransaction = true
	_, err := c.version()
	return err
}

func (c *conn) beginUpdate() error {
	err := c.run(beginImmediate)
	c.inTransaction = err == nil
	return err
}

func (c *conn) commitUpdate() error {
	err := c.run(commit)
	c.inTransaction = err != nil
	return err
}

func (c *conn) rollback() error {
	c.inTransaction = false
	return c.run(rollback)
}

func (c *conn) version() (version uint64, err error) {
	err = c.query(dataVersion, func(v driver.Value) { version = uint64(v.(int64)) })
	return version, err
}

// Get implements store.Reader.
func (c *conn) Get(kind store.Kind, id uint16) (value []byte, err error) {
	found := false
	err = c.query(get, func(v driver.Value) { value, found = v.([]byte), true }, key(kind, id))
	if err == nil && !found {
		err = store.ErrNotFound
	}
	return value, err
}

// List implements store.Reader.
func (c *conn) List(kind store.Kind) (ids []uint16, err error) {
	err = c.query(list, func(v driver.Value) { ids = append(ids, uint16(v.(int64))) }, key(kind, 0), key(kind, 0xFFFF))
	return ids, err
}

// Put implements store.Writer.
func (c *conn) Put(kind store.Kind, id uint16, value []byte) error {
	if value == nil {
		value = []byte{} // nil would be NULL
	}
	return c.run(put, key(kind, id), value)
}

// Delete implements store.Writer.
func (c *conn) Delete(kind store.Kind, id uint16) error { return c.run(remove, key(kind, id)) }

// Clear implements store.Writer.
func (c *conn) Clear() error { return c.run(clearAll) }
