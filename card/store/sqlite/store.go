// Package sqlite keeps a card's records in an SQLite file, which several
// processes may have open at once.
//
// The file is in write-ahead-log mode: until the last process closes it, what
// was committed last is in the files named with -wal and -shm beside it, and a
// copy of the file alone lacks that. The disk must be a local one, for the
// processes share memory through the -shm file.
//
// A process that has the file open must not open and close it by other means:
// on POSIX systems that would drop SQLite's locks
// (https://www.sqlite.org/howtocorrupt.html section 2.2).
//
// The file named with -lock is empty. Whoever holds its lock is in an Alone.
//
// Deleted and replaced values are overwritten with zeros in the file. In the
// log they last until it is reused or removed.
package sqlite

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"conclave/card/store"
	"conclave/internal/safefile"
	"conclave/internal/sqlitefile"
)

// Store implements store.Store. It works on the driver's connections without
// database/sql, whose pool and transactions make a View three times as slow.
type Store struct {
	path     string
	earlier  string     // see Earlier
	updating sync.Mutex // held throughout an Update, so that waiting ones queue in order

	mu   sync.Mutex // guards the rest
	idle []*conn
	// watcher never writes: PRAGMA data_version shows the commits of all
	// connections but its own.
	watcher *conn
	index   walIndex // nil where it cannot be mapped
	seen    seen
	closed  bool
}

// walIndex is the header of the WAL index, in the file named with -shm, whose memory the
// processes share. It is there twice, and both copies change with every commit, since it
// counts the transactions and holds a checksum over the whole log
// (https://www.sqlite.org/walformat.html section 2.1): a data_version changes where SQLite
// sees that they have. To compare them takes no lock, and a hundredth of the time.
type walIndex []byte

// walIndexHeader is the length of both copies.
const walIndexHeader = 2 * 48

// seen is a version, and a header that was there before it was asked for.
type seen struct {
	header  []byte
	version uint64
}

// Open opens the device store that Create made at path. The error is
// fs.ErrNotExist if there is none, and says what is wrong with a file that
// is damaged, not a device store, or in the format of a newer version.
func Open(path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := fileKind.CheckFile(path); err != nil {
		return nil, err
	}
	// As SQLite does: the files beside it, and its lock, are beside the file itself,
	// whatever links lead to it.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, err
	}
	watcher, err := connect(path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, watcher: watcher}
	version, err := watcher.pragma("user_version")
	if err == nil && version == int64(1) {
		err = s.leaveFormat1()
	}
	if err != nil {
		return nil, errors.Join(fileKind.Explain(path, err), s.Close())
	}
	s.index = mapWALIndex(path)
	return s, nil
}

// Earlier is the path of the copy of the file in an earlier format, if Open has
// made one.
func (s *Store) Earlier() string { return s.earlier }

// View implements store.Store.
func (s *Store) View(fn func(store.Reader) error) error {
	c, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release(c)
	if err := c.beginView(); err != nil {
		return err
	}
	return fn(c)
}

// Update implements store.Store. It waits up to five seconds for another
// process to end its own.
func (s *Store) Update(fn func(store.Writer) error) error {
	s.updating.Lock()
	defer s.updating.Unlock()
	c, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release(c)
	if err := c.beginUpdate(); err != nil {
		return err
	}
	if err := fn(c); err != nil {
		return err
	}
	return c.commitUpdate()
}

// Alone implements store.Store. The lock is a file's of its own, for closing
// the store's would drop SQLite's locks.
func (s *Store) Alone(fn func() error) error {
	if err := s.check(); err != nil {
		return err
	}
	unlock, err := safefile.WaitLock(s.path + lockSuffix)
	if err != nil {
		return fileKind.Explain(s.path, err)
	}
	defer unlock()
	if err := safefile.MakeRoom(s.path+"-wal", logSize(store.Room)); err != nil {
		return fileKind.Explain(s.path, err)
	}
	return fn()
}

func (s *Store) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	return nil
}

// logSize is how much the log may grow for values of so many bytes: by their
// pages, and as many that lead to them or become free. A page in the log has a
// header of 24 bytes (https://www.sqlite.org/fileformat2.html section 4.1).
func logSize(values int64) int64 {
	return 2 * values / sqlitefile.PageSize * (sqlitefile.PageSize + 24)
}

// Version implements store.Store.
func (s *Store) Version() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, store.ErrClosed
	}
	if s.index == nil {
		return s.watcher.version()
	}
	if bytes.Equal(s.seen.header, s.index) {
		return s.seen.version, nil
	}
	header := bytes.Clone(s.index)
	version, err := s.watcher.version()
	if err == nil {
		s.seen = seen{header, version}
	}
	return version, err
}

// Scrub implements store.Store: it brings the log into the file, where old
// values are overwritten with zeros, and empties it. SQLite does not sync that: a
// loss of power would bring the log back.
func (s *Store) Scrub() error {
	c, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release(c)
	// Its row begins with 1 if it was blocked (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).
	blocked, err := c.pragma("wal_checkpoint(TRUNCATE)")
	if err == nil && blocked != int64(0) {
		err = store.ErrBusy
	}
	if err == nil {
		err = s.syncLog()
	}
	return fileKind.Explain(s.path, err)
}

// syncLog makes what the log has become durable.
func (s *Store) syncLog() error {
	log, err := os.OpenFile(s.path+"-wal", os.O_RDWR, 0) // SQLite has no locks on it
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(log.Sync(), log.Close())
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.updating.Lock()
	defer s.updating.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := errors.Join(s.index.unmap(), s.watcher.Close())
	for _, c := range s.idle {
		err = errors.Join(err, c.Close())
	}
	return err
}

// acquire takes a connection for one transaction.
func (s *Store) acquire() (*conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	if last := len(s.idle) - 1; last >= 0 {
		c := s.idle[last]
		s.idle = s.idle[:last]
		return c, nil
	}
	return connect(s.path)
}

// release rolls back what was not committed, even when the caller panics, and
// keeps the connection for the next transaction.
func (s *Store) release(c *conn) {
	// SQLite rolls back by itself after some errors, and then refuses to: that
	// a connection is clean is certain only if it did not.
	clean := !c.inTransaction || c.rollback() == nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if clean && !s.closed {
		s.idle = append(s.idle, c)
		return
	}
	c.Close()
}
