// Package foreign finds the programs that judge us in tests: nobody here wrote
// them.
package foreign

import (
	"os"
	"os/exec"
	"testing"
)

// packages is the script that installs all but Node.
const packages = "scripts/install-packages"

// Need skips a test that lacks one of the programs, loudly, and fails it if the
// environment variable CI is set.
func Need(tb testing.TB, programs ...string) {
	tb.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			missing(tb, name, packages)
		}
	}
}

// NeedPython is Need for modules of Debian's Python, and gives its path: another
// one on PATH has modules of its own.
func NeedPython(tb testing.TB, modules ...string) (python string) {
	tb.Helper()
	const debians = "/usr/bin/python3"
	Need(tb, debians)
	for _, module := range modules {
		if exec.Command(debians, "-c", "import "+module).Run() != nil {
			missing(tb, "python3-"+module, packages)
		}
	}
	return debians
}

func missing(tb testing.TB, name, script string) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		tb.Fatalf("there is no %s; %s installs it", name, script)
	}
	tb.Skipf("NOT TESTED: there is no %s; %s installs it", name, script)
}
