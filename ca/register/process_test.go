package register

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"conclave/ca"
	"conclave/internal/sqlitefile/filetest"
	"conclave/internal/testrun"
)

func TestMain(m *testing.M) { testrun.Main(m, child) }

// child begins a certificate for each order, which is its serial number, and
// prints whether it got it.
func child(path string, orders iter.Seq[string]) error {
	r, err := Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	for order := range orders {
		serial, err := strconv.ParseInt(order, 10, 64)
		if err != nil {
			return err
		}
		got, err := beginNumber(r, serial)
		if err != nil {
			return err
		}
		fmt.Println(serial, got) // unbuffered: one write a line
	}
	return nil
}

// rootName is CN=Root.
const rootName = "0\x0f1\r0\x0b\x06\x03U\x04\x03\x13\x04Root"

func beginNumber(r *Register, serial int64) (got bool, err error) {
	err = r.Begin(context.Background(), ca.Intent{Kind: ca.KindCertificate, Issuer: []byte(rootName), Number: big.NewInt(serial), Subject: "CN=leaf", Time: day})
	if errors.Is(err, ca.ErrNumberUsed) {
		return false, nil
	}
	return err == nil, err
}

func answer(t *testing.T, p *testrun.Child) (serial int64, got bool) {
	t.Helper()
	text, ok := p.Answer()
	if !ok {
		t.Fatalf("the child: %v", p.End())
	}
	if _, err := fmt.Sscan(text, &serial, &got); err != nil {
		t.Fatal(err)
	}
	return serial, got
}

// TestKilledBetweenBeginAndFinish is the case that the register is for.
func TestKilledBetweenBeginAndFinish(t *testing.T) {
	path := closed(t, newRegister(t))
	for serial := range int64(10) {
		p := testrun.Start(t, path)
		p.Order(serial)
		if _, got := answer(t, p); !got {
			t.Fatalf("the child did not get number %d", serial)
		}
		p.Kill()
		filetest.WantNames(t, filepath.Dir(path), "register")

		r := open(t, path)
		left, err := r.Unfinished(context.Background())
		if err != nil || len(left) != int(serial)+1 || left[serial].Number.Int64() != serial {
			t.Fatalf("unfinished: %v, %v; the intent with number %d was expected", left, err, serial)
		}
		if got, err := beginNumber(r, serial); got || err != nil {
			t.Errorf("number %d was given a second time, %v", serial, err)
		}
		closed(t, r)
	}
}

// TestKilledAnywhere kills a process that is writing: what it had acknowledged
// must be there.
func TestKilledAnywhere(t *testing.T) {
	path := closed(t, newRegister(t))
	random := testrun.Random(t)
	next := int64(0)
	for range 10 {
		p := testrun.Start(t, path)
		for i := range int64(50) {
			p.Order(next + i)
		}
		next += int64(len(p.Strike(random)))
		r := open(t, path)
		entries, err := r.Entries(context.Background())
		must(t, err)
		if n := int64(len(entries)); n != next && n != next+1 {
			t.Fatalf("%d entries; the %d acknowledged ones and at most one more were expected", n, next)
		}
		next = int64(len(entries))
		closed(t, r)
	}
}

func TestTwoProcessesGetNoNumberTwice(t *testing.T) {
	const each = 60
	r := newRegister(t)
	children := []*testrun.Child{testrun.Start(t, r.path), testrun.Start(t, r.path)}
	for _, p := range children { // both have the file open before either is set going
		p.Order(each - 1)
	}
	given := map[int64]int{}
	count := func(serial int64, got bool) {
		if got {
			given[serial]++
		}
	}
	for _, p := range children {
		count(answer(t, p))
	}
	for serial := range int64(each - 1) {
		for _, p := range children {
			p.Order(serial)
		}
	}
	for serial := range int64(each - 1) {
		got, err := beginNumber(r, serial)
		must(t, err)
		count(serial, got)
	}
	for _, p := range children {
		for range each - 1 {
			count(answer(t, p))
		}
		must(t, p.End())
	}
	wantOnce(t, given, each)
}

func wantOnce(t *testing.T, given map[int64]int, each int64) {
	t.Helper()
	for serial := range each {
		if given[serial] != 1 {
			t.Errorf("number %d was given %d times", serial, given[serial])
		}
	}
}

func TestHandlesAndGoroutinesGetNoNumberTwice(t *testing.T) {
	const each = 25
	one := newRegister(t)
	two := open(t, one.path)
	var mu sync.Mutex
	given := map[int64]int{}
	var group sync.WaitGroup
	for _, r := range []*Register{one, two, one, two} {
		group.Go(func() {
			for serial := range int64(each) {
				got, err := beginNumber(r, serial)
				if err != nil {
					t.Error(err)
				}
				if got {
					mu.Lock()
					given[serial]++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	wantOnce(t, given, each)
}
