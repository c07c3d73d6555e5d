package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"conclave/card/store"
	"conclave/card/store/storetest"
)

// newStore makes a store in a directory of its own, and closes it at the end.
func newStore(t testing.TB) *Store {
	t.Helper()
	return newStoreAt(t, filepath.Join(t.TempDir(), "device"))
}

func newStoreAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func closed(t testing.TB, s *Store) (path string) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.path
}

// tune executes a PRAGMA on the connection that the next transaction takes.
func tune(t testing.TB, s *Store, pragma string) {
	t.Helper()
	c, err := s.acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer s.release(c)
	if _, err := c.pragma(pragma); err != nil {
		t.Fatal(err)
	}
}

// countUp replaces the number in record 1 by the next one, and record 2 by
// what belongs to it, which fills several pages.
func countUp(s store.Store) (n int, err error) {
	err = s.Update(func(w store.Writer) error {
		value, err := w.Get(1, 1)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		n, _ = strconv.Atoi(string(value))
		n++
		return errors.Join(w.Put(1, 1, []byte(strconv.Itoa(n))), w.Put(1, 2, ballast(n)))
	})
	return n, err
}

func ballast(n int) []byte { return bytes.Repeat([]byte{byte(n), byte(n >> 8)}, 9000) }

// count returns the number that countUp left, 0 for none. That the records do
// not belong together, or that the file is damaged, is an error.
func count(s *Store) (n int, err error) {
	err = s.View(func(r store.Reader) error {
		value, err := r.Get(1, 1)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		n, _ = strconv.Atoi(string(value))
		filling, err := r.Get(1, 2)
		if err == nil && !bytes.Equal(filling, ballast(n)) {
			err = fmt.Errorf("record 1 is %d, but record 2 is %.4x…", n, filling)
		}
		return err
	})
	if err != nil {
		return n, err
	}
	c, err := s.acquire()
	if err != nil {
		return n, err
	}
	defer s.release(c)
	verdict, err := c.pragma("integrity_check")
	if err == nil && verdict != "ok" {
		err = fmt.Errorf("integrity_check: %v", verdict)
	}
	return n, err
}

func wantCount(t testing.TB, s *Store, want int) {
	t.Helper()
	if got, err := count(s); err != nil || got != want {
		t.Fatalf("the count is %d (%v), want %d", got, err, want)
	}
}

func mustCountUp(t testing.TB, s store.Store) {
	t.Helper()
	if _, err := countUp(s); err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	storetest.Run(t,
		func(t testing.TB) store.Store { return newStore(t) },
		func(t testing.TB, s store.Store) store.Store { return open(t, closed(t, s.(*Store))) })
}

func BenchmarkVersion(b *testing.B) {
	s := newStore(b)
	for b.Loop() {
		if _, err := s.Version(); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmarkStore has a hundred records of 1,200 bytes, about what a key with
// its certificate takes.
func benchmarkStore(b *testing.B) *Store {
	s := newStore(b)
	err := s.Update(func(w store.Writer) (err error) {
		for id := range uint16(100) {
			err = errors.Join(err, w.Put(1, id, make([]byte, 1200)))
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkViewGet(b *testing.B) {
	s := benchmarkStore(b)
	for b.Loop() {
		err := s.View(func(r store.Reader) error { _, err := r.Get(1, 50); return err })
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdatePut(b *testing.B) {
	s := benchmarkStore(b)
	value := make([]byte, 1200)
	for n := 0; b.Loop(); n++ {
		copy(value, strconv.Itoa(n)) // else nothing changes, and nothing is written
		if err := s.Update(func(w store.Writer) error { return w.Put(1, 50, value) }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	path := closed(b, benchmarkStore(b))
	for b.Loop() {
		s, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
