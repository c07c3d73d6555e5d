package safefile

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Reread reads a file that was just written from its medium, if the system can
// be made to forget what it has in memory.
func Reread(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) // advice, which file systems may ignore
	return io.ReadAll(f)
}
