package secret

import (
	"runtime"
	"runtime/debug"
)

// Forget takes what was wiped or dropped out of the memory of this process, as far
// as Go lets it. A collection finds what is not reachable any more; the places that
// it held are taken once more, which clears them, and whole pages go back to the
// system. It takes some tens of milliseconds.
func Forget() {
	// Each processor of the runtime keeps places and pages that no other one can take.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // what is taken below stays taken
	for range 3 {                                    // what a sync.Pool has, such as the JSON of a key, is let go of by the second
		runtime.GC()
	}
	takeFreePlaces()
	debug.FreeOSMemory()
	takeFreePages()
	debug.FreeOSMemory()
}

// takeFreePages allocates more pages than a processor of the runtime keeps for itself:
// those do not go back to the system.
func takeFreePages() {
	const page, kept = 8 << 10, 64
	for range 2 * kept {
		runtime.KeepAlive(bytesOf(page))
	}
}

// takeFreePlaces allocates until there is no free place left in the pages of the
// heap, for each size that it has places of, with pointers and without: what is
// allocated is cleared.
func takeFreePlaces() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for _, class := range m.BySize[1:] {
		size := int(class.Size)
		takeUntilItGrows(size, func() { runtime.KeepAlive(bytesOf(size)) })
		takeUntilItGrows(size, func() { runtime.KeepAlive(pointersOf(size)) })
	}
}

// takeUntilItGrows allocates until what is allocated is all in new pages.
func takeUntilItGrows(size int, allocate func()) {
	const some = 64 << 10
	for before := inUse(); ; {
		for taken := 0; taken < some; taken += size {
			allocate()
		}
		after := inUse()
		if after >= before+some*3/4 {
			return
		}
		before = after
	}
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// These two are not inlined, so that small values are not on the stack.
//
//go:noinline
func bytesOf(size int) []byte { return make([]byte, size) }

//go:noinline
func pointersOf(size int) []*byte { return make([]*byte, size/8) }

// stack makes the stack as long as a command uses it, and clears that much of it on
// demand: what is left behind when a stack grows cannot be cleared.
//
//go:noinline
func stack(wipe bool) {
	if wipe {
		var used [64 << 10]byte // is zero
		runtime.KeepAlive(&used)
	}
}
