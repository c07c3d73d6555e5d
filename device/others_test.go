//go:build unix

package device_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/device"
)

// homeWithDevice is a home with a device "default".
func homeWithDevice(t *testing.T) (home device.Home, path func(name string) string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "conclave")
	home = device.NewHome(dir)
	if _, err := home.Create("default"); err != nil {
		t.Fatal(err)
	}
	return home, func(name string) string { return filepath.Join(dir, name) }
}

// TestOthersChangeNoDevice: where others could put another device in the place of one,
// none is opened, and none is made.
func TestOthersChangeNoDevice(t *testing.T) {
	for name, mode := range map[string]fs.FileMode{
		"..": 0o777, ".": 0o703, "devices": 0o702 | fs.ModeSticky, "devices/default.device": 0o606, "device-issuer.pem": 0o602,
	} {
		t.Run(name, func(t *testing.T) {
			home, path := homeWithDevice(t)
			if err := os.Chmod(path(name), mode); err != nil {
				t.Fatal(err)
			}
			want := "others can write to " + path(name)
			if conn, err := home.Open("default"); name != "device-issuer.pem" && (conn != nil || err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("opening it: %v; an error with %q was expected", err, want)
			}
			serial, err := home.Create("second")
			if name == "devices/default.device" {
				return
			}
			if serial != "" || err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("making another: %v; an error with %q was expected", err, want)
			}
			if names, err := home.List(); err != nil || len(names) != 1 {
				t.Errorf("there are %q, %v", names, err)
			}
		})
	}
}

// TestOthersReadADevice: it is opened, with a warning.
func TestOthersReadADevice(t *testing.T) {
	home, path := homeWithDevice(t)
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	for mode, told := range map[fs.FileMode]bool{0o600: false, 0o604: true, 0o640: true} {
		log.Reset()
		if err := os.Chmod(path("devices/default.device"), mode); err != nil {
			t.Fatal(err)
		}
		conn, err := home.Open("default")
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		want := "others can read " + path("devices/default.device")
		if strings.Contains(log.String(), want) != told || !told && log.Len() > 0 {
			t.Errorf("with mode %v it said %q", mode, log.String())
		}
	}
}

// TestDeviceBehindALink, which another home has: it opens as long as no one can change
// it, and is deleted with the link.
func TestDeviceBehindALink(t *testing.T) {
	home, path := homeWithDevice(t)
	linking, _ := homeWithDevice(t)
	link := filepath.Join(filepath.Dir(linking.Imports()), "devices", "stick.device")
	if err := os.Symlink(path("devices/default.device"), link); err != nil {
		t.Fatal(err)
	}
	conn, err := linking.Open("stick")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path("devices"), 0o777|fs.ModeSticky); err != nil { // others can put a log beside it
		t.Fatal(err)
	}
	if _, err := linking.Open("stick"); err == nil || !strings.Contains(err.Error(), "others can write to "+path("devices")) {
		t.Errorf("opening it where others can write: %v", err)
	}
	if err := linking.Delete("stick"); err != nil {
		t.Fatal(err)
	}
	for _, h := range []device.Home{home, linking} {
		if names, err := h.List(); err != nil || len(names) > 1 || len(names) == 1 && h == home {
			t.Errorf("there are %q, %v after it was deleted", names, err)
		}
	}
	if left, err := filepath.Glob(path("devices/*")); err != nil || len(left) != 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}
