package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"

	"conclave/device"
)

// dialogue is a program on a terminal, as expect plays it.
type dialogue struct {
	t        *testing.T
	cmd      *exec.Cmd
	terminal *os.File
	shown    []byte // and not yet expected
	all      []byte
}

func talk(t *testing.T, home string, args ...string) *dialogue {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+home, deviceVariable+"=hsm", "PIN="+userPIN, "SOPIN="+soPIN, "TERM=xterm")
	cmd.Dir = home
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	d := &dialogue{t: t, cmd: cmd, terminal: terminal}
	t.Cleanup(func() { terminal.Close() })
	return d
}

// expect waits for text that the pattern matches, and gives its groups.
func (d *dialogue) expect(pattern string) []string {
	d.t.Helper()
	re := regexp.MustCompile(pattern)
	buffer := make([]byte, 4096)
	for {
		if at := re.FindSubmatchIndex(d.shown); at != nil {
			var groups []string
			for i := 2; i < len(at); i += 2 {
				groups = append(groups, string(d.shown[at[i]:at[i+1]]))
			}
			d.shown = d.shown[at[1]:]
			return groups
		}
		n, err := d.terminal.Read(buffer)
		d.shown, d.all = append(d.shown, buffer[:n]...), append(d.all, buffer[:n]...)
		if err != nil {
			d.t.Fatalf("%v, when %q was expected in %q", err, pattern, d.shown)
		}
	}
}

// answer waits for a prompt and types a line.
func (d *dialogue) answer(prompt, line string) {
	d.t.Helper()
	d.expect(regexp.QuoteMeta(prompt))
	if _, err := d.terminal.Write([]byte(line + "\r")); err != nil {
		d.t.Fatal(err)
	}
}

// end waits for the end of the program.
func (d *dialogue) end(status int) {
	d.t.Helper()
	for {
		buffer := make([]byte, 4096)
		n, err := d.terminal.Read(buffer)
		d.all = append(d.all, buffer[:n]...)
		if err != nil {
			break // the other side is closed: an error on Linux
		}
	}
	d.cmd.Wait()
	if got := d.cmd.ProcessState.ExitCode(); got != status {
		d.t.Fatalf("exit status %d, %d expected; all that was shown: %q", got, status, d.all)
	}
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
	d.answer("Enter SO-PIN (16 hexadecimal characters) : ", soPIN)
	d.answer("Enter initial User-PIN (6 - 16 characters) : ", userPIN)
	d.end(0)
	if bytes.Contains(d.all, []byte(userPIN)) || bytes.Contains(d.all, []byte(soPIN)) {
		t.Errorf("a PIN was echoed: %q", d.all)
	}

	prime, values := createOnTerminal(t, home)
	importOnTerminal(t, home, prime, values)
}

func createOnTerminal(t *testing.T, home string) (prime string, values map[string]string) {
	t.Helper()
	d := talk(t, home, "--create-dkek-share", "dkek.pbe", "--pwd-shares-threshold", "2", "--pwd-shares-total", "4")
	d.answer("Press <enter> to continue", "")
	values = map[string]string{}
	for _, i := range []string{"1", "2", "3", "4"} {
		d.answer("Press <enter> to display key share "+i+" of 4", "")
		sheet := d.expect(`Prime       : ([0-9A-Fa-f:]+)\s+Share ID    : ([0-9]+)\s+Share value : ([0-9A-Fa-f:]+)\s`)
		prime, values[sheet[1]] = sheet[0], sheet[2]
		d.answer("press <enter> when finished", "")
		d.expect(regexp.QuoteMeta(cleared))
	}
	d.expect(`Enciphering DKEK share, please wait\.\.\.\s+1 %\r`)
	d.expect(`50 %\r`)
	d.expect(`DKEK share created and saved to dkek\.pbe\r\n`)
	d.end(0)
	return prime, values
}

// importOnTerminal also makes the mistakes that can be mended on the spot.
func importOnTerminal(t *testing.T, home, prime string, values map[string]string) {
	t.Helper()
	d := talk(t, home, "--import-dkek-share", "dkek.pbe", "--pwd-shares-total", "2")
	d.answer("Please enter prime: ", prime+":")
	d.answer("Press <enter> to enter share 1 of 2", "")
	d.expect(`sc-hsm-tool: prime: .*; please enter it again\r\n`)
	d.answer("Please enter prime: ", prime)
	d.answer("Please enter share ID: ", "3")
	d.answer("Please enter share value: ", strings.TrimSuffix(values["3"], values["3"][len(values["3"])-1:]))
	d.expect(`sc-hsm-tool: share value: .*; please enter it again\r\n`)
	d.answer("Please enter share value: ", values["3"])
	d.expect(regexp.QuoteMeta(cleared))
	d.answer("Press <enter> to enter share 2 of 2", "")
	d.answer("Please enter share ID: ", "3")
	d.expect(`share ID: 3 was entered before; .*; please enter it again\r\n`)
	d.answer("Please enter share ID: ", "4")
	d.answer("Please enter share value: ", values["4"])
	d.expect(regexp.QuoteMeta(cleared))
	d.expect(`Deciphering DKEK share, please wait\.\.\.\r\n`)
	d.expect(`DKEK share imported\r\nDKEK shares          : 1\r\nDKEK key check value : [0-9A-F]{16}\r\n`)
	d.end(0)
}
