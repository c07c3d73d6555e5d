package medium_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony/medium"
	"conclave/internal/smalldisk"
)

// TestRealDisks: file systems that this system has mounted are two, and a folder of one
// is on it.
func TestRealDisks(t *testing.T) {
	one, two := smalldisk.Mount(t, 1<<20), smalldisk.Mount(t, 1<<20)
	inside := filepath.Join(one, "inside")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	var identities []string
	for _, folder := range []string{one, inside, two, filepath.Dir(one)} {
		m, err := medium.System{}.Of(folder)
		if err != nil || m.Unmounted || m.Identity == "" {
			t.Errorf("%s is on %+v (%v)", folder, m, err)
		}
		identities = append(identities, m.Identity)
	}
	if identities[0] != identities[1] || identities[0] == identities[2] || identities[0] == identities[3] || !strings.HasPrefix(identities[0], "device 0:") {
		t.Errorf("a disk, a folder on it, another disk and the one below are %q", identities)
	}
}
