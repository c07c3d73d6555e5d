package typesettest

import (
	"os/exec"
	"path/filepath"
	"testing"

	"conclave/internal/foreign"
)

// Browse has a browser open a page that is in a folder, and do what the flags
// say. It returns the document as it is then.
func Browse(tb testing.TB, folder string, flags ...string) string {
	tb.Helper()
	foreign.Need(tb, "chromium")
	cmd := exec.Command("chromium", append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--dump-dom",
		"--user-data-dir="+filepath.Join(folder, "profile"), "file://"+filepath.Join(folder, "page.html"))...)
	document, err := cmd.Output()
	if err != nil {
		tb.Fatalf("chromium: %v", err)
	}
	return string(document)
}
