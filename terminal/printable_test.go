package terminal_test

import (
	"testing"

	"conclave/terminal"
)

// TestPrintable: what a bundle says gives the terminal no commands.
func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"exception: Zoë was late":  "exception: Zoë was late",
		"\x1b[2J\x1b[Hall is well": "?[2J?[Hall is well",
		"two\nlines\u202e":         "two?lines?",
	} {
		if got := terminal.Printable(text); got != want {
			t.Errorf("%q is shown as %q; %q was expected", text, got, want)
		}
	}
}
