package main

import (
	"path/filepath"
	"strings"
	"testing"

	"conclave/device"
	"conclave/internal/smalldisk"
)

// TestPlacesAreTakenFirst: on a full disk, and where another process makes the same
// file, that is said before anyone is asked for anything.
func TestPlacesAreTakenFirst(t *testing.T) {
	home := t.TempDir()
	if _, err := device.NewHome(filepath.Join(home, "conclave")).Create("hsm"); err != nil {
		t.Fatal(err)
	}
	disk := smalldisk.Mount(t, 1<<20)
	for name, c := range map[string]struct {
		args []string
		asks string
	}{
		"ceremony": {[]string{"-C", "FILE", "--pwd-shares-threshold", "2", "--pwd-shares-total", "4"}, "Press <enter> to continue"},
		"password": {[]string{"-C", "FILE"}, "Enter password to encrypt DKEK share : "},
		"wrap":     {[]string{"-W", "FILE", "-i", "1"}, "Enter User PIN : "},
	} {
		file := filepath.Join(disk, name)
		args := strings.Split(strings.ReplaceAll(strings.Join(c.args, "\x00"), "FILE", file), "\x00")
		t.Run(name, func(t *testing.T) {
			free := smalldisk.Fill(t, disk, 0)
			defer free()
			full := talk(t, home, args...)
			full.Expect(file + `(\.set)?: No space left on device`)
			full.End(1)
			free()
			first := talk(t, home, args...)
			first.Expect(c.asks)
			second := talk(t, home, args...)
			second.Expect(`is being made by process \d+, since 2`)
			second.End(1)
			if all := string(full.All) + string(second.All); strings.Contains(all, "Enter") || strings.Contains(all, "Press") {
				t.Errorf("someone was asked: %s", all)
			}
			first.Command.Process.Kill()
			first.End(-1)
		})
	}
}
