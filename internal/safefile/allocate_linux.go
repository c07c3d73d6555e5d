package safefile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// allocate sees to it that a file can grow by so many bytes, without changing its
// size. The error is errors.ErrUnsupported on a file system that cannot keep room for
// a file.
func allocate(f *os.File, bytes int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, info.Size(), bytes)
		if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
			return errors.ErrUnsupported
		}
		if err != unix.EINTR {
			return err
		}
	}
}
