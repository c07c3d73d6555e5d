//go:build linux

package custody

import (
	"os"
	"testing"

	"conclave/acceptance"
)

func TestMain(m *testing.M) { os.Exit(acceptance.Main(m)) }

// desk is a working directory with embedded devices of its own.
type desk struct{ *acceptance.Desk }

func newDesk(t *testing.T) *desk { return &desk{acceptance.NewDesk(t)} }
