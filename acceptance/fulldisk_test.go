package acceptance

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"conclave/hsm"
	"conclave/internal/pcscdtest"
	"conclave/wire"
)

// TestFullDisk: a served device whose disk is full says so, keeps what it has,
// and goes on when there is room.
func TestFullDisk(t *testing.T) {
	pcscdtest.Start(t) // for the mount namespace
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(disk, unix.MNT_DETACH)
	v := newVictim(t, disk)
	v.keep()
	h, kill := v.served()
	defer kill()
	v.must(h.Login(wire.UserPIN, v.pin))
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	made := v.generateUntilFull(h)
	v.must(os.Remove(filler))
	if keys := v.checkKeys(h); len(keys) != made {
		t.Errorf("%d keys were made, %d are there", made, len(keys))
	}
	_, _, err := h.GenerateKey(hsm.NewKey{Key: p256(t)})
	v.must(err)
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}

// generateUntilFull makes keys until one is refused, and gives how many there
// are then.
func (v *victim) generateUntilFull(h *hsm.HSM) (made int) {
	v.t.Helper()
	for range 200 {
		keys, err := h.Keys()
		v.must(err)
		if _, _, err := h.GenerateKey(hsm.NewKey{Key: p256(v.t)}); err == nil {
			continue
		} else if !strings.Contains(err.Error(), "its disk may be full") {
			v.t.Fatalf("on a full disk: %v", err)
		}
		return len(keys)
	}
	v.t.Fatal("200 keys on a full disk")
	return 0
}
