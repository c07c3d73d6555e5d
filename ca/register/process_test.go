package register

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"conclave/ca"
)

// childPath names the register, in the environment of a process that runs child
// instead of the tests.
const childPath = "CONCLAVE_REGISTER_TEST_CHILD"

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

// child begins a certificate for each line it reads, which is its serial
// number, and prints whether it got it.
func child(path string) error {
	r, err := Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	for orders := bufio.NewScanner(os.Stdin); orders.Scan(); {
		serial, err := strconv.ParseInt(orders.Text(), 10, 64)
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

// process is a child with its pipes.
type process struct {
	*exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Scanner
}

func start(t *testing.T, path string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0])}
	p.Env = append(os.Environ(), childPath+"="+path)
	p.Stderr = os.Stderr
	orders, err := p.StdinPipe()
	must(t, err)
	answers, err := p.StdoutPipe()
	must(t, err, p.Start())
	p.orders, p.answers = orders, bufio.NewScanner(answers)
	return p
}

func (p *process) order(t *testing.T, serial int64) {
	t.Helper()
	_, err := fmt.Fprintln(p.orders, serial)
	must(t, err)
}

func (p *process) answer(t *testing.T) (serial int64, got bool) {
	t.Helper()
	if !p.answers.Scan() {
		t.Fatalf("the child: %v", p.Wait())
	}
	if _, err := fmt.Sscan(p.answers.Text(), &serial, &got); err != nil {
		t.Fatal(err)
	}
	return serial, got
}

// TestKilledBetweenBeginAndFinish is the case that the register is for.
func TestKilledBetweenBeginAndFinish(t *testing.T) {
	path := closed(t, newRegister(t))
	for serial := range int64(10) {
		p := start(t, path)
		p.order(t, serial)
		if _, got := p.answer(t); !got {
			t.Fatalf("the child did not get number %d", serial)
		}
		must(t, p.Process.Kill())
		p.Wait()
		wantNames(t, filepath.Dir(path), "register")

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
	next := int64(0)
	for range 10 {
		p := start(t, path)
		for i := range int64(50) {
			p.order(t, next+i)
		}
		p.answer(t)
		must(t, p.Process.Kill())
		next++
		for p.answers.Scan() {
			next++
		}
		p.Wait()
		r := open(t, path)
		entries, err := r.Entries(context.Background())
		must(t, err)
		if n := int64(len(entries)); n != next && n != next+1 {
			t.Fatalf("%d entries; the %d acknowledged ones and one more at most were expected", n, next)
		}
		next = int64(len(entries))
		closed(t, r)
	}
}

func TestTwoProcessesGetNoNumberTwice(t *testing.T) {
	const each = 60
	r := newRegister(t)
	children := []*process{start(t, r.path), start(t, r.path)}
	for _, p := range children { // both have the file open before either is set going
		p.order(t, -1+each)
	}
	given := map[int64]int{}
	count := func(serial int64, got bool) {
		if got {
			given[serial]++
		}
	}
	for _, p := range children {
		count(p.answer(t))
	}
	for serial := range int64(each - 1) {
		for _, p := range children {
			p.order(t, serial)
		}
	}
	for serial := range int64(each - 1) {
		got, err := beginNumber(r, serial)
		must(t, err)
		count(serial, got)
	}
	for _, p := range children {
		for range each - 1 {
			count(p.answer(t))
		}
		must(t, p.orders.Close(), p.Wait())
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
