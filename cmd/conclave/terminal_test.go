//go:build linux

package main

import (
	"bytes"
	"conclave/internal/testrun"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// session is a command at a terminal of its own.
type session struct {
	t        *testing.T
	command  *exec.Cmd
	terminal *os.File
	shown    chan []byte
	// all is everything that was shown, seen how much of it was looked at.
	all  []byte
	seen int
}

// begin starts conclave in a terminal.
func begin(t *testing.T, args ...string) *session {
	t.Helper()
	s := &session{t: t, command: exec.Command("conclave", args...), shown: make(chan []byte, 1000)}
	terminal, err := pty.Start(s.command)
	if err != nil {
		t.Fatal(err)
	}
	s.read(terminal)
	return s
}

// read takes what the terminal shows.
func (s *session) read(terminal *os.File) {
	s.terminal = terminal
	s.t.Cleanup(func() { terminal.Close() })
	go func() {
		defer close(s.shown)
		for {
			part := make([]byte, 4096)
			n, err := terminal.Read(part)
			if err != nil {
				return
			}
			s.shown <- part[:n]
		}
	}()
}

// expect waits until the pattern is shown, and gives its groups.
func (s *session) expect(pattern string) []string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	patience := testrun.Patience(s.t)
	for {
		if at := re.FindSubmatchIndex(s.all[s.seen:]); at != nil {
			groups := re.FindSubmatch(s.all[s.seen:])
			s.seen += at[1]
			var texts []string
			for _, g := range groups {
				texts = append(texts, string(g))
			}
			return texts
		}
		select {
		case part, open := <-s.shown:
			if !open {
				s.t.Fatalf("%q never came:\n%s", pattern, s.all[s.seen:])
			}
			s.all = append(s.all, part...)
		case <-patience.Done():
			s.t.Fatalf("%q did not come in time:\n%s", pattern, s.all[s.seen:])
		}
	}
}

// enter types a line.
func (s *session) enter(line string) {
	s.t.Helper()
	if _, err := s.terminal.WriteString(line + "\r"); err != nil {
		s.t.Fatal(err)
	}
}

// answer waits for a prompt and types a line.
func (s *session) answer(prompt, line string) {
	s.t.Helper()
	s.expect(prompt)
	s.enter(line)
}

// end waits for the command's end and checks its exit code.
func (s *session) end(code int) {
	s.t.Helper()
	for part := range s.shown {
		s.all = append(s.all, part...)
	}
	s.command.Wait()
	if got := s.command.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("exit code %d, %d was expected:\n%s", got, code, s.all)
	}
}

func TestPINIsNotEchoed(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	conclave(t, "hsm", "create")
	s := begin(t, "hsm", "init")
	s.answer("New SO-PIN: $", soPIN)
	s.answer("New SO-PIN, again: $", soPIN)
	s.answer("New user PIN: $", pin)
	s.answer("New user PIN, again: $", pin)
	s.expect("is initialised")
	s.end(0)
	for _, hidden := range []string{pin, soPIN} {
		if bytes.Contains(s.all, []byte(hidden)) {
			t.Errorf("the terminal showed a PIN:\n%s", s.all)
		}
	}
	s = begin(t, "hsm", "pin", "change")
	s.answer("User PIN: $", "000000")
	s.answer("New user PIN: $", pin)
	s.answer("New user PIN, again: $", pin)
	s.expect("conclave: wrong user PIN; 2 tries left")
	s.end(1)
	if bytes.Contains(s.all, []byte("000000")) {
		t.Errorf("the terminal showed a PIN:\n%s", s.all)
	}
}

func TestConfirmation(t *testing.T) {
	home(t)
	conclave(t, "key", "generate", "--type", "ec:P-256", "--pin", "env:PIN")
	s := begin(t, "hsm", "init", "--pin", "env:PIN", "--so-pin", "env:SOPIN")
	s.answer(`erases the keys it holds \(1\)\. To go on, type its serial number \(ZZCL.......\): $`, "yes")
	s.expect("conclave: its serial number was not typed; nothing was changed")
	s.end(1)
	if !strings.Contains(conclave(t, "key", "list"), "secp256r1") {
		t.Fatal("the key was erased")
	}
	s = begin(t, "key", "delete", "1", "--pin", "env:PIN")
	s.answer(`type its reference \(1\): $`, "1")
	s.expect("Key 1 is deleted")
	s.end(0)
	s = begin(t, "hsm", "delete")
	s.answer(`type its name \(default\): $`, "default")
	s.end(0)
	if list := conclave(t, "hsm", "list"); strings.Contains(list, "default") {
		t.Fatalf("the device is still there:\n%s", list)
	}
}

// clearScreen is how a terminal is told to forget what it showed.
const clearScreen = `\x1b\[H\x1b\[2J\x1b\[3J`

// TestCeremony plays the whole ceremony with two imports by different
// custodians, one of whom makes a mistake with the sheet.
func TestCeremony(t *testing.T) {
	home(t)
	file := filepath.Join(t.TempDir(), "share.pbe")
	s := begin(t, "dkek", "create", file, "--threshold", "2", "--custodian", "Alice", "--custodian", "Žofia Müller", "--custodian", "Bob", "--qr")
	var prime string
	var values, codes []string
	for i, name := range []string{"Alice", "Žofia Müller", "Bob"} {
		s.answer(name+`, custodian `+string('1'+rune(i))+`, comes to the screen alone.*\(`+string('1'+rune(i))+` of 3\)\.\s+Press <enter> when you are alone\. $`, "")
		s.expect(clearScreen)
		sheet := s.expect(` 1-4   (.*)\s+ 5-8   (.*)\s+ 9-12  (.*)\r(?s).*Prime       : (\S+)\s+Share ID    : (\d)\s+Share value : (\S+)\s`)
		prime, values = sheet[4], append(values, sheet[6])
		codes = append(codes, strings.Join(strings.Fields(sheet[1]+sheet[2]+" "+sheet[3]), " "))
		s.answer("Press <enter> when all is written down", "")
		s.expect(clearScreen)
		if i == 1 {
			s.answer("Code or share value: $", "00"+sheet[6][2:])
			s.expect("Not accepted: group 1 is not the one shown")
			s.answer("Code or share value: $", sheet[6])
		} else {
			s.answer("Code or share value: $", strings.TrimSpace(sheet[1])+" "+strings.TrimSpace(sheet[2])+" "+strings.TrimSpace(sheet[3]))
		}
		s.expect(clearScreen)
	}
	s.expect("All 3 subsets that are large enough give the password, and the share file opens with what the sheets say")
	kcv := s.expect(`DKEK share written to .*key check value ([0-9A-F]{16})`)[1]
	record := s.expect(`Set record written to (\S+);`)[1]
	s.end(0)
	if !bytes.Contains(s.all, []byte("deriving the key from the password: ")) {
		t.Error("the KDF showed no progress")
	}
	holdsNone(t, record, append(values, codes...))

	s = begin(t, "dkek", "import", file)
	for i, custodian := range []int{3, 1} {
		s.answer(`Sheet `+string('1'+rune(i))+` of 2: a custodian comes to the screen alone`, "")
		s.expect(clearScreen)
		s.answer("Share ID: $", string('0'+rune(custodian)))
		s.answer("Share value: $", values[custodian-1])
		s.expect(clearScreen)
	}
	s.expect("DKEK share imported; DKEK: complete, key check value " + kcv)
	s.end(0)
	if prime != "01:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:33" {
		t.Errorf("prime %s", prime)
	}
}

// holdsNone looks for secrets in a file.
func holdsNone(t *testing.T, path string, secrets []string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets {
		if s == "" || bytes.Contains(content, []byte(s)) || bytes.Contains(content, []byte(strings.NewReplacer(":", "", " ", "").Replace(s))) {
			t.Errorf("%s holds a secret", path)
		}
	}
}

// TestInterruptedRehearsal: an interrupt clears the screen and removes devices
// and files.
func TestInterruptedRehearsal(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	s := begin(t, "rehearse")
	s.answer("Press <enter> when you are alone. $", "")
	s.expect("Share value : ")
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 1 {
		t.Fatalf("%d temporary directories (%v)", len(left), err)
	}
	s.terminal.WriteString("\x03")
	s.expect(clearScreen)
	s.expect("conclave: make a share file, and sheets .*: sheet 1 of 4: interrupted")
	s.end(1)
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("%d temporary directories are left (%v)", len(left), err)
	}
}
