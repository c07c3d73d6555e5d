package secret

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestForget drops secrets of many sizes and looks for them in the memory of this
// process. Not all are gone, which SECURITY.md says.
func TestForget(t *testing.T) {
	var kept [][]byte
	Do(func() { kept = scatter() })
	before := remaining(t)
	Forget()
	if after := remaining(t); before == 0 || after > before/10 {
		t.Errorf("of %d pages with secrets %d still have some", before, after)
	}
	if len(kept) == 0 {
		t.Error("nothing was kept")
	}
}

// mark is what secrets here consist of, made when it is needed, so that it is in no
// constant.
func mark() []byte {
	m := []byte("nwhlhu6bqhl")
	for i := range m {
		m[i] ^= 0x15
	}
	return m
}

// scatter makes secrets of all sizes, among values that stay.
func scatter() (kept [][]byte) {
	for size := 16; size < 20000; size += 1 + size/7 {
		for i := range 90 {
			piece := bytes.Repeat(mark(), 1+size/11)[:size]
			if i%3 == 0 {
				clear(piece)
				kept = append(kept, piece)
			}
		}
	}
	return kept
}

// remaining counts pages with secrets in what is mapped for writing.
func remaining(t *testing.T) (n int) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	page := make([]byte, 4096)
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasPrefix(mode, "rw") {
			continue
		}
		for at := from; at < to; at += int64(len(page)) {
			if _, err := memory.ReadAt(page, at); err == nil && bytes.Contains(page, mark()) {
				n++
			}
			clear(page)
		}
	}
	return n
}
