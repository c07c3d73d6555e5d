package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"conclave/card/store"
	"conclave/internal/faultdisk"
	"conclave/internal/testrun"
)

// The orders of a child: to count up, to stay in an Alone, and to replace a mark and
// scrub it off the disk.
const (
	up    = "up"
	hold  = "hold"
	scrub = "scrub"
)

// mark is what the scrubbed value consists of.
const mark = "mark-of-the-replaced"

func TestMain(m *testing.M) { testrun.Main(m, child) }

// files makes a store in a directory, counts up in it, and removes it.
func files() faultdisk.Orders {
	const create, remove = "create", "remove"
	in := func(dir string) string { return filepath.Join(dir, "device") }
	return faultdisk.Orders{
		All: []string{create, up, remove, create, up},
		Do: func(dir, order string) error {
			if order == remove {
				return Remove(in(dir))
			}
			open := map[string]func(string) (*Store, error){create: Create, up: Open}[order]
			s, err := open(in(dir))
			if err == nil && order == up {
				_, err = countUp(s)
			}
			if err == nil {
				err = s.Close()
			}
			return err
		},
		Look: func(dir string) (string, error) {
			s, err := Open(in(dir))
			if errors.Is(err, fs.ErrNotExist) {
				return "none", wantNoLog(in(dir))
			}
			if err != nil {
				return "", err
			}
			defer s.Close()
			n, err := count(s)
			return fmt.Sprint(n), err
		},
	}
}

// child prints each number that it has counted up to, once Update has returned.
func child(path string, orders iter.Seq[string]) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return files().Child(path, orders)
	}
	s, err := Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	for order := range orders {
		if order == hold {
			return s.Alone(func() error {
				fmt.Println(hold)
				for range orders { // none comes
				}
				return nil
			})
		}
		if order == scrub {
			if err := replaceAndScrub(s); err != nil {
				return err
			}
			fmt.Println(scrub)
			continue
		}
		n, err := countUp(s)
		if err != nil {
			return err
		}
		fmt.Println(n) // unbuffered: one write a line
	}
	return nil
}

// wantNoLog is an error for a log without its store, which would be in the way of the
// next one.
func wantNoLog(path string) error {
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has no store (%v)", path+"-wal", err)
	}
	return nil
}

func replaceAndScrub(s *Store) error {
	for _, value := range []string{strings.Repeat(mark, 500), "short"} {
		if err := s.Update(func(w store.Writer) error { return w.Put(7, 1, []byte(value)) }); err != nil {
			return err
		}
	}
	return s.Scrub()
}

func orderUp(p *testrun.Child, times int) {
	for range times {
		p.Order(up)
	}
}

func mustEnd(t *testing.T, p *testrun.Child) {
	t.Helper()
	if err := p.End(); err != nil {
		t.Fatalf("the child: %v", err)
	}
}

// TestAloneEndsWithItsProcess, which others wait for.
func TestAloneEndsWithItsProcess(t *testing.T) {
	s := newStore(t)
	p := testrun.Start(t, s.path)
	p.Order(hold)
	if _, ok := p.Answer(); !ok {
		t.Fatal("the child is not in its Alone")
	}
	var killed atomic.Bool
	entered := make(chan error)
	go func() {
		entered <- s.Alone(func() error {
			if !killed.Load() {
				t.Error("two are in an Alone at once")
			}
			return nil
		})
	}()
	mustCountUp(t, s) // what needs no Alone does not wait
	killed.Store(true)
	p.Kill()
	if err := <-entered; err != nil {
		t.Error(err)
	}
}

func TestTwoHandlesCount(t *testing.T) {
	const each = 50
	one := newStore(t)
	two := open(t, one.path)
	var group sync.WaitGroup
	for _, s := range []*Store{one, two} {
		group.Go(func() {
			for range each {
				if _, err := countUp(s); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	wantCount(t, one, 2*each)
	wantCount(t, two, 2*each)
}

func TestTwoProcessesCount(t *testing.T) {
	const each = 100
	s := newStore(t)
	one, two := testrun.Start(t, s.path), testrun.Start(t, s.path)
	for _, p := range []*testrun.Child{one, two} { // both run before either is set going
		orderUp(p, 1)
		p.Answer()
	}
	orderUp(one, each-1)
	orderUp(two, each-1)
	mustEnd(t, one)
	mustEnd(t, two)
	wantCount(t, s, 2*each)
}

func TestVersionTellsOfOthers(t *testing.T) {
	s := newStore(t)
	before := version(t, s)
	other := open(t, s.path)
	mustCountUp(t, other)
	second := version(t, s)
	if second == before {
		t.Errorf("version %d stays when another handle has committed", before)
	}
	if v := version(t, s); v != second {
		t.Errorf("the version goes from %d to %d with no commit", second, v)
	}
	p := testrun.Start(t, s.path)
	for n := 2; n < 20; n++ {
		last := version(t, s)
		orderUp(p, 1)
		p.Answer()
		if version(t, s) == last {
			t.Fatalf("version %d stays when another process has committed", last)
		}
		wantCount(t, s, n)
	}
	mustEnd(t, p)
	last := version(t, s)
	if _, err := count(other); err != nil {
		t.Fatal(err)
	}
	if v := version(t, s); v != last {
		t.Errorf("the version goes from %d to %d when others only read", last, v)
	}
}

func version(t *testing.T, s *Store) uint64 {
	t.Helper()
	v, err := s.Version()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestKilledProcess kills a process at random moments of its updates: the file
// must hold the last number that it acknowledged, or the one after.
func TestKilledProcess(t *testing.T) {
	const rounds = 30
	t.Run("alone", func(t *testing.T) {
		path := closed(t, newStore(t))
		for last := range killings(t, path, rounds) {
			s := open(t, path) // recovers
			wantOneOf(t, s, last)
			closed(t, s)
		}
	})
	t.Run("beside another", func(t *testing.T) {
		s := newStore(t)
		for last := range killings(t, s.path, rounds) {
			n := wantOneOf(t, s, last)
			mustCountUp(t, s) // nothing that the dead process held is in the way
			wantCount(t, s, n+1)
		}
	})
}

// killings yields, for each process killed, the last number it acknowledged.
func killings(t *testing.T, path string, rounds int) func(yield func(last int) bool) {
	random := testrun.Random(t)
	return func(yield func(int) bool) {
		for range rounds {
			p := testrun.Start(t, path)
			orderUp(p, 1000)
			answers := p.Strike(random)
			last, err := strconv.Atoi(answers[len(answers)-1])
			if err != nil {
				t.Fatal(err)
			}
			if !yield(last) {
				return
			}
		}
	}
}

func wantOneOf(t *testing.T, s *Store, last int) int {
	t.Helper()
	n, err := count(s)
	if err != nil || n != last && n != last+1 {
		t.Fatalf("after %d was acknowledged the file holds %d (%v)", last, n, err)
	}
	return n
}
