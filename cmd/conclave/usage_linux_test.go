package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/creack/pty"

	"conclave/internal/tty"
	"conclave/terminal/terminaltest"
)

// TestUsageFits: the help of no command has a line of several words that the terminal
// would break.
func TestUsageFits(t *testing.T) {
	t.Setenv("TERM", "xterm")
	parser, err := newParser(new(all))
	if err != nil {
		t.Fatal(err)
	}
	for _, columns := range []int{40, 80} {
		keyboard, terminal, err := pty.Open()
		if err == nil {
			err = pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: uint16(columns)})
		}
		if err != nil {
			t.Fatal(err)
		}
		defer terminal.Close()
		person := terminaltest.Attend(t, interruptibleFile(t, keyboard))
		out := tty.NewOutput(terminal, tty.ColorNever)
		parser.Stdout = out
		showUsages(t, parser, nil)
		out.Printf("That is all.\n")
		person.ExpectText(`That is all\.`)
		for line := range strings.Lines(string(person.All)) {
			if line = strings.TrimRight(line, "\r\n"); tty.Width(line) > columns && len(strings.Fields(line)) > 1 {
				t.Errorf("%d columns: %q", columns, line)
			}
		}
	}
}

// showUsages shows the help of a command and of those below it.
func showUsages(t *testing.T, parser *kong.Kong, words []string) {
	found, err := kong.Trace(parser, words)
	if err == nil {
		err = found.PrintUsage(false)
	}
	if err != nil {
		t.Fatal(err)
	}
	node := parser.Model.Node
	if selected := found.Selected(); selected != nil {
		node = selected
	}
	for _, child := range node.Children {
		showUsages(t, parser, strings.Fields(child.Path()))
	}
}
