package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of one megabyte, which only root may.
func smallDisk(t *testing.T) (directory string) {
	directory = t.TempDir()
	if err := syscall.Mount("tmpfs", directory, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no small disk: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(directory, syscall.MNT_DETACH) }) // also where a failed test left it in use
	return directory
}

// fillUp leaves no room on a disk, and returns what frees it again.
func fillUp(t *testing.T, directory string) (free func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(directory, "filling"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 1024))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	f.Close()
	return func() { os.Remove(f.Name()) }
}

func TestFullDisk(t *testing.T) {
	disk := smallDisk(t)
	s := newStoreAt(t, filepath.Join(disk, "device"))
	mustCountUp(t, s)
	before := version(t, s)

	free := fillUp(t, disk)
	for range 3 {
		_, err := countUp(s)
		wantFull(t, err, s.path)
	}
	if v := version(t, s); v != before {
		t.Errorf("a refused update took the version from %d to %d", before, v)
	}
	wantCount(t, s, 1)
	_, err := Create(filepath.Join(disk, "second"))
	wantFull(t, err, "second")
	free()
	mustCountUp(t, s)
	wantCount(t, s, 2)

	closed(t, s)
	free = fillUp(t, disk)
	_, err = Open(s.path)
	wantFull(t, err, s.path)
	free()
	wantCount(t, open(t, s.path), 2)
	wantNames(t, disk, "device", "device-shm", "device-wal")
}
