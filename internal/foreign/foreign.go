// Package foreign finds the programs that judge us in tests: nobody here wrote
// them.
package foreign

import (
	"os"
	"os/exec"
	"testing"
)

// Need skips a test that lacks one of the programs, loudly, and fails it where
// the environment variable CI is set.
func Need(tb testing.TB, programs ...string) {
	tb.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			tb.Fatalf("there is no %s; scripts/install-packages installs it", name)
		}
		tb.Skipf("NOT TESTED: there is no %s; scripts/install-packages installs it", name)
	}
}
