//go:build linux

package terminal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"conclave/internal/foreign"
	"conclave/terminal/terminaltest"
)

// TestScrollbackOfARealTerminal looks at what tmux still has of a sheet once its
// custodian has left, where the window has become so small that the sheet has scrolled
// out of it. In a window that is too small before, no sheet is shown.
func TestScrollbackOfARealTerminal(t *testing.T) {
	foreign.Need(t, "tmux")
	dir := t.TempDir()
	socket, fifo := filepath.Join(dir, "tmux"), filepath.Join(dir, "shown")
	tmux := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("tmux", append([]string{"-S", socket, "-f", "/dev/null"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("hand-out")
	if err != nil {
		t.Fatal(err)
	}
	// The shell waits for a line, so that everything that is shown can be seen.
	tmux("new-session", "-d", "-x", "40", "-y", "5", "sh", "-c", "read go; "+program+"; read end")
	defer tmux("kill-server")
	tmux("pipe-pane", "-O", "exec cat > "+fifo)
	shown, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	s := terminaltest.Attend(t, shown)
	press := func(line string) { tmux("send-keys", line, "Enter") }
	press("")
	var secrets []string
	for range 2 {
		s.ExpectText(`Press <enter> when you are alone\. $`)
		tmux("resize-window", "-x", "40", "-y", "30")
		var sheet []string
		for sheet == nil { // tmux takes its time to make the window larger
			press("")
			if found := s.Expect(`This\s+window\s+has\s+5\s+rows;|(?s) 1-4   (\S+ \S+ \S+ \S+)\s+ 5-8   (\S+ \S+ \S+ \S+)\s+ 9-12  (\S+ \S+ \S+ \S+)\s.*Share value : (\S+)\s+(\S+)\s`); found[1] != "" {
				sheet = found[1:]
			}
		}
		s.ExpectText("Press <enter> when all is written down; the screen is cleared. $")
		tmux("resize-window", "-x", "40", "-y", "5")
		for _, part := range append(sheet[:3], sheet[3]+sheet[4]) {
			secrets = append(secrets, strings.TrimSpace(part))
		}
		if !strings.Contains(tmux("capture-pane", "-p", "-J", "-S", "-"), secrets[len(secrets)-4]) {
			t.Fatal("the terminal does not show the sheet while it is copied")
		}
		press("")
		s.ExpectText("Code or share value: $")
		press(secrets[len(secrets)-1])
	}
	s.ExpectText(`Custodian 3 comes to the screen alone`)
	left := tmux("capture-pane", "-p", "-J", "-S", "-")
	for _, secret := range secrets {
		if strings.Contains(left, secret) || strings.Contains(strings.Join(strings.Fields(left), ""), secret) {
			t.Errorf("the terminal still has a sheet:\n%s", left)
		}
	}
}
