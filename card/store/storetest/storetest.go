// Package storetest holds the tests that every implementation of store.Store
// must pass.
package storetest

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"conclave/card/store"

	"pgregory.net/rapid"
)

// Opener returns a new and empty store. The store is closed by Run.
type Opener func(testing.TB) store.Store

// Reopener closes a store and opens it again where its records were kept.
type Reopener func(testing.TB, store.Store) store.Store

// Run tests the stores that open returns. reopen is nil where records do not
// outlive Close.
func Run(t *testing.T, open Opener, reopen Reopener) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, store.Store)
	}{
		{"read back", testReadBack},
		{"edges", testEdges},
		{"absent", testAbsent},
		{"list", testList},
		{"delete", testDelete},
		{"clear", testClear},
		{"values are copies", testCopies},
		{"update sees itself", testUpdateSeesItself},
		{"error rolls back", testErrorRollsBack},
		{"panic rolls back", testPanicRollsBack},
		{"isolation", testIsolation},
		{"view keeps its snapshot", testSnapshot},
		{"view may nest", testNestedViews},
		{"view passes errors on", testViewError},
		{"version", testVersion},
		{"concurrent counter", testConcurrentCounter},
		{"alone", testAlone},
		{"consistent views", testConsistentViews},
		{"closed", testClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { s.Close() })
			test.run(t, s)
		})
	}
	t.Run("model", func(t *testing.T) { testModel(t, open, reopen) })
}

func put(t testing.TB, s store.Store, kind store.Kind, id uint16, value []byte) {
	t.Helper()
	if err := s.Update(func(w store.Writer) error { return w.Put(kind, id, value) }); err != nil {
		t.Fatalf("Put(%d, %d): %v", kind, id, err)
	}
}

// get returns what a view finds; the record must be there.
func get(t testing.TB, s store.Store, kind store.Kind, id uint16) (value []byte) {
	t.Helper()
	err := s.View(func(r store.Reader) (err error) {
		value, err = r.Get(kind, id)
		return err
	})
	if err != nil {
		t.Fatalf("Get(%d, %d): %v", kind, id, err)
	}
	return value
}

func wantValue(t testing.TB, s store.Store, kind store.Kind, id uint16, want []byte) {
	t.Helper()
	if got := get(t, s, kind, id); !bytes.Equal(got, want) {
		t.Errorf("record %d of kind %d is %.40x, want %.40x", id, kind, got, want)
	}
}

func wantAbsent(t testing.TB, s store.Store, kind store.Kind, id uint16) {
	t.Helper()
	err := s.View(func(r store.Reader) error { _, err := r.Get(kind, id); return err })
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("record %d of kind %d: error %v, want ErrNotFound", id, kind, err)
	}
}

func wantList(t testing.TB, s store.Store, kind store.Kind, want ...uint16) {
	t.Helper()
	err := s.View(func(r store.Reader) error {
		got, err := r.List(kind)
		if !slices.Equal(got, want) {
			t.Errorf("List(%d) is %d, want %d", kind, got, want)
		}
		return err
	})
	if err != nil {
		t.Fatalf("List(%d): %v", kind, err)
	}
}

func testReadBack(t *testing.T, s store.Store) {
	put(t, s, 1, 7, []byte("first"))
	put(t, s, 2, 7, []byte("same id, other kind"))
	put(t, s, 1, 7, []byte("replaced"))
	wantValue(t, s, 1, 7, []byte("replaced"))
	wantValue(t, s, 2, 7, []byte("same id, other kind"))
}

func testEdges(t *testing.T, s store.Store) {
	long := bytes.Repeat([]byte{0, 1, 0xFF, '\n'}, 1<<14) // 64 KiB
	for _, kind := range []store.Kind{0, 255} {
		for _, id := range []uint16{0, 65535} {
			put(t, s, kind, id, append(long, byte(kind), byte(id)))
		}
	}
	for _, kind := range []store.Kind{0, 255} {
		wantList(t, s, kind, 0, 65535)
		for _, id := range []uint16{0, 65535} {
			wantValue(t, s, kind, id, append(long, byte(kind), byte(id)))
		}
	}
	wantList(t, s, 1)
	wantList(t, s, 254)
}

func testAbsent(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte{})
	put(t, s, 1, 2, nil)
	wantValue(t, s, 1, 1, nil)
	wantValue(t, s, 1, 2, nil)
	wantAbsent(t, s, 1, 3)
	wantAbsent(t, s, 2, 1)
	wantList(t, s, 1, 1, 2)
	wantList(t, s, 2)
}

func testList(t *testing.T, s store.Store) {
	for _, id := range []uint16{300, 2, 65535, 0, 256, 10, 9} {
		put(t, s, 4, id, []byte{1})
	}
	put(t, s, 3, 65535, []byte{1})
	put(t, s, 5, 0, []byte{1})
	wantList(t, s, 4, 0, 2, 9, 10, 256, 300, 65535)
}

func testDelete(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte("goes"))
	put(t, s, 1, 2, []byte("stays"))
	put(t, s, 2, 1, []byte("stays"))
	for range 2 { // the second finds nothing, which is not an error
		if err := s.Update(func(w store.Writer) error { return w.Delete(1, 1) }); err != nil {
			t.Fatal(err)
		}
	}
	wantAbsent(t, s, 1, 1)
	wantList(t, s, 1, 2)
	wantList(t, s, 2, 1)
}

func testClear(t *testing.T, s store.Store) {
	for kind := range 3 {
		put(t, s, store.Kind(kind), 1, []byte("goes"))
	}
	err := s.Update(func(w store.Writer) error {
		return errors.Join(w.Put(1, 2, []byte("goes")), w.Clear(), w.Put(2, 9, []byte("stays")))
	})
	if err != nil {
		t.Fatal(err)
	}
	wantList(t, s, 0)
	wantList(t, s, 1)
	wantList(t, s, 2, 9)
}

func testCopies(t *testing.T, s store.Store) {
	value := []byte("value")
	err := s.Update(func(w store.Writer) error {
		err := w.Put(1, 1, value)
		value[0] = 'X'
		got, getErr := w.Get(1, 1)
		if getErr == nil {
			got[1] = 'X'
		}
		return errors.Join(err, getErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	get(t, s, 1, 1)[2] = 'X'
	wantValue(t, s, 1, 1, []byte("value"))
}

func testUpdateSeesItself(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte("old"))
	err := s.Update(func(w store.Writer) error {
		if err := errors.Join(w.Put(1, 1, []byte("new")), w.Put(1, 3, nil), w.Delete(1, 3)); err != nil {
			return err
		}
		value, err := w.Get(1, 1)
		ids, listErr := w.List(1)
		if _, gone := w.Get(1, 3); !errors.Is(gone, store.ErrNotFound) {
			t.Errorf("a record deleted in the transaction: %v, want ErrNotFound", gone)
		}
		if string(value) != "new" || !slices.Equal(ids, []uint16{1}) {
			t.Errorf("the transaction sees %q and ids %d, want its own changes", value, ids)
		}
		return errors.Join(err, listErr)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// spoil changes all there is and more.
func spoil(w store.Writer) error {
	return errors.Join(w.Clear(), w.Put(1, 1, []byte("spoilt")), w.Put(9, 9, make([]byte, 1<<16)))
}

// wantUnspoilt looks for what was there before spoil was rolled back, and must
// be after, and then for a store that still works.
func wantUnspoilt(t *testing.T, s store.Store, before uint64) {
	t.Helper()
	wantValue(t, s, 1, 1, []byte("old"))
	wantList(t, s, 1, 1, 2)
	wantList(t, s, 9)
	if after := version(t, s); after != before {
		t.Errorf("the version went from %d to %d", before, after)
	}
	put(t, s, 1, 1, []byte("new"))
	wantValue(t, s, 1, 1, []byte("new"))
}

func testErrorRollsBack(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte("old"))
	put(t, s, 1, 2, []byte("old"))
	before, refusal := version(t, s), errors.New("refusal")
	err := s.Update(func(w store.Writer) error {
		if err := spoil(w); err != nil {
			t.Error(err)
		}
		return refusal
	})
	if err != refusal {
		t.Errorf("Update returns %v, want the function's own error", err)
	}
	wantUnspoilt(t, s, before)
}

func testPanicRollsBack(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte("old"))
	put(t, s, 1, 2, []byte("old"))
	before := version(t, s)
	func() {
		defer func() {
			if r := recover(); r != "fault" {
				t.Errorf("recovered %v, want the function's own panic", r)
			}
		}()
		s.Update(func(w store.Writer) error {
			if err := spoil(w); err != nil {
				t.Error(err)
			}
			panic("fault")
		})
	}()
	wantUnspoilt(t, s, before)
}

func testIsolation(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte("old"))
	err := s.Update(func(w store.Writer) error {
		if err := errors.Join(w.Put(1, 1, []byte("new")), w.Put(1, 2, []byte("new"))); err != nil {
			return err
		}
		wantValue(t, s, 1, 1, []byte("old"))
		wantList(t, s, 1, 1)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, 1, 1, []byte("new"))
	wantList(t, s, 1, 1, 2)
}

// testSnapshot commits before the view's first read and between two reads.
func testSnapshot(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte("old"))
	err := s.View(func(r store.Reader) error {
		for _, change := range []string{"new", "newer"} {
			put(t, s, 1, 1, []byte(change))
			put(t, s, 1, 2, []byte(change))
			value, err := r.Get(1, 1)
			ids, listErr := r.List(1)
			if err := errors.Join(err, listErr); err != nil {
				return err
			}
			if string(value) != "old" || !slices.Equal(ids, []uint16{1}) {
				t.Errorf("the view sees %q and ids %d once %q is committed, want the state it began with", value, ids, change)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, 1, 1, []byte("newer"))
}

func testNestedViews(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte("old"))
	err := s.View(func(outer store.Reader) error {
		put(t, s, 1, 1, []byte("new"))
		wantValue(t, s, 1, 1, []byte("new")) // a view in the view
		value, err := outer.Get(1, 1)
		if string(value) != "old" {
			t.Errorf("the outer view sees %q", value)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func testViewError(t *testing.T, s store.Store) {
	refusal := errors.New("refusal")
	if err := s.View(func(store.Reader) error { return refusal }); err != refusal {
		t.Errorf("View returns %v, want the function's own error", err)
	}
	func() {
		defer func() { recover() }()
		s.View(func(store.Reader) error { panic("fault") })
	}()
	put(t, s, 1, 1, []byte("still works"))
	wantValue(t, s, 1, 1, []byte("still works"))
}

func version(t rapid.TB, s store.Store) uint64 {
	t.Helper()
	v, err := s.Version()
	if err != nil {
		t.Fatalf("Version: %v", err)
	}
	return v
}

func testVersion(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte{0})
	seen := map[uint64]bool{}
	for i := range 50 {
		v := version(t, s)
		if seen[v] {
			t.Fatalf("version %d comes again after %d commits", v, i)
		}
		seen[v] = true
		get(t, s, 1, 1)
		if again := version(t, s); again != v {
			t.Fatalf("reading took the version from %d to %d", v, again)
		}
		put(t, s, 1, 1, []byte{byte(i + 1)})
	}
	err := s.Update(func(w store.Writer) error {
		before := version(t, s)
		if err := w.Put(1, 1, []byte("uncommitted")); err != nil {
			return err
		}
		if v := version(t, s); v != before {
			t.Errorf("an open transaction took the version from %d to %d", before, v)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// increment adds one to the decimal number in record 1 of kind 1.
func increment(w store.Writer) error {
	value, err := w.Get(1, 1)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(value))
	if err != nil {
		return err
	}
	return w.Put(1, 1, strconv.AppendInt(nil, int64(n+1), 10))
}

func testConcurrentCounter(t *testing.T, s store.Store) {
	const workers, each = 8, 25
	put(t, s, 1, 1, []byte("0"))
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range each {
				if err := s.Update(increment); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	wantValue(t, s, 1, 1, []byte(strconv.Itoa(workers*each)))
}

// testAlone counts in two transactions, and nobody else comes between them.
func testAlone(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte{0})
	const workers, each = 8, 10
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range each {
				if err := s.Alone(func() error { return countInTwo(s) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	wantValue(t, s, 1, 1, []byte{workers * each})
	broken := errors.New("broken")
	if err := s.Alone(func() error { return broken }); err != broken {
		t.Errorf("the error %v of Alone is not fn's", err)
	}
}

func countInTwo(s store.Store) error {
	var value []byte
	err := s.View(func(r store.Reader) (err error) {
		value, err = r.Get(1, 1)
		return err
	})
	if err != nil {
		return err
	}
	runtime.Gosched()
	return s.Update(func(w store.Writer) error { return w.Put(1, 1, []byte{value[0] + 1}) })
}

// testConsistentViews reads two records that every update makes equal, and
// versions, while they change.
func testConsistentViews(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte("0"))
	put(t, s, 2, 2, []byte("0"))
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					wantEqualPair(t, s)
				}
			}
		})
	}
	for i := range 100 {
		value := strconv.AppendInt(nil, int64(i), 10)
		err := s.Update(func(w store.Writer) error { return errors.Join(w.Put(1, 1, value), w.Put(2, 2, value)) })
		if err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	readers.Wait()
}

func wantEqualPair(t *testing.T, s store.Store) {
	var one, two []byte
	_, versionErr := s.Version()
	err := s.View(func(r store.Reader) (err error) {
		one, err = r.Get(1, 1)
		if err == nil {
			two, err = r.Get(2, 2)
		}
		return err
	})
	if err := errors.Join(versionErr, err); err != nil || !bytes.Equal(one, two) {
		t.Errorf("a view sees %q and %q (%v), which no update left", one, two, err)
	}
}

func testClosed(t *testing.T, s store.Store) {
	put(t, s, 1, 1, []byte("value"))
	err := s.View(func(r store.Reader) error { // a view outlives Close
		if err := s.Close(); err != nil {
			return err
		}
		_, err := r.Get(1, 1)
		return err
	})
	if err != nil {
		t.Errorf("Close during a view: %v", err)
	}
	_, versionErr := s.Version()
	for name, err := range map[string]error{
		"View":    s.View(func(store.Reader) error { t.Error("View runs on a closed store"); return nil }),
		"Update":  s.Update(func(store.Writer) error { t.Error("Update runs on a closed store"); return nil }),
		"Alone":   s.Alone(func() error { t.Error("Alone runs on a closed store"); return nil }),
		"Version": versionErr,
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}
