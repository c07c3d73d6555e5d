// Package evidencetest runs the verifier that docs/evidence-format.md prints, which
// shares nothing with package evidence.
package evidencetest

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/docs"
	"conclave/internal/foreign"
)

// Second verifies a bundle as someone does who has the page and what is on the
// paper, fingerprint and closing. It gives what the program shows, and an error
// if it does not accept the bundle.
func Second(tb testing.TB, bundle fs.FS, paper ...string) (string, error) {
	tb.Helper()
	foreign.Need(tb, "openssl", "python3")
	dir := tb.TempDir()
	folder := filepath.Join(dir, "evidence")
	if err := os.CopyFS(folder, bundle); err != nil {
		tb.Fatal(err)
	}
	program := filepath.Join(dir, "verify.py")
	if err := os.WriteFile(program, []byte(Program(tb)), 0o600); err != nil {
		tb.Fatal(err)
	}
	out, err := exec.Command("python3", append([]string{program, folder}, paper...)...).CombinedOutput()
	return string(out), err
}

// Program is what the page prints.
func Program(tb testing.TB) string {
	tb.Helper()
	page, err := docs.Page("evidence-format")
	if err != nil {
		tb.Fatal(err)
	}
	_, program, found := strings.Cut(page, "\n```python verify.py\n")
	program, _, ended := strings.Cut(program, "\n```\n")
	if !found || !ended {
		tb.Fatal("docs/evidence-format.md has no block marked python verify.py")
	}
	return program + "\n"
}
