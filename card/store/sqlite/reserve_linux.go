package sqlite

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve sees to it that the log at path can grow by so many bytes, without
// changing its size: SQLite reads what is there. A file system that cannot keep
// room for a file is not an error.
func reserve(path string, bytes int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() // SQLite has no locks on the log
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, info.Size(), bytes)
		if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
			return nil
		}
		if err != unix.EINTR {
			return err
		}
	}
}
