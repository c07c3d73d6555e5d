package secret

import "golang.org/x/sys/unix"

// Harden keeps the memory of this process to itself, as far as the system lets it:
// no other process of this user may read it, no core is written, and where the
// limits allow it (RLIMIT_MEMLOCK, which only root's is without a bound) none of it
// is swapped out. A process that cannot have that works on all the same.
func Harden() {
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil && limit.Cur == unix.RLIM_INFINITY {
		unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
	}
}
