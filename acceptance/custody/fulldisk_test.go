//go:build linux

package custody

import (
	"strings"
	"testing"

	"conclave/hsm"
	"conclave/internal/pcscdtest"
	"conclave/internal/smalldisk"
	"conclave/wire"
)

// TestFullDisk: a served device whose disk is full says so, keeps what it has,
// and goes on when there is room.
func TestFullDisk(t *testing.T) {
	pcscdtest.Start(t) // for the mount namespace
	disk := smalldisk.Mount(t, 1<<20)
	v := newVictim(t, disk)
	v.keep()
	h, kill := v.serve()
	defer kill()
	v.must(h.Login(wire.UserPIN, v.pin))
	free := smalldisk.Fill(t, disk, 0)
	made := v.generateUntilFull(h)
	free()
	if keys := v.checkKeys(h); len(keys) != made {
		t.Errorf("%d keys were made, %d are there", made, len(keys))
	}
	_, _, err := h.GenerateKey(hsm.NewKey{Key: p256(t)})
	v.must(err)
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
