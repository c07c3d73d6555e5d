package foreign

import (
	"strings"
	"testing"

	"conclave/internal/safefile"
)

// TestNodeVersion is the one that is fetched.
func TestNodeVersion(t *testing.T) {
	script, err := safefile.Read("../../scripts/install-node", 1<<20)
	if want := "version=" + NodeVersion + " "; err != nil || !strings.Contains(string(script), want) {
		t.Errorf("%v: %q was expected in it", err, want)
	}
}
