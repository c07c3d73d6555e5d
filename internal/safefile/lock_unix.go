//go:build linux || darwin || freebsd

package safefile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock takes the lock of an open file, which the system drops with the last
// process that has it open.
func lock(f *os.File, wait bool) error {
	how := unix.LOCK_EX
	if !wait {
		how |= unix.LOCK_NB
	}
	for {
		err := unix.Flock(int(f.Fd()), how)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return ErrHeld
		}
		if err != unix.EINTR {
			return err
		}
	}
}
