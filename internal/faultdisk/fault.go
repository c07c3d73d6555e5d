package faultdisk

import (
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
)

// Call is what is asked of the system.
type Call string

// The calls.
const (
	Open     Call = "open"
	Read     Call = "read"
	Write    Call = "write"
	Truncate Call = "truncate"
	Sync     Call = "sync"
	Remove   Call = "remove"
)

// Fault is a call that fails.
type Fault struct {
	Call Call
	At   int           // which, from 1
	On   bool          // and all that come after it
	As   syscall.Errno // how; 0 for a read or a write that does half of what it could
}

// String says which call fails, and how.
func (f Fault) String() string {
	text := fmt.Sprintf("%s %d", f.Call, f.At)
	if f.On {
		text += " and all that follow"
	}
	if f.As == 0 {
		return text + ": half"
	}
	return text + ": " + f.As.Error()
}

// Faults are ways in which each of so many calls may fail: some of them, as many
// with each seed, or all for Thorough.
func Faults(random *rand.Rand, counts map[Call]int) (some []Fault) {
	one := sample()
	skipped := random.IntN(one)
	for _, way := range []Fault{
		{Call: Open, As: syscall.EMFILE},
		{Call: Read}, {Call: Read, As: syscall.EIO}, {Call: Read, On: true, As: syscall.EIO},
		{Call: Write}, {Call: Write, As: syscall.EIO}, {Call: Write, As: syscall.ENOSPC}, {Call: Write, On: true, As: syscall.ENOSPC},
		{Call: Truncate, As: syscall.EIO},
		{Call: Sync, As: syscall.EIO}, {Call: Sync, On: true, As: syscall.EIO},
		{Call: Remove, As: syscall.EIO},
	} {
		for way.At = 1; way.At <= counts[way.Call]; way.At++ {
			if skipped++; skipped%one == 0 {
				some = append(some, way)
			}
		}
	}
	return some
}

// ThoroughVariable asks for all faults, and for many more losses of power, which
// takes minutes.
const ThoroughVariable = "CONCLAVE_TEST_THOROUGH"

// Thorough says whether that was asked for.
func Thorough() bool { return os.Getenv(ThoroughVariable) != "" }

// strikes says whether the nth call fails.
func (f *Fault) strikes(c Call, nth int) bool {
	return f != nil && f.Call == c && (nth == f.At || f.On && nth > f.At)
}

// sample is of how many faults one is taken.
func sample() int {
	switch {
	case Thorough():
		return 1
	case testing.Short():
		return 15
	}
	return 3
}
