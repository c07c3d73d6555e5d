package medium_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony/medium"
	"conclave/ceremony/medium/mediumtest"
)

func TestMedia(t *testing.T) {
	computer := mediumtest.New(t)
	one, two := computer.Drive("BACKUP 1", "8:17", "6A3F-11B2"), computer.Drive("BACKUP2", "8:33", "")
	for folder, want := range map[string]string{
		computer.Home: "UUID 0d6f61f7-5b4d-4f4e-9d0e-0a4c0f6c1a2b", one: "UUID 6A3F-11B2", two: "device 8:33",
	} {
		inside := filepath.Join(folder, "inside")
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Mkdir(inside, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(inside, link); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{folder, inside, link} {
			if m, err := computer.Of(path); err != nil || m.Identity != want || m.Unmounted {
				t.Errorf("%s is on %+v (%v); %s was expected", path, m, err, want)
			}
		}
	}
	var offered []string
	for _, m := range computer.Removable() {
		offered = append(offered, m.String())
	}
	if want := []string{one + ", 8.0 GB, FAT, UUID 6A3F-11B2", two + ", 8.0 GB, FAT, device 8:33"}; !slices.Equal(offered, want) {
		t.Errorf("offered are %q; %q were expected", offered, want)
	}
	computer.Take(one)
	if m, err := computer.Of(one); err != nil || !m.Unmounted || m.Identity != "UUID 0d6f61f7-5b4d-4f4e-9d0e-0a4c0f6c1a2b" {
		t.Errorf("after it was taken out, %s is on %+v (%v)", one, m, err)
	}
	if left := computer.Removable(); len(left) != 1 {
		t.Errorf("after it was taken out there are %v", left)
	}
	if _, err := computer.Of(filepath.Join(two, "missing")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a folder that does not exist: %v", err)
	}
}

// TestUnknown: where the system tells nothing, nothing is made up.
func TestUnknown(t *testing.T) {
	s, dir := medium.System{Root: t.TempDir()}, t.TempDir()
	if m, err := s.Of(dir); err != nil || m.Identity != "" || m.Unmounted || len(s.Removable()) > 0 {
		t.Errorf("%+v, %v", m, err)
	}
}
