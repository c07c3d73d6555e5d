//go:build linux

package terminal_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"conclave/custody"
)

// TestSheetOnScreen: it is shown in full, and gone when Show returns.
func TestSheetOnScreen(t *testing.T) {
	person, tty := open(t)
	screen := screenOf(tty, tty)
	screen.Heading = "REHEARSAL   : destroy this sheet afterwards\n"
	end := begin(func() error { return screen.Show(t.Context(), handout()) })
	person.Expect(`the screen is cleared\. $`)
	want := `REHEARSAL   : destroy this sheet afterwards
Share file  : share.pbe
Key check   : 0000000000000000
Set         : QPZR (2-of-11)
Custodian   : 11 Žofia Müller
Restores    : the key of Root CA
If lost     : Ada, +41 44 1234567

Write down the code:

   1-4   QPZR Y9X8 GF2T VDW0
   5-8   S3JN 54KH CE6M UA7L
   9-12  QPZR Y9X8 GF2T VDW0

The same for OpenSC's sc-hsm-tool:

Prime       : dc:5f:8e:b5:1a:19:87:ff
Share ID    : 11
Share value : 59:4a:ea:80:e0:e9:9b:8e
(It wants the share ID typed as b.)

Press <enter> when all is written down; the screen is cleared. `
	if got := strings.ReplaceAll(string(person.All), "\r", ""); got != want {
		t.Errorf("the sheet is\n%s\nand not\n%s", got, want)
	}
	person.Enter("")
	if err := end(); err != nil {
		t.Error(err)
	}
	person.Expect(`^\r\n\x1b\[H\x1b\[2J\x1b\[3J$`)
}

// TestVisit is everything that a custodian who enters a sheet may be asked. What was
// typed ahead is not theirs.
func TestVisit(t *testing.T) {
	person, tty := open(t)
	screen := screenOf(tty, tty)
	person.Enter("the sheet of the one before")
	person.Expect("before\r\n$")
	end := begin(func() error {
		return screen.Come(t.Context(), custody.Turn{Number: 1, Of: 2, Custodian: 3, Name: "Carol"})
	})
	person.Answer(`^Carol, custodian 3, comes to the screen alone, and the others look away \(1 of 2\)\.\r\nPress <enter> when you are alone\. $`, "")
	if err := end(); err != nil {
		t.Fatal(err)
	}
	end = begin(func() error {
		return screen.Come(t.Context(), custody.Turn{Number: 1, Of: 1, Custodian: 3, Name: "Carol"})
	})
	person.Answer(`Carol, custodian 3, comes to the screen alone, and the others look away\.\r\nPress <enter> when you are alone\. $`, "")
	if err := end(); err != nil {
		t.Fatal(err)
	}
	var typed string
	end = begin(func() (err error) {
		typed, err = screen.Ask(t.Context(), custody.ShareID, errors.New("no such custodian"))
		return err
	})
	person.Answer(`Not accepted: no such custodian\r\nType from the sheet\. Code, or Share ID: $`, "3")
	if err := end(); err != nil || typed != "3" {
		t.Fatalf("typed %q, %v", typed, err)
	}
	var yes bool
	end = begin(func() (err error) {
		yes, err = screen.Confirm(t.Context(), "Is it a 3?")
		return err
	})
	person.Answer(`Is it a 3\? \(yes/no\) $`, "perhaps")
	person.Answer(`Is it a 3\? \(yes/no\) $`, "YES")
	if err := end(); err != nil || !yes {
		t.Fatalf("confirmed: %v, %v", yes, err)
	}
	screen.Leave()
	person.Expect(`\x1b\[3J$`)
}

// TestInterruptedVisit: no one has come, and nothing stays on the screen.
func TestInterruptedVisit(t *testing.T) {
	person, tty := open(t)
	screen := screenOf(tty, tty)
	ctx, stop := context.WithCancel(t.Context())
	end := begin(func() error { return screen.Show(ctx, handout()) })
	person.Expect(`Share value : .*\r\n`)
	stop()
	if err := end(); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupt gives %v", err)
	}
	person.Expect(`\x1b\[3J$`)
}

// TestWhoIsThere: a script may type, and agrees to nothing; a person types where
// it can be cleared.
func TestWhoIsThere(t *testing.T) {
	_, tty := open(t)
	script, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	for _, c := range []struct {
		name              string
		in, out           *os.File
		attended, exposed bool
	}{
		{"a person at a terminal", tty, tty, true, false},
		{"a person whose output is redirected", tty, script, false, true},
		{"a script", script, script, false, false},
		{"a script at a terminal", script, tty, false, false},
	} {
		screen := screenOf(c.in, c.out)
		if screen.Attended() != c.attended || screen.Exposed() != c.exposed {
			t.Errorf("%s: attended %v, exposed %v", c.name, screen.Attended(), screen.Exposed())
		}
	}
	if yes, err := screenOf(script, tty).Confirm(t.Context(), "Is it a 3?"); yes || err != nil {
		t.Errorf("a script confirms: %v, %v", yes, err)
	}
}
