package sqlite

import (
	"bufio"
	"conclave/internal/testrun"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// childPath names the store, in the environment of a process that runs child
// instead of the tests.
const childPath = "CONCLAVE_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child counts up, once for each byte that it reads, and prints each number
// once Update has returned. While it handles the byte hold it is in an Alone,
// which it does not leave.
func child(path string) error {
	s, err := Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	orders := bufio.NewReader(os.Stdin)
	for {
		order, err := orders.ReadByte()
		if err == io.EOF {
			return nil
		}
		if order == hold {
			return s.Alone(func() error { fmt.Println(0); select {} })
		}
		n, err := countUp(s)
		if err != nil {
			return err
		}
		fmt.Println(n) // unbuffered: one write a line
	}
}

// hold is the order to stay in an Alone.
const hold = 1

// process is a child with its pipes.
type process struct {
	*exec.Cmd
	orders io.WriteCloser
	counts *bufio.Scanner
}

func start(t *testing.T, path string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0])}
	p.Env = append(os.Environ(), childPath+"="+path)
	p.Stderr = os.Stderr
	orders, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	counts, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.orders, p.counts = orders, bufio.NewScanner(counts)
	return p
}

// order tells the child to count up n times.
func (p *process) order(t *testing.T, n int) {
	t.Helper()
	if _, err := p.orders.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
}

// acknowledged reads one number; false when the child is gone.
func (p *process) acknowledged() (n int, ok bool) {
	if !p.counts.Scan() {
		return 0, false
	}
	n, err := strconv.Atoi(p.counts.Text())
	return n, err == nil
}

// finish lets the child do what was ordered and end.
func (p *process) finish(t *testing.T) {
	t.Helper()
	p.orders.Close()
	for {
		if _, ok := p.acknowledged(); !ok {
			break
		}
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("the child: %v", err)
	}
}

// TestAloneEndsWithItsProcess, which others wait for.
func TestAloneEndsWithItsProcess(t *testing.T) {
	s := newStore(t)
	p := start(t, s.path)
	p.orders.Write([]byte{hold})
	if _, ok := p.acknowledged(); !ok {
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
	p.Process.Kill()
	if err := <-entered; err != nil {
		t.Error(err)
	}
	p.Wait()
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
	one, two := start(t, s.path), start(t, s.path)
	for _, p := range []*process{one, two} { // both run before either is set going
		p.order(t, 1)
		p.acknowledged()
	}
	for _, p := range []*process{one, two} {
		p.order(t, each-1)
	}
	one.finish(t)
	two.finish(t)
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
	p := start(t, s.path)
	for n := 2; n < 20; n++ {
		last := version(t, s)
		p.order(t, 1)
		p.acknowledged()
		if version(t, s) == last {
			t.Fatalf("version %d stays when another process has committed", last)
		}
		wantCount(t, s, n)
	}
	p.finish(t)
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
			p := start(t, path)
			p.order(t, 1000)
			last, ok := 0, true
			for range 1 + random.IntN(10) {
				if last, ok = p.acknowledged(); !ok {
					t.Fatalf("the child: %v", p.Wait())
				}
			}
			time.Sleep(time.Duration(random.IntN(1000)) * time.Microsecond) // to strike anywhere in an update, not to wait for one
			p.Process.Kill()
			for n := last; ok; n, ok = p.acknowledged() {
				last = n
			}
			p.Wait()
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
