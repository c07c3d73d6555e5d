//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"conclave/internal/foreign"
)

// pipe runs a program with text on its standard input, and gives its output.
func pipe(t *testing.T, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(string(stdin))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// scan reads the QR code of a printed sheet.
func scan(t *testing.T, document []byte) string {
	t.Helper()
	picture := filepath.Join(t.TempDir(), "sheet")
	pipe(t, document, "pdftoppm", "-r", "150", "-gray", "-png", "-singlefile", "-", picture)
	out, err := exec.Command("zbarimg", "--quiet", "--raw", "--nodbus", picture+".png").Output()
	if err != nil {
		t.Fatalf("zbarimg: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// TestSheetsAsPDF writes them to a directory, reads them back by scanning, and
// leaves nothing elsewhere.
func TestSheetsAsPDF(t *testing.T) {
	foreign.Need(t, "pdftoppm", "zbarimg")
	home(t)
	dir, temporary := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	file := filepath.Join(dir, "share.pbe")
	s := begin(t, "dkek", "create", file, "--threshold", "2", "--custodians", "3", "--ceremony", "Root 2026", "--pdf", dir)
	var codes []string
	for range 3 {
		s.Answer(`Press <enter> when you are alone\. $`, "")
		path := s.Expect(`Sheet written to (\S+\.pdf)\. Take it, and press <enter>`)[1]
		document, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
		s.Enter("")
		codes = append(codes, scan(t, document))
		s.Answer("Code or share value: $", codes[len(codes)-1])
	}
	s.Expect("DKEK share written to")
	s.End(0)
	for _, code := range codes {
		if strings.Contains(string(s.All), code[:20]) && !strings.Contains(string(s.All), "\x1b[3J") {
			t.Error("a code stays on the screen")
		}
		if out := pipe(t, []byte(code), "conclave", "dkek", "check", file, "--sheets-file", "-"); !strings.Contains(string(out), "is good: it agrees with the record") {
			t.Errorf("check: %s", out)
		}
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("%d temporary files (%v)", len(left), err)
	}
}

// TestSheetsToAPrinter gives them to a command, and encrypts those of custodians who
// are away.
func TestSheetsToAPrinter(t *testing.T) {
	foreign.Need(t, "pdftoppm", "zbarimg", "age", "age-keygen", "ssh-keygen")
	home(t)
	dir := t.TempDir()
	t.Chdir(dir)
	ageKey := regexp.MustCompile(`age1\S+`).FindString(string(pipe(t, nil, "age-keygen", "-o", "age.key")) + string(pipe(t, nil, "age-keygen", "-y", "age.key")))
	pipe(t, nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "ssh.key")
	sshKey, err := os.ReadFile("ssh.key.pub")
	if err != nil {
		t.Fatal(err)
	}
	s := begin(t, "dkek", "create", "share.pbe", "--threshold", "3", "--custodian", "Alice", "--custodian", "Bob", "--custodian", "Carol",
		"--print", "cat > printed.pdf", "--to", "Bob="+ageKey, "--to", "3="+strings.TrimSpace(string(sshKey)))
	s.Answer(`Alice, custodian 1, comes .*\s.*Press <enter> when you are alone\. $`, "")
	s.Expect("Sheet 1 was sent to the printer. Take it, and press <enter>")
	document, err := os.ReadFile("printed.pdf")
	if err != nil {
		t.Fatal(err)
	}
	s.Enter("")
	code := scan(t, document)
	s.Answer("Code or share value: $", code)
	s.Expect(`The sheet of Bob \(custodian 2\) was not typed back; let them check it: conclave dkek check share.pbe`)
	s.End(0)
	sheets := code + "\n"
	for key, pattern := range map[string]string{"age.key": "share.pbe.set-*.sheet-2.age", "ssh.key": "share.pbe.set-*.sheet-3.age"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v", pattern, found)
		}
		sheet := pipe(t, nil, "age", "-d", "-i", key, found[0])
		if out := pipe(t, sheet, "conclave", "dkek", "check", "share.pbe", "--sheets-file", "-"); !strings.Contains(string(out), "is good") {
			t.Errorf("check: %s", out)
		}
		sheets += string(sheet)
	}
	if out := pipe(t, []byte(sheets), "conclave", "dkek", "inspect", "share.pbe", "--sheets-file", "-"); !strings.Contains(string(out), "good") {
		t.Errorf("the three sheets together: %s", out)
	}
}

// TestPrinterOutOfPaper: a sheet that did not come out is printed again; if it
// cannot be, the ceremony ends, and nothing is left that looks like a backup.
func TestPrinterOutOfPaper(t *testing.T) {
	home(t)
	t.Chdir(t.TempDir())
	s := begin(t, "dkek", "create", "share.pbe", "--threshold", "2", "--custodians", "3", "--print", "echo out of paper >&2; exit 3")
	s.Answer(`Press <enter> when you are alone\. $`, "")
	s.Answer(`exit status 3: out of paper\s+Put the printer right, and press <enter> to print it again; or type give up[^\n]*: $`, "")
	s.Answer(`out of paper\s+Put the printer right.*: $`, "give up")
	s.Expect(`sheet 1 of 3: printing with .*: exit status 3: out of paper; no share file was made, and the sheets copied for it are void; destroy them`)
	s.End(1)
	if left, _ := filepath.Glob("*"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestNamesThatCannotBePrinted are refused before anyone comes.
func TestNamesThatCannotBePrinted(t *testing.T) {
	home(t)
	s := begin(t, "dkek", "create", filepath.Join(t.TempDir(), "share.pbe"), "--threshold", "2", "--custodian", "A", "--custodian", "B", "--custodian", "李", "--print", "cat")
	s.Expect("cannot be printed; use Latin, Greek or Cyrillic letters in its place")
	s.End(1)
	if strings.Contains(string(s.All), "comes to the screen") {
		t.Error("a custodian was asked to come")
	}
}
