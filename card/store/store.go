// Package store says how a card keeps its persistent state: a flat set of
// records, changed in transactions.
//
// Package sqlite keeps them in a file, package memory in a map; package
// storetest holds the tests that both must pass.
package store

import "errors"

// Kind says what a record is. The store gives it no meaning.
type Kind uint8

// ErrNotFound is returned by Get for a record that does not exist.
var ErrNotFound = errors.New("no such record")

// ErrFull is returned if there is no room for a change.
var ErrFull = errors.New("the disk or the quota is full; nothing was changed; free some space and try again")

// ErrBusy is returned if something waits until others have ended what they do.
var ErrBusy = errors.New("another process is using the device")

// ErrClosed is returned by every use of a Store after Close.
var ErrClosed = errors.New("the store is closed")

// Room is how many bytes of values the updates of an Alone can put, in all,
// even on a disk that has filled up.
const Room = 32 << 10

// Reader reads records as they were at one moment. It is valid until the
// function that it was given to returns, and for one goroutine at a time.
type Reader interface {
	// Get returns a copy of a record, which the caller may keep and change.
	// A record that does not exist is ErrNotFound; an empty one is not.
	Get(kind Kind, id uint16) ([]byte, error)
	// List returns the ids of all records of one kind, ascending.
	List(kind Kind) ([]uint16, error)
}

// Writer reads and changes records. It sees its own changes.
type Writer interface {
	Reader
	// Put creates a record or replaces it. It copies value.
	Put(kind Kind, id uint16, value []byte) error
	// Delete removes a record. One that does not exist is not an error.
	Delete(kind Kind, id uint16) error
	// Clear removes all records of every kind.
	Clear() error
}

// Store is a set of records. It is safe for concurrent use.
type Store interface {
	// View runs fn on a snapshot: no change that is committed later is seen,
	// and none waits for fn. It returns fn's error as it is.
	View(fn func(Reader) error) error
	// Update runs fn in a transaction, one at a time. When Update returns nil,
	// all that fn did is durable. When fn returns an error or panics, nothing
	// has happened, and the error comes back as it is. fn must not call Update.
	Update(fn func(Writer) error) error
	// Alone runs fn while no other process runs an Alone on the same records;
	// others wait for it. It ends with the process at the latest, however that
	// ends. There is room on the disk for Room bytes of values that fn puts:
	// if there is none, the error is ErrFull, and fn has not run. fn may call
	// View and Update, and must not call Alone.
	Alone(fn func() error) error
	// Version differs from every earlier value once any process has committed
	// a change. It may differ when nothing changed, and compares only with
	// values from the same Store. It costs microseconds at most.
	Version() (uint64, error)
	// Scrub makes sure that values which were replaced or deleted are no longer
	// on disk, if the store can. The error is ErrBusy if it could not, since another
	// process was reading: that is left to a later Scrub, or to the last Close.
	Scrub() error
	// Close waits for a running Update. Views that still run stay valid.
	Close() error
}
