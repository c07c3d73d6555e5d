// Package evidencetest runs the verifier that docs/evidence-format.md prints, which
// shares nothing with package evidence.
package evidencetest

import (
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/docs"
	"conclave/internal/foreign"
)

// Verifier is the program, and what OpenSSL has told it.
type Verifier struct{ program, remembering, told string }

// NewVerifier gives a verifier for as long as the test runs.
func NewVerifier(tb testing.TB) *Verifier {
	tb.Helper()
	foreign.Need(tb, "openssl", "python3")
	dir := tb.TempDir()
	v := &Verifier{filepath.Join(dir, "verify.py"), filepath.Join(dir, "remembering.py"), filepath.Join(dir, "told")}
	err := os.Mkdir(v.told, 0o700)
	for path, content := range map[string]string{v.program: Program(tb), v.remembering: remembering} {
		err = errors.Join(err, os.WriteFile(path, []byte(content), 0o600))
	}
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// remembering runs the program in less time: of hundreds of signatures in bundles that are
// nearly the same, OpenSSL is asked about each but once.
//
//go:embed remembering.py
var remembering string

// Verify verifies a bundle as someone does who has the page and what is on the
// paper, fingerprint and closing. It gives what the program shows, and an error
// if it does not accept the bundle.
func (v *Verifier) Verify(tb testing.TB, bundle fs.FS, paper ...string) (string, error) {
	tb.Helper()
	folder := filepath.Join(tb.TempDir(), "evidence")
	if err := os.CopyFS(folder, bundle); err != nil {
		tb.Fatal(err)
	}
	out, err := exec.Command("python3", append([]string{v.remembering, v.told, v.program, folder}, paper...)...).CombinedOutput()
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
