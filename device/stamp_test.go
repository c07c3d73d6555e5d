package device_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"conclave/card"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/wire"
)

// TestStamp: it shows what was written, by whichever process, and nothing else.
func TestStamp(t *testing.T) {
	home := device.NewHome(filepath.Join(t.TempDir(), "conclave"))
	home.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	if _, err := home.Stamp("default"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no device: %v", err)
	}
	stamp := func() device.Stamp {
		t.Helper()
		s, err := home.Stamp("default")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if _, err := home.Create("default"); err != nil {
		t.Fatal(err)
	}
	made := stamp()
	conn, err := home.Open("default")
	if err != nil {
		t.Fatal(err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Status(); err != nil || !made.Unchanged(stamp()) {
		t.Errorf("a device that was read looks changed, %v", err)
	}
	if err := h.Initialize(wire.UsualInitialization(secret.Bytes("648219"), secret.Bytes("57621880"), wire.NoDKEK), ""); err != nil {
		t.Fatal(err)
	}
	written := stamp()
	if made.Unchanged(written) || !made.SameFile(written) {
		t.Error("a device that was initialised does not look changed, or looks like another")
	}
	if written.Before(time.Now().Add(-time.Hour)) || !written.Before(time.Now().Add(time.Hour)) {
		t.Error("it was not written just now")
	}
	h.Close()
	if err := home.Delete("default"); err != nil {
		t.Fatal(err)
	}
	if _, err := home.Create("default"); err != nil {
		t.Fatal(err)
	}
	if written.SameFile(stamp()) && written.Unchanged(stamp()) {
		t.Error("another device of that name looks like the same")
	}
}
