package sqlite

import (
	"errors"
	"path/filepath"
	"testing"

	"conclave/card/store"
	"conclave/internal/smalldisk"
	"conclave/internal/sqlitefile/filetest"
)

func TestFullDisk(t *testing.T) {
	disk := smalldisk.Mount(t, 1<<20)
	s := newStoreAt(t, filepath.Join(disk, "device"))
	mustCountUp(t, s)
	before := version(t, s)

	free := smalldisk.Fill(t, disk, 0)
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
	if err := s.Alone(func() error { t.Error("it ran without room"); return nil }); !errors.Is(err, store.ErrFull) {
		t.Errorf("Alone on a full disk: %v", err)
	}
	free()
	mustCountUp(t, s)
	wantCount(t, s, 2)

	closed(t, s)
	free = smalldisk.Fill(t, disk, 0)
	_, err = Open(s.path)
	wantFull(t, err, s.path)
	free()
	wantCount(t, open(t, s.path), 2)
	filetest.WantNames(t, disk, "device", "device-lock", "device-shm", "device-wal")
}
