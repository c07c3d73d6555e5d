package register

import (
	"path/filepath"
	"testing"

	"conclave/internal/smalldisk"
	"conclave/internal/sqlitefile/filetest"
)

// TestFullDisk: what finds no room is not there, and can be done again.
func TestFullDisk(t *testing.T) {
	disk := smalldisk.Mount(t, 1<<20)
	r, err := Create(filepath.Join(disk, "register"))
	must(t, err)
	t.Cleanup(func() { r.Close() })
	for pages := range 4 {
		serial := int64(pages)
		free := smalldisk.Fill(t, disk, pages)
		got, err := beginNumber(r, serial)
		free()
		if !got {
			wantError(t, r, err, "the disk or the quota is full")
			if got, err = beginNumber(r, serial); !got || err != nil {
				t.Fatalf("%d pages: with room again: %v, %v", pages, got, err)
			}
		} else if pages == 0 {
			t.Error("the disk was not full")
		}
	}
	export(t, r)
	closed(t, r)
	open(t, r.path)
	filetest.WantNames(t, disk, "register")
}
