//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"conclave/device"
	"conclave/terminal/terminaltest"
)

// talk starts the program at a terminal, for what people's expect files do.
func talk(t *testing.T, home string, args ...string) *terminaltest.Session {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+home, deviceVariable+"=hsm", "PIN="+userPIN, "SOPIN="+soPIN, "TERM=xterm")
	cmd.Dir = home
	return terminaltest.Start(t, cmd)
}

const cleared = "\x1b[H\x1b[2J\x1b[3J"

// TestCeremonyOnTerminal is the dialogue of the expect files that people have
// for OpenSC's tool: a 2-of-4 ceremony, and the import by custodians 3 and 4.
func TestCeremonyOnTerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the KDF at its real cost")
	}
	t.Setenv(costVariable, "real") // it tells how far it is

	home := t.TempDir()
	if _, err := device.NewHome(filepath.Join(home, "conclave")).Create("hsm"); err != nil {
		t.Fatal(err)
	}
	d := talk(t, home, "-X", "-s1")
	d.Answer(`Enter SO-PIN \(16 hexadecimal characters\) : `, soPIN)
	d.Answer(`Enter initial User-PIN \(6 - 16 characters\) : `, userPIN)
	d.End(0)
	if bytes.Contains(d.All, []byte(userPIN)) || bytes.Contains(d.All, []byte(soPIN)) {
		t.Errorf("a PIN was echoed: %q", d.All)
	}

	prime, values := createOnTerminal(t, home)
	importOnTerminal(t, home, prime, values)
}

func createOnTerminal(t *testing.T, home string) (prime string, values map[string]string) {
	t.Helper()
	d := talk(t, home, "--create-dkek-share", "dkek.pbe", "--pwd-shares-threshold", "2", "--pwd-shares-total", "4")
	d.Answer("Press <enter> to continue", "")
	values = map[string]string{}
	for _, i := range []string{"1", "2", "3", "4"} {
		d.Answer("Press <enter> to display key share "+i+" of 4", "")
		sheet := d.Expect(`Prime       : ([0-9A-Fa-f:]+)\s+Share ID    : ([0-9]+)\s+Share value : ([0-9A-Fa-f:]+)\s`)
		prime, values[sheet[2]] = sheet[1], sheet[3]
		d.Answer("press <enter> when finished", "")
		d.Expect(regexp.QuoteMeta(cleared))
	}
	d.Expect(`Enciphering DKEK share, please wait[^%]* 1 %`)
	d.Expect(`50 %\r`)
	d.Expect(`DKEK share created and saved to dkek\.pbe\r\n`)
	d.End(0)
	return prime, values
}

// importOnTerminal also makes the mistakes that can be mended on the spot.
func importOnTerminal(t *testing.T, home, prime string, values map[string]string) {
	t.Helper()
	d := talk(t, home, "--import-dkek-share", "dkek.pbe", "--pwd-shares-total", "2")
	d.Answer("Please enter prime: ", prime+":")
	d.Answer("Press <enter> to enter share 1 of 2", "")
	d.Expect(`sc-hsm-tool: prime: .*; please enter it again\r\n`)
	d.Answer("Please enter prime: ", prime)
	d.Answer("Please enter share ID: ", "3")
	d.Answer("Please enter share value: ", strings.TrimSuffix(values["3"], values["3"][len(values["3"])-1:]))
	d.Expect(`sc-hsm-tool: share value: .*; please enter it again\r\n`)
	d.Answer("Please enter share value: ", values["3"])
	d.Expect(regexp.QuoteMeta(cleared))
	d.Answer("Press <enter> to enter share 2 of 2", "")
	d.Answer("Please enter share ID: ", "3")
	d.Expect(`share ID: 3 was entered before; .*; please enter it again\r\n`)
	d.Answer("Please enter share ID: ", "4")
	d.Answer("Please enter share value: ", values["4"])
	d.Expect(regexp.QuoteMeta(cleared))
	d.Expect(`Deciphering DKEK share, please wait\.\.\.\r\n`)
	d.Expect(`DKEK share imported\r\nDKEK shares          : 1\r\nDKEK key check value : [0-9A-F]{16}\r\n`)
	d.End(0)
}

// TestPasswordTypedTwice: one that is too short, or typed otherwise the second
// time, is asked for again, and none is shown.
func TestPasswordTypedTwice(t *testing.T) {
	home := t.TempDir()
	if _, err := device.NewHome(filepath.Join(home, "conclave")).Create("hsm"); err != nil {
		t.Fatal(err)
	}
	d := talk(t, home, "-C", "dkek.pbe")
	d.Answer("Enter password to encrypt DKEK share : ", "horse")
	d.Expect(`Password way to short\. Please retry\.\r\n`)
	d.Answer("Enter password to encrypt DKEK share : ", "correct horse")
	d.Answer("Please retype password to confirm : ", "correct house")
	d.Expect(`Passwords do not match\. Please retry\.\r\n`)
	d.Answer("Enter password to encrypt DKEK share : ", "correct horse")
	d.Answer("Please retype password to confirm : ", "correct horse")
	d.Expect(`DKEK share created and saved to dkek\.pbe\r\n`)
	d.End(0)
	if bytes.Contains(d.All, []byte("hors")) || bytes.Contains(d.All, []byte("house")) {
		t.Errorf("a password was echoed: %q", d.All)
	}
}
