//go:build linux

package terminal_test

import (
	"io"
	"os"
	"testing"
	"time"

	"conclave/internal/tty"
	"conclave/quorum/repair"
	"conclave/terminal"
)

// TestProgress: each line takes the place of the one before, and the last is
// erased.
func TestProgress(t *testing.T) {
	person, file := open(t)
	out := tty.NewOutput(file, tty.ColorNever)
	report, end := terminal.Percent(out, "deriving the key")
	report(0.5)
	report(1)
	end()
	person.Expect(`^\r\x1b\[K50 %: deriving the key\r\x1b\[K100 %: deriving the key\r\x1b\[K$`)
	terminal.SearchProgress(out)(repair.Progress{Stage: "one digit", Tried: 5, Total: 1000, Rate: 3.6, Remaining: 90 * time.Second})
	person.Expect(`^\r\x1b\[K1m30s left at the most: 5 of 1000 readings, 4 a second: one digit$`)
}

// TestProgressOfAScript: where no one is watching, nothing is shown, and nothing
// erased.
func TestProgressOfAScript(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/shown")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out := tty.NewOutput(file, tty.ColorNever)
	report, end := terminal.Percent(out, "deriving the key")
	if report != nil {
		t.Error("progress is reported where no one sees it")
	}
	end()
	terminal.SearchProgress(out)(repair.Progress{})
	if n, err := file.Seek(0, io.SeekEnd); n != 0 || err != nil {
		t.Errorf("%d bytes were shown, %v", n, err)
	}
}
