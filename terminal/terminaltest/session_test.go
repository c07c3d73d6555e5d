package terminaltest

import (
	"fmt"
	"testing"

	"github.com/creack/pty"
)

// TestMuchIsShown: who writes to a terminal waits for no one who looks.
func TestMuchIsShown(t *testing.T) {
	keyboard, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	s := Attend(t, keyboard)
	const lines = 20_000
	for i := range lines {
		if _, err := fmt.Fprintf(terminal, "line %d\n", i+1); err != nil {
			t.Fatal(err)
		}
	}
	s.Expect(fmt.Sprintf("line %d\r\n", lines))
}
