//go:build linux

package terminal_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"

	"conclave/custody"
	"conclave/internal/tty"
	"conclave/quorum"
	"conclave/terminal"
	"conclave/terminal/terminaltest"
)

// TestMain lets the test binary be a program that hands out sheets.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"hand-out": handOut}) }

// handOut hands out the sheets of a new 2-of-3 set at its terminal.
func handOut() {
	set, err := quorum.Draw(rand.Reader, quorum.Scheme{Threshold: 2, Total: 3, Strength: quorum.Strength128})
	if err == nil {
		about := custody.About{ShareFile: "share.pbe", Set: set.ID, Scheme: set.Scheme}
		_, err = custody.Distribution{Set: set, About: about, Custodians: screenOf(os.Stdin, os.Stdout), ReadBack: true}.Run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// screenOf is a screen without styles.
func screenOf(in, out *os.File) *terminal.Screen {
	return terminal.NewScreen(in, tty.NewOutput(out, tty.ColorNever))
}

// open gives a terminal that can be cleared, and the person at it.
func open(t *testing.T) (person *terminaltest.Session, terminal *os.File) {
	t.Helper()
	t.Setenv("TERM", "xterm")
	keyboard, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return terminaltest.Attend(t, keyboard), terminal
}

// begin does something that a person takes part in; its end is waited for.
func begin(do func() error) (end func() error) {
	done := make(chan error, 1)
	go func() { done <- do() }()
	return func() error { return <-done }
}

func theDay() time.Time { return time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC) }

// handout is a sheet of the vector 2-of-4, with a code.
func handout() custody.Handout {
	return custody.Handout{
		About:  custody.About{Ceremony: "Root 2026", Restores: "the key of Root CA", Contact: "Ada, +41 44 1234567", Date: theDay(), ShareFile: "share.pbe", Set: "QPZR", Scheme: quorum.Scheme{Threshold: 2, Total: 11}},
		Number: 11, Name: "Žofia Müller",
		Sheet: quorum.Sheet{
			Prime: "dc:5f:8e:b5:1a:19:87:ff", ID: "11", OldToolID: "b", Value: "59:4a:ea:80:e0:e9:9b:8e",
			Code: "QPZR Y9X8 GF2T VDW0 S3JN 54KH CE6M UA7L QPZR Y9X8 GF2T VDW0",
		},
	}
}
