package device_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/card"
	"conclave/card/store/sqlite"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/sqlitefile"
)

func TestDevicesOfAHome(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "conclave")
	home := device.NewHome(dir)
	if names, err := home.List(); err != nil || len(names) != 0 {
		t.Errorf("a home that does not exist lists %q, %v", names, err)
	}
	serials := map[string]bool{}
	for _, name := range []string{"root", "issuing-1"} {
		serial, err := home.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		serials[serial] = true
	}
	if len(serials) != 2 {
		t.Errorf("two devices share a serial number: %v", serials)
	}
	if _, err := home.Create("root"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("making a device twice: %v", err)
	}
	if names, err := home.List(); err != nil || !slices.Equal(names, []string{"issuing-1", "root"}) {
		t.Errorf("listed %q, %v", names, err)
	}
	if err := home.Delete("root"); err != nil {
		t.Error(err)
	}
	if _, err := home.Open("root"); err == nil {
		t.Error("a deleted device opens")
	}
	if err := home.Delete("root"); err == nil {
		t.Error("a deleted device is deleted again")
	}
	left, err := filepath.Glob(filepath.Join(dir, "devices", "root*"))
	if err != nil || len(left) != 0 {
		t.Errorf("a deleted device leaves %q, %v", left, err)
	}
}

func TestDevicesOfAHomeShareTheirIssuer(t *testing.T) {
	home := device.NewHome(t.TempDir())
	var issuers []string
	for _, name := range []string{"a", "b"} {
		if _, err := home.Create(name); err != nil {
			t.Fatal(err)
		}
		conn, err := home.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		h, err := hsm.Open(conn)
		if err != nil {
			t.Fatal(err)
		}
		identity, err := h.Device()
		if err != nil {
			t.Fatal(err)
		}
		issuers = append(issuers, identity.Chain.Certificates[1].CHR)
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	if issuers[0] != issuers[1] || issuers[0] == "" {
		t.Errorf("issuers %q", issuers)
	}
}

func TestNames(t *testing.T) {
	home := device.NewHome(t.TempDir())
	for _, name := range []string{"", ".", "..", "../x", "a/b", "-x", "pcsc:", "pcsc:Reader", "a b", string(make([]byte, 70))} {
		if _, err := home.Create(name); err == nil {
			t.Errorf("a device was made by the name %q", name)
		}
	}
}

func TestOnlyTheOwnerReadsADevice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "conclave")
	if _, err := device.NewHome(dir).Create("default"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{
		dir: 0o700, filepath.Join(dir, "devices", "default.device"): 0o600, filepath.Join(dir, "device-issuer.pem"): 0o600,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v; %v was expected", path, info.Mode(), err, want)
		}
	}
}

func TestADeviceInUseIsNotDeleted(t *testing.T) {
	home := device.NewHome(t.TempDir())
	if _, err := home.Create("default"); err != nil {
		t.Fatal(err)
	}
	conn, err := home.Open("default")
	if err != nil {
		t.Fatal(err)
	}
	if err := home.Delete("default"); !errors.Is(err, sqlitefile.ErrInUse) || !strings.Contains(err.Error(), "conclave agent") {
		t.Errorf("deleting a device that is open: %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := home.Delete("default"); err != nil {
		t.Error(err)
	}
}

// TestCrashWhileMaking: the store is there, and the device is not in it yet.
func TestCrashWhileMaking(t *testing.T) {
	dir := t.TempDir()
	home := device.NewHome(dir)
	if _, err := home.Create("first"); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Create(filepath.Join(dir, "devices", "default.device"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := home.Open("default"); !errors.Is(err, card.ErrNoDevice) {
		t.Errorf("opening it: %v", err)
	}
	if serial, err := home.Create("default"); err != nil || serial == "" {
		t.Errorf("making it again: %q, %v", serial, err)
	}
}

// TestLogLeftBehind: a device is not made where SQLite would take the log of an
// earlier one for its own.
func TestLogLeftBehind(t *testing.T) {
	dir := t.TempDir()
	home := device.NewHome(dir)
	if _, err := home.Create("first"); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "devices", "default.device-wal")
	if err := os.WriteFile(log, []byte("of the device that was here"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := home.Create("default"); err == nil || !strings.Contains(err.Error(), log+" is left over from an earlier database") {
		t.Errorf("error %v; one that names the log was expected", err)
	}
}
