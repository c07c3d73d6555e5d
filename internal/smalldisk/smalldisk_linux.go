package smalldisk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Page is what a file on the disk grows by, in bytes.
const Page = 4096

// Mount mounts a file system of so many bytes, which only root may: elsewhere
// the test is skipped, loudly, and fails if the environment variable CI is set.
func Mount(tb testing.TB, bytes int) (dir string) {
	tb.Helper()
	dir = tb.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatalf("no small disk: %v", err)
		}
		tb.Skipf("NOT TESTED: no small disk: %v", err)
	}
	tb.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) }) // even if a failed test left it in use
	return dir
}

// Fill leaves so many pages of room on a disk, and returns what frees the rest.
func Fill(tb testing.TB, dir string, pages int) (free func()) {
	tb.Helper()
	path := filepath.Join(dir, "filling")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	written := int64(0)
	for err == nil {
		var n int
		n, err = f.Write(make([]byte, Page))
		written += int64(n)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		tb.Fatal(err)
	}
	if err := f.Truncate(written - int64(pages)*Page); err != nil {
		tb.Fatal(err)
	}
	return func() { os.Remove(path) }
}
