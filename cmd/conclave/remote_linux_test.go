package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"conclave/internal/foreign"
)

// unattended runs conclave as cron does: no terminal, and none to be had.
func unattended(t *testing.T, args ...string) (out, complaints string, err error) {
	t.Helper()
	cmd := exec.Command("conclave", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// recipient makes a key of age's, in a file of a name, and gives its public half.
func recipient(t *testing.T, name string) string {
	t.Helper()
	pipe(t, nil, "age-keygen", "-o", name)
	return strings.TrimSpace(string(pipe(t, nil, "age-keygen", "-y", name)))
}

// remote are options for three custodians, none of whom is here: each has a key in a
// file of their name.
func remote(t *testing.T) (options []string) {
	t.Helper()
	for _, name := range []string{"Alice", "Bob"} {
		options = append(options, "--custodian", name, "--to", name+"="+recipient(t, name))
	}
	pipe(t, nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "Carol")
	key, err := os.ReadFile("Carol.pub")
	if err != nil {
		t.Fatal(err)
	}
	return append(options, "--custodian", "Carol", "--to", "Carol="+string(key), "--threshold", "2")
}

// decrypted are the sheets of a set, as their custodians read them.
func decrypted(t *testing.T, file, set string) (sheets []byte) {
	t.Helper()
	for i, name := range []string{"Alice", "Bob", "Carol"} {
		sheets = append(sheets, pipe(t, nil, "age", "-d", "-i", name, fmt.Sprintf("%s.set-%s.sheet-%d.age", file, set, i+1))...)
	}
	return sheets
}

// setOf reads the answer of a command that has made sheets.
func setOf(t *testing.T, answer string) string {
	t.Helper()
	var made shareFileAnswer
	if err := json.Unmarshal([]byte(answer), &made); err != nil || made.Set == "" {
		t.Fatalf("%v: %s", err, answer)
	}
	return made.Set
}

// TestRemoteCustodians: where every sheet is encrypted no one comes, and no terminal is
// wanted, to make a share file and to make new sheets for it with those.
func TestRemoteCustodians(t *testing.T) {
	foreign.Need(t, "age", "age-keygen", "ssh-keygen")
	home(t)
	t.Chdir(t.TempDir())
	options := remote(t)
	out, notes, err := unattended(t, append([]string{"dkek", "create", "share.pbe", "--json"}, options...)...)
	if err != nil || strings.Contains(notes, "comes to the screen") || strings.Contains(notes, "Each custodian") {
		t.Fatalf("%v: %s%s", err, out, notes)
	}
	for _, who := range []string{"Alice (custodian 1)", "Bob (custodian 2)", "Carol (custodian 3)"} {
		if !strings.Contains(notes, "The sheet of "+who+" was not typed back; let them check it: conclave dkek check share.pbe\n") {
			t.Errorf("it is not said that the sheet of %s was not typed back:\n%s", who, notes)
		}
	}
	first := decrypted(t, "share.pbe", setOf(t, out))
	if inspected := pipe(t, first, "conclave", "dkek", "inspect", "share.pbe", "--sheets-file", "-", "--json"); !strings.Contains(string(inspected), `"status": "good"`) {
		t.Errorf("the sheets: %s", inspected)
	}
	writeHere(t, "old.txt", first)
	for _, again := range [][]string{{"share.pbe"}, {"share.pbe", "--new-file", "new.pbe"}} {
		out, notes, err := unattended(t, append(append([]string{"dkek", "reshare", "--json", "--sheets-file", "old.txt"}, again...), options...)...)
		if err != nil {
			t.Fatalf("%v: %s", err, notes)
		}
		file := again[len(again)-1]
		sheets := decrypted(t, file, setOf(t, out))
		if inspected := pipe(t, sheets, "conclave", "dkek", "inspect", file, "--sheets-file", "-", "--json"); !strings.Contains(string(inspected), `"status": "good"`) {
			t.Errorf("the new sheets of %s: %s", file, inspected)
		}
	}
}

// TestSheetsToAFolder: who is not encrypted for has a PDF in the folder, and no one
// waits for it to be taken.
func TestSheetsToAFolder(t *testing.T) {
	foreign.Need(t, "pdftoppm", "zbarimg", "age", "age-keygen")
	home(t)
	t.Chdir(t.TempDir())
	create := []string{"dkek", "create", "share.pbe", "--threshold", "2", "--custodian", "Alice", "--custodian", "Bob", "--custodian", "Carol",
		"--to", "Bob=" + recipient(t, "Bob"), "--pdf", "sheets"}
	if _, notes, err := unattended(t, create...); err == nil || !strings.Contains(notes, "; make it with: mkdir -p ") {
		t.Errorf("no folder: %v %s", err, notes)
	}
	if err := os.Mkdir("sheets", 0o700); err != nil {
		t.Fatal(err)
	}
	out, notes, err := unattended(t, create...)
	if err != nil || strings.Contains(out+notes, "press <enter>") {
		t.Fatalf("%v: %s%s", err, out, notes)
	}
	var codes []string
	for _, number := range []string{"001", "003"} {
		path := regexp.MustCompile(`Sheet written to (sheets/sheet-\S+-` + number + `\.pdf)`).FindStringSubmatch(out)
		if path == nil {
			t.Fatalf("sheet %s is not said to be written:\n%s", number, out)
		}
		codes = append(codes, scan(t, readHere(t, path[1])))
	}
	if inspected := pipe(t, []byte(strings.Join(codes, "\n")), "conclave", "dkek", "inspect", "share.pbe", "--sheets-file", "-"); !strings.Contains(string(inspected), "good") {
		t.Errorf("the two on paper: %s", inspected)
	}
	create[2] = "second.pbe"
	if _, notes, err := unattended(t, create...); err == nil || !strings.Contains(notes, "the sheets: sheets has some of another set, such as sheet-") {
		t.Errorf("into the same folder: %v %s", err, notes)
	}
	if left, _ := filepath.Glob("second.pbe*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestMistakesWithRemoteCustodians are said before anything is made.
func TestMistakesWithRemoteCustodians(t *testing.T) {
	foreign.Need(t, "age-keygen", "ssh-keygen")
	home(t)
	t.Chdir(t.TempDir())
	options := remote(t)
	writeHere(t, "there.pbe", nil)
	swap := func(i int, text string) []string {
		changed := append([]string{}, options...)
		changed[i] = text
		return changed
	}
	for _, mistake := range []struct {
		file    string
		options []string
		want    string
	}{
		{"share.pbe", swap(3, "Alice=age1xyz"), "--to Alice=: malformed recipient"},
		{"share.pbe", swap(7, strings.Replace(options[3], "Alice", "Bob", 1)), "--to Bob=: custodian 1 has the same key, and no one keeps two sheets"},
		{"share.pbe", swap(3, options[7]), "--to Bob=: custodian 2 has a key already"},
		{"share.pbe", append(options[:2:2], options[4:]...), "custodians come to a terminal, and standard input or output is not one; do not redirect them, or let no one come: --to for each of them, or --pdf"},
		{"there.pbe", options, "there.pbe: file already exists"},
	} {
		out, notes, err := unattended(t, append([]string{"dkek", "create", mistake.file}, mistake.options...)...)
		if err == nil || out != "" || !strings.HasPrefix(notes, "conclave: "+mistake.want) {
			t.Errorf("%v: %q %q; %q was expected", err, out, notes, mistake.want)
		}
	}
	if left, _ := filepath.Glob("share.pbe*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestOldSheetsMustComeFromSomewhere: the new custodians are elsewhere, and the old ones
// cannot come where there is no terminal.
func TestOldSheetsMustComeFromSomewhere(t *testing.T) {
	foreign.Need(t, "age-keygen", "ssh-keygen")
	vectorDesk(t)
	options := remote(t)
	for _, command := range [][]string{{"dkek", "reshare", "dkek.pbe", "--sheets", "2"}, {"dkek", "rekey", "new.pbe", "rsa-2048.wrap", "--dkek", "dkek.pbe", "--sheets", "2", "--dir", t.TempDir()}} {
		_, notes, err := unattended(t, append(command, options...)...)
		if err == nil || !strings.HasPrefix(notes, "conclave: dkek.pbe: its custodians come to a terminal, and standard input or output is not one") {
			t.Errorf("%v: %s", err, notes)
		}
	}
	if left, _ := filepath.Glob("*.set*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestChangesInNoEvidence: who changes the custody of a ceremony without one is told, at
// the end, that its evidence does not have it. Whose the share file is the folder shows,
// or its record.
func TestChangesInNoEvidence(t *testing.T) {
	foreign.Need(t, "age", "age-keygen", "ssh-keygen", "openssl")
	vectorDesk(t)
	for _, dir := range []string{"root.ceremony/backup", "root.ceremony/evidence", "out"} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writeHere(t, "root.ceremony/backup/dkek.pbe", readHere(t, "dkek.pbe"))
	writeHere(t, "root.ceremony/evidence/transcript.jsonl", nil)
	options := remote(t)
	const opened = "--sheets-file=2-of-4.txt"
	named, notes, err := unattended(t, append([]string{"dkek", "reshare", "dkek.pbe", opened, "--new-file", "named.pbe", "--ceremony", "Root 2026", "--json"}, options...)...)
	if err != nil || strings.Contains(notes, "evidence") {
		t.Fatalf("of no ceremony: %v: %s", err, notes)
	}
	writeHere(t, "named.txt", decrypted(t, "named.pbe", setOf(t, named)))
	for _, change := range []struct {
		args []string
		want string
	}{
		{[]string{"dkek", "reshare", "named.pbe", "--sheets-file", "named.txt"}, `if there is evidence of the ceremony "Root 2026", this change is not in it; it would be, as a ceremony: conclave ceremony change EVIDENCE --kind reshare`},
		{[]string{"dkek", "reshare", "root.ceremony/backup/dkek.pbe", "--new-file", "new.pbe", opened}, "this change is in no evidence; it would be, as a ceremony: conclave ceremony change root.ceremony/evidence --kind new-file"},
		{[]string{"dkek", "rekey", "newer.pbe", "rsa-2048.wrap", "--dkek", "root.ceremony/backup/dkek.pbe", opened, "--dir", "out"},
			"this change is in no evidence; it would be, as a ceremony: conclave ceremony change root.ceremony/evidence --kind rekey"},
	} {
		_, notes, err := unattended(t, append(change.args, options...)...)
		last := notes[strings.LastIndex(strings.TrimSpace(notes), "\n")+1:]
		if err != nil || last != "Next: "+change.want+"\n" {
			t.Errorf("%v: %v: %q; %q was expected at the end", change.args, err, notes, change.want)
		}
	}
	conclave(t, "hsm", "create")
	conclave(t, "hsm", "init", "--pin", "env:PIN", "--so-pin", "env:SOPIN", "--dkek-shares", "1")
	conclave(t, "dkek", "import", "dkek.pbe", opened)
	pipe(t, nil, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "old.pem")
	out := conclave(t, "key", "import", "old.pem", "--dkek", "root.ceremony/backup/dkek.pbe", opened, "--no-record", "--pin", "env:PIN")
	if want := "Next: this key is in no evidence; it would be, as a ceremony: conclave ceremony new PLAN\n"; !strings.HasSuffix(out, want) {
		t.Errorf("an imported key: %q; %q was expected at the end", out, want)
	}
}
