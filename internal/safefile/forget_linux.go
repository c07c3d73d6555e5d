package safefile

import (
	"os"

	"golang.org/x/sys/unix"
)

// forget tells the system to drop what it has of a file in memory.
func forget(f *os.File) {
	unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) // a wish, which file systems may not know
}
