package faultdisk

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"testing"
)

// History is what a disk remembers, with the states that something on it was
// promised to be in.
type History struct {
	*Disk
	reached []moment
}

// moment is when a state was promised to be durable.
type moment struct {
	done  int
	state string
}

// Reached says that a state is durable from now on. The next one that is told may be
// reached before that.
func (h *History) Reached(state string) {
	h.reached = append(h.reached, moment{h.Done(), state})
}

// at is the last state that was promised when so much was done.
func (h *History) at(done int) int {
	return sort.Search(len(h.reached), func(i int) bool { return h.reached[i].done > done }) - 1
}

// Check loses the power at each point of a history, in several ways (see
// Disk.Cuts), and wants each time the state that was promised last or the one that
// comes next. Look reads the state of what was left in a directory. Judge, if there
// is one, looks closer at a state, once for each promise in force: promised is the
// index of that.
func (h *History) Check(tb testing.TB, random *rand.Rand,
	look func(dir string) (state string, err error), judge func(dir string, promised int)) {
	tb.Helper()
	seen := map[uint64]string{}
	judged := map[string]bool{}
	seed := maphash.MakeSeed()
	first, cuts := h.reached[0].done, 0
	for cut := range h.Cuts(random) {
		if cut.After < first {
			continue
		}
		cuts++
		sum := cut.Image.sum(seed)
		state, known := seen[sum]
		if !known {
			var err error
			cut.Image.InDirectory(tb, func(dir string) { state, err = look(dir) })
			if err != nil {
				tb.Fatalf("after step %d of %d, %s: %v", cut.After, h.Done(), h.last(cut.After), err)
			}
			seen[sum] = state
		}
		i := h.at(cut.After)
		if state != h.reached[i].state && (i+1 == len(h.reached) || state != h.reached[i+1].state) {
			tb.Fatalf("after step %d of %d, %s: state %d was promised; %s is left, which is state %d",
				cut.After, h.Done(), h.last(cut.After), i, state, h.index(state))
		}
		if key := fmt.Sprint(i, state); judge != nil && !judged[key] {
			judged[key] = true
			cut.Image.InDirectory(tb, func(dir string) { judge(dir, i) })
		}
	}
	tb.Logf("%d losses of power, which left %d different images", cuts, len(seen))
	if cuts < h.Done()/10 {
		tb.Errorf("these are too few for %d steps", h.Done())
	}
}

// last is what was done last before a cut.
func (h *History) last(done int) string {
	if done == 0 {
		return "nothing"
	}
	return h.changes[done-1].String()
}

// index is that of a state, -1 for one that there never was.
func (h *History) index(state string) int {
	for i := len(h.reached) - 1; i >= 0; i-- {
		if h.reached[i].state == state {
			return i
		}
	}
	return -1
}

func (m Image) sum(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, name := range sorted(m) {
		fmt.Fprintf(&h, "%q%d:", name, len(m[name]))
		h.Write(m[name])
	}
	return h.Sum64()
}

// InDirectory calls fn with a directory that holds the files, for as long as it takes.
func (m Image) InDirectory(tb testing.TB, fn func(dir string)) {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "left")
	m.write(tb, dir)
	fn(dir)
	if err := os.RemoveAll(dir); err != nil {
		tb.Fatal(err)
	}
}
