package faultdisk

import "syscall"

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
	At   int           // which, from 1; 0 for none
	On   bool          // and all that come after it
	As   syscall.Errno // how; 0 for a read or a write that does half of what it could
	Seen int           // how many calls there were
}

// strikes says whether this call fails.
func (f *Fault) strikes(c Call) bool {
	if f == nil || f.Call != c {
		return false
	}
	f.Seen++
	return f.Seen == f.At || f.On && f.At > 0 && f.Seen > f.At
}
