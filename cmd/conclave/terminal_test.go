//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/terminal/terminaltest"
)

// session is a command at a terminal of its own.
type session struct {
	*terminaltest.Session
	t *testing.T
}

// begin starts conclave in a terminal.
func begin(t *testing.T, args ...string) *session {
	t.Helper()
	return &session{terminaltest.Start(t, exec.Command("conclave", args...)), t}
}

func TestPINIsNotEchoed(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	conclave(t, "hsm", "create")
	s := begin(t, "hsm", "init")
	s.Answer("New SO-PIN: $", soPIN)
	s.Answer("New SO-PIN, again: $", soPIN)
	s.Answer("New user PIN: $", pin)
	s.Answer("New user PIN, again: $", pin)
	s.Expect("is initialised")
	s.End(0)
	for _, hidden := range []string{pin, soPIN} {
		if bytes.Contains(s.All, []byte(hidden)) {
			t.Errorf("the terminal showed a PIN:\n%s", s.All)
		}
	}
	s = begin(t, "hsm", "pin", "change")
	s.Answer("User PIN: $", "000000")
	s.Answer("New user PIN: $", pin)
	s.Answer("New user PIN, again: $", pin)
	s.Expect("Not accepted: wrong user PIN; 2 tries left")
	s.Answer("User PIN: $", pin) // it alone is asked for again
	s.Expect("The PIN is changed")
	s.End(0)
	if bytes.Contains(s.All, []byte("000000")) {
		t.Errorf("the terminal showed a PIN:\n%s", s.All)
	}
}

func TestConfirmation(t *testing.T) {
	home(t)
	conclave(t, "key", "generate", "--type", "ec:P-256", "--pin", "env:PIN")
	s := begin(t, "hsm", "init", "--pin", "env:PIN", "--so-pin", "env:SOPIN")
	s.Answer(`erases the keys it holds \(1\)\. To go on, type its serial number \(ZZCL.......\): $`, "yes")
	s.Expect("conclave: its serial number was not typed; nothing was changed")
	s.End(1)
	if !strings.Contains(conclave(t, "key", "list"), "secp256r1") {
		t.Fatal("the key was erased")
	}
	s = begin(t, "key", "delete", "1", "--pin", "env:PIN")
	s.Answer(`NOT BACKED UP, as far as this computer knows\. To go on, type its reference \(1\): $`, "1") // it has no label
	s.Expect("Key 1 is deleted")
	s.End(0)
	s = begin(t, "hsm", "delete", "default")
	s.Answer(`type its name \(default\): $`, "default")
	s.End(0)
	if list := conclave(t, "hsm", "list"); strings.Contains(list, "default") {
		t.Fatalf("the device is still there:\n%s", list)
	}
}

// TestDeletingTheOnlyCopy: whoever deletes a key that no backup holds types its label,
// and where there is a backup its reference.
func TestDeletingTheOnlyCopy(t *testing.T) {
	home(t)
	conclave(t, "hsm", "init", "--pin", "env:PIN", "--so-pin", "env:SOPIN", "--dkek-shares", "0")
	conclave(t, "key", "generate", "--type", "ec:P-256", "--label", "Root CA", "--pin", "env:PIN")
	s := begin(t, "key", "delete", "1", "--pin", "env:PIN")
	s.Answer(`it is NOT BACKED UP, as far as this computer knows\. To go on, type its label \(Root CA\): $`, "1")
	s.Expect("conclave: its label was not typed; nothing was changed")
	s.End(1)
	file := filepath.Join(t.TempDir(), "root.wrap")
	conclave(t, "key", "wrap", "1", file, "--pin", "env:PIN")
	s = begin(t, "key", "delete", "1", "--pin", "env:PIN")
	s.Answer(`its backup of 20[0-9-]+ is \S+root\.wrap\. To go on, type its reference \(1\): $`, "2")
	s.Expect("conclave: its reference was not typed; nothing was changed")
	s.End(1)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	s = begin(t, "key", "delete", "1", "--pin", "env:PIN")
	s.Answer(`NOT BACKED UP, .* type its label \(Root CA\): $`, "Root CA")
	s.Expect("Key 1 is deleted")
	s.End(0)
}

// clearScreen is how a terminal is told to forget what it showed.
const clearScreen = `\x1b\[H\x1b\[2J\x1b\[3J`

// TestCeremony goes through the whole ceremony with two imports by different
// custodians, one of whom makes a mistake with the sheet.
func TestCeremony(t *testing.T) {
	home(t)
	file := filepath.Join(t.TempDir(), "share.pbe")
	s := begin(t, "dkek", "create", file, "--threshold", "2", "--custodian", "Alice", "--custodian", "Žofia Müller", "--custodian", "Bob", "--qr")
	var prime string
	var values, codes []string
	for i, name := range []string{"Alice", "Žofia Müller", "Bob"} {
		s.Answer(name+`, custodian `+string('1'+rune(i))+`, comes to the screen alone.*\(`+string('1'+rune(i))+` of 3\)\.\s+Press <enter> when you are alone\. $`, "")
		s.Expect(clearScreen)
		sheet := s.Expect(` 1-4   (.*)\s+ 5-8   (.*)\s+ 9-12  (.*)\r(?s).*Prime       : (\S+)\s+Share ID    : (\d)\s+Share value : (\S+)\s`)
		prime, values = sheet[4], append(values, sheet[6])
		codes = append(codes, strings.Join(strings.Fields(sheet[1]+sheet[2]+" "+sheet[3]), " "))
		s.Answer("Press <enter> when all is written down", "")
		s.Expect(clearScreen)
		if i == 1 {
			s.Answer("Code or share value: $", "00"+sheet[6][2:])
			s.Expect("Not accepted: group 1 is not the one shown")
			s.Answer("Code or share value: $", sheet[6])
		} else {
			s.Answer("Code or share value: $", strings.TrimSpace(sheet[1])+" "+strings.TrimSpace(sheet[2])+" "+strings.TrimSpace(sheet[3]))
		}
		s.Expect(clearScreen)
	}
	s.Expect("All 3 subsets that are large enough give the password, and the share file opens with what the sheets say")
	kcv := s.Expect(`DKEK share written to .*key check value ([0-9A-F]{16})`)[1]
	record := s.Expect(`Set record written to (\S+);`)[1]
	s.End(0)
	if !bytes.Contains(s.All, []byte(" %: deriving the key from the password")) {
		t.Error("the KDF showed no progress")
	}
	holdsNone(t, record, append(values, codes...))

	s = begin(t, "dkek", "import", file)
	for i, custodian := range []int{3, 1} {
		s.Answer(`Sheet `+string('1'+rune(i))+` of 2: a custodian comes to the screen alone`, "")
		s.Expect(clearScreen)
		s.Answer("Share ID: $", string('0'+rune(custodian)))
		s.Answer("Share value: $", values[custodian-1])
		s.Expect(clearScreen)
	}
	s.Expect("DKEK share imported; DKEK: complete, key check value " + kcv)
	s.End(0)
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
	s.Expect("You are all 4 custodians, one after the other")
	s.Answer("Press <enter> when you are alone. $", "")
	s.Expect("Share value : ")
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 1 {
		t.Fatalf("%d temporary directories (%v)", len(left), err)
	}
	s.Terminal.WriteString("\x03")
	s.Expect(clearScreen)
	s.Expect("conclave: make a share file, and sheets .*: sheet 1 of 4: interrupted")
	s.End(130)
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("%d temporary directories are left (%v)", len(left), err)
	}
}
