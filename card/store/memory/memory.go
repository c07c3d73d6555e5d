// Package memory keeps a card's records in a map. They are gone when the
// process ends: it serves tests and cards that need no persistence. It is also what
// package sqlite is compared with, so it keeps to the same rules to the letter: see
// package store.
package memory

import (
	"bytes"
	"maps"
	"slices"
	"sync"

	"conclave/card/store"
)

// Store implements store.Store.
type Store struct {
	alone    sync.Mutex // held throughout an Alone
	updating sync.Mutex // held throughout an Update

	mu      sync.Mutex // guards the rest
	records records    // never changed in place: views read it without a lock
	version uint64
	closed  bool
}

// New returns an empty store.
func New() *Store { return &Store{records: records{}} }

// View implements store.Store.
func (s *Store) View(fn func(store.Reader) error) error {
	snapshot, err := s.snapshot()
	if err != nil {
		return err
	}
	return fn(snapshot)
}

// Update implements store.Store.
func (s *Store) Update(fn func(store.Writer) error) error {
	s.updating.Lock()
	defer s.updating.Unlock()
	snapshot, err := s.snapshot()
	if err != nil {
		return err
	}
	changed := maps.Clone(snapshot)
	if err := fn(changed); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = changed
	s.version++
	return nil
}

// Alone implements store.Store.
func (s *Store) Alone(fn func() error) error {
	s.alone.Lock()
	defer s.alone.Unlock()
	if _, err := s.snapshot(); err != nil {
		return err
	}
	return fn()
}

// Version implements store.Store.
func (s *Store) Version() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, store.ErrClosed
	}
	return s.version, nil
}

// Scrub implements store.Store.
func (s *Store) Scrub() error { return nil }

// Close implements store.Store.
func (s *Store) Close() error {
	s.updating.Lock()
	defer s.updating.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *Store) snapshot() (records, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	return s.records, nil
}

type name struct {
	kind store.Kind
	id   uint16
}

// records implements store.Writer.
type records map[name][]byte

func (r records) Get(kind store.Kind, id uint16) ([]byte, error) {
	value, ok := r[name{kind, id}]
	if !ok {
		return nil, store.ErrNotFound
	}
	return bytes.Clone(value), nil
}

func (r records) List(kind store.Kind) ([]uint16, error) {
	var ids []uint16
	for n := range r {
		if n.kind == kind {
			ids = append(ids, n.id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func (r records) Put(kind store.Kind, id uint16, value []byte) error {
	r[name{kind, id}] = bytes.Clone(value)
	return nil
}

func (r records) Delete(kind store.Kind, id uint16) error {
	delete(r, name{kind, id})
	return nil
}

func (r records) Clear() error {
	clear(r)
	return nil
}
