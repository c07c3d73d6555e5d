package sqlite

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// mapWALIndex maps the header of the WAL index, for reading. It maps the descriptor
// that SQLite has, for if this process opened the file and closed it again, the locks
// that SQLite holds on it would be gone. It is nil where that descriptor is not found:
// without /proc, say.
func mapWALIndex(path string) walIndex {
	const descriptors = "/proc/self/fd"
	open, err := os.ReadDir(descriptors)
	if err != nil {
		return nil
	}
	for _, entry := range open {
		file, err := os.Readlink(filepath.Join(descriptors, entry.Name()))
		if err != nil || file != path+"-shm" {
			continue
		}
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			return nil
		}
		header, err := unix.Mmap(fd, 0, walIndexHeader, unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return nil
		}
		return header
	}
	return nil
}

func (w walIndex) unmap() error {
	if w == nil {
		return nil
	}
	return unix.Munmap(w)
}
