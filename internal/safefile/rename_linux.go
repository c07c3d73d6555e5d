package safefile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// rename gives a file a name that is free. The error is errors.ErrUnsupported on a
// file system that cannot tell.
func rename(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return errors.ErrUnsupported
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
