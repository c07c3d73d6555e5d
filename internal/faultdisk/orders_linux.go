package faultdisk

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/testrun"
)

// Run loses the power at each step of the orders, and lets each call of the system
// fail: there is what was there before an order, or what is there after it, nothing
// else is left behind, and with the disk in order the order can be carried out.
func (o Orders) Run(t *testing.T) {
	states, before := o.play(t)
	t.Run("power lost", func(t *testing.T) { o.losePower(t, states) })
	t.Run("calls fail", func(t *testing.T) { o.fail(t, states, before) })
}

// play carries out all orders here. It gives the states, and what was there before
// each order.
func (o Orders) play(t *testing.T) (states []string, before []Image) {
	t.Helper()
	dir := t.TempDir()
	look := func() {
		state, err := o.Look(dir)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, state)
	}
	look()
	for _, order := range o.All {
		before = append(before, NewDisk(t, dir).Image(0))
		if err := o.Do(dir, order); err != nil {
			t.Fatalf("%s: %v", order, err)
		}
		look()
	}
	return states, before
}

func (o Orders) losePower(t *testing.T, states []string) {
	dir := t.TempDir()
	h := History{Disk: NewDisk(t, dir)}
	h.Grow()
	p := Trace(t, dir)
	for _, order := range o.All {
		p.Order(order)
	}
	p.mustEnd(t)
	h.Reached(states[0])
	answers := 0
	h.Replay(t, p.Calls(), func(line string) {
		if answers++; line != done {
			t.Fatalf("%s: %s", o.All[answers-1], line)
		}
		h.Reached(states[answers])
	})
	if answers != len(o.All) {
		t.Fatalf("%d of %d orders were answered", answers, len(o.All))
	}
	UnderSQLite(t) // what looks need not sync
	h.Check(t, testrun.Random(t), o.Look, nil)
}

func (p *Traced) mustEnd(t *testing.T) {
	t.Helper()
	if err := p.End(); err != nil {
		t.Fatalf("the child: %v", err)
	}
}

func (o Orders) fail(t *testing.T, states []string, before []Image) {
	random := testrun.Random(t)
	points, refused := 0, 0
	for i, order := range o.All {
		var calls []TracedCall
		before[i].InDirectory(t, func(dir string) {
			p := Trace(t, dir)
			p.Order(order)
			p.mustEnd(t)
			for _, c := range p.Calls() {
				if c.touches(dir) {
					calls = append(calls, c)
				}
			}
		})
		for _, c := range some(random, calls) {
			before[i].InDirectory(t, func(dir string) {
				points++
				if !o.failOne(t, dir, order, c, states[i], states[i+1]) {
					refused++
				}
			})
		}
	}
	t.Logf("%d calls failed, %d orders were refused", points, refused)
	if refused == 0 && !testing.Short() { // a short sample can have but calls that may fail
		t.Error("that are too few: this test lets nothing fail")
	}
}

// some are a sample, or all for Thorough.
func some(random *rand.Rand, calls []TracedCall) (some []TracedCall) {
	for _, c := range calls {
		if random.IntN(sample()) == 0 {
			some = append(some, c)
		}
	}
	return some
}

// errorOf is how a call fails: what makes something needs room.
func errorOf(call string) string {
	switch call {
	case "fsync", "fdatasync", "unlink", "unlinkat", "truncate", "ftruncate":
		return "EIO"
	}
	return "ENOSPC"
}

// failOne carries out an order in which a call fails.
func (o Orders) failOne(t *testing.T, dir, order string, c TracedCall, before, after string) (ok bool) {
	t.Helper()
	what := fmt.Sprintf("%s, %s %d fails", order, c.Name, c.Nth)
	p := Trace(t, dir, fmt.Sprintf("%s:error=%s:when=%d", c.Name, errorOf(c.Name), c.Nth))
	p.Order(order)
	answer, _ := p.Answer()
	p.mustEnd(t)
	state, err := o.Look(dir)
	if err != nil || state != after && (state != before || answer == done) {
		t.Fatalf("%s: %s; the state is %s, %v", what, answer, state, err)
	}
	if !strings.HasPrefix(c.Name, "unlink") {
		wantNoTemporary(t, what, dir)
	}
	if state == before {
		if err := o.Do(dir, order); err != nil {
			t.Fatalf("%s: %s; with the disk in order: %v", what, answer, err)
		}
	}
	if state, err = o.Look(dir); err != nil || state != after {
		t.Fatalf("%s: with the disk in order the state is %s, %v", what, state, err)
	}
	return answer == done
}

// wantNoTemporary wants no file that has no name of its own.
func wantNoTemporary(t *testing.T, what, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(entry.Name(), ".") {
			t.Errorf("%s: %s is left", what, file)
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
