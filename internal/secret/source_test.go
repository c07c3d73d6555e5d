//go:build unix

package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"conclave/internal/secret"
)

// TestFromPipe reads what a password manager writes, and no device that does not end.
func TestFromPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, []byte("648219\nnothing\n"), 0o600) }()
	if value, _, err := secret.FromArgument("file:" + path); err != nil || !value.Equal(secret.Bytes("648219")) {
		t.Errorf("%d bytes, %v; the first line was expected", len(value), err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if _, _, err := secret.FromArgument("file:/dev/zero"); err == nil || !strings.Contains(err.Error(), "/dev/zero goes on after 65536 bytes") {
		t.Errorf("a device gave %v", err)
	}
}
