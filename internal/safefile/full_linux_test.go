package safefile_test

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"conclave/internal/safefile"
	"conclave/internal/smalldisk"
)

// TestPlaceOnAFullDisk: there is no place without room for the file, and with a
// place there is room, whatever others write.
func TestPlaceOnAFullDisk(t *testing.T) {
	disk := smalldisk.Mount(t, 1<<20)
	path := filepath.Join(disk, "record")
	content := make([]byte, 5*smalldisk.Page)
	for pages := range 10 {
		free := smalldisk.Fill(t, disk, pages)
		p, err := safefile.Reserve(path, int64(len(content)))
		if pages < 5 && err == nil || err != nil && !errors.Is(err, syscall.ENOSPC) || pages > 7 && err != nil {
			t.Errorf("%d pages of room: %v", pages, err)
		}
		free()
		if err != nil {
			if names := left(t, disk); len(names) > 0 {
				t.Errorf("without a place there is %v", names)
			}
			continue
		}
		free = smalldisk.Fill(t, disk, 0)
		if err := p.Finish(content); err != nil {
			t.Errorf("%d pages of room, and a place: %v", pages, err)
		}
		free()
		if err := syscall.Unlink(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWidenedPlaceOnAFullDisk: a place for more than was thought has room for it, or
// there is none.
func TestWidenedPlaceOnAFullDisk(t *testing.T) {
	disk := smalldisk.Mount(t, 1<<20)
	path := filepath.Join(disk, "record")
	content := make([]byte, 5*smalldisk.Page)
	p, err := safefile.Reserve(path, smalldisk.Page)
	if err != nil {
		t.Fatal(err)
	}
	free := smalldisk.Fill(t, disk, 2)
	if err := p.Widen(int64(len(content))); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("without room: %v", err)
	}
	free()
	if err := p.Widen(int64(len(content))); err != nil {
		t.Errorf("with room: %v", err)
	}
	free = smalldisk.Fill(t, disk, 0)
	if err := p.Finish(content); err != nil {
		t.Errorf("in the place: %v", err)
	}
	free()
}
