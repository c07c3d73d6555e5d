//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// attend answers for the custodians of a new set, and gives their codes.
func (s *session) attend(n int) (codes []string) {
	s.t.Helper()
	for range n {
		s.Answer(`Press <enter> when you are alone\. $`, "")
		sheet := s.Expect(` 1-4   (.*)\s+ 5-8   (.*)\s+ 9-12  (.*)\r`)
		code := strings.TrimSpace(sheet[1]) + " " + strings.TrimSpace(sheet[2]) + " " + strings.TrimSpace(sheet[3])
		s.Answer("Press <enter> when all is written down", "")
		s.Answer("Code or share value: $", code)
		codes = append(codes, code)
	}
	return codes
}

// vectorDesk is a directory with OpenSC's share file, its sheets, and keys under
// its DKEK.
func vectorDesk(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("PIN", pin)
	t.Setenv("SOPIN", soPIN)
	dir := t.TempDir()
	writeVectors(t, dir)
	for _, name := range []string{"2-of-4", "leading-zero"} {
		content, err := os.ReadFile(filepath.Join("..", "..", "quorum", "testdata", name, "shares.txt"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".txt"), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func (s *session) writeCodes(path string, codes []string) {
	s.t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(codes, "\n")), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// inspect opens a share file with sheets in a file, which must be good.
func inspect(t *testing.T, file, sheets string) string {
	t.Helper()
	return conclave(t, "dkek", "inspect", file, "--sheets-file", sheets, "--json")
}

const vectorKCV = `"kcv": "7C7D7EC59505B990"`

// TestReshare makes new sheets for OpenSC's share file; old and new ones open
// it, and do not go together.
func TestReshare(t *testing.T) {
	vectorDesk(t)
	s := begin(t, "dkek", "reshare", "dkek.pbe", "--sheets-file", "2-of-4.txt", "--threshold", "3", "--custodians", "4")
	codes := s.attend(4)
	s.Expect("All 4 subsets that are large enough give the password, and the share file opens with what the sheets say")
	s.Expect("New sheets made for dkek.pbe, set " + codes[0][:4])
	s.Expect("The old sheets stay valid: they open dkek.pbe just as the new ones do")
	s.End(0)
	s.writeCodes("new.txt", codes[1:])
	if out := inspect(t, "dkek.pbe", "new.txt"); !strings.Contains(out, vectorKCV) || !strings.Contains(out, `"threshold": 3`) || !strings.Contains(out, `"strength": 64`) {
		t.Errorf("the new sheets: %s", out)
	}
	if out := conclave(t, "dkek", "inspect", "dkek.pbe", "--sheets-file", "2-of-4.txt", "--no-record"); !strings.Contains(out, "7C7D7EC59505B990") {
		t.Errorf("the old sheets: %s", out)
	}
}

// TestReshareToANewFile: the DKEK stays, the old sheets do not open the new file,
// and what is to be destroyed is named.
func TestReshareToANewFile(t *testing.T) {
	vectorDesk(t)
	s := begin(t, "dkek", "reshare", "leading-zero.pbe", "--sheets-file", "leading-zero.txt", "--threshold", "2", "--custodians", "3")
	s.Expect("leading-zero.pbe: the password of this share file cannot be shared out: .*; give the DKEK share a new file: --new-file")
	s.End(1)
	s = begin(t, "dkek", "reshare", "leading-zero.pbe", "--sheets-file", "leading-zero.txt", "--new-file", "new.pbe", "--threshold", "2", "--custodians", "3")
	first := s.attend(3)
	s.Expect("DKEK share written to new.pbe, set " + first[0][:4] + "; .*key check value 86387856F364F391")
	s.Expect(`Destroy, wherever they are:\s+every copy of leading-zero.pbe, on paper too`)
	s.End(0)

	// Once more, with the custodians of that set.
	s.writeCodes("names.txt", []string{"# who keeps a sheet", "Alice", "", "Bob", "Žofia"})
	s = begin(t, "dkek", "reshare", "new.pbe", "--new-file", "newer.pbe", "--threshold", "2", "--names", "names.txt")
	for _, code := range first[:2] {
		s.Answer(`Press <enter> when you are alone\. $`, "")
		s.Answer("Code, or Share ID: $", code)
	}
	second := s.attend(3)
	s.End(0)
	s.writeCodes("second.txt", second[1:])
	if out := inspect(t, "newer.pbe", "second.txt"); !strings.Contains(out, "86387856F364F391") {
		t.Errorf("the newest sheets: %s", out)
	}
	s = begin(t, "dkek", "check", "newer.pbe")
	s.Answer(`Press <enter> when you are alone\. $`, "")
	s.Answer("Code, or Share ID: $", first[0])
	s.Expect("this sheet is of set " + first[0][:4] + ", which set " + second[0][:4] + " has replaced")
	s.Answer("Code, or Share ID: $", second[0])
	s.Expect(`The sheet of Alice \(custodian 1\) is good`)
	s.End(0)
}

// TestRekey wraps two keys under a new DKEK, and finds them again with it alone.
func TestRekey(t *testing.T) {
	vectorDesk(t)
	if err := os.Mkdir("out", 0o700); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile("rsa-2048.wrap")
	if err != nil {
		t.Fatal(err)
	}
	s := begin(t, "dkek", "rekey", "new.pbe", "rsa-2048.wrap", "EC-secp256r1.wrap", "--dkek", "dkek.pbe", "--sheets-file", "2-of-4.txt", "--dir", "out", "--threshold", "2", "--custodians", "3")
	codes := s.attend(3)
	s.Expect("DKEK share written to new.pbe")
	s.Expect("rsa-2048.wrap is wrapped anew to out/rsa-2048.wrap")
	s.Expect(`destroy, wherever they are:\s+every copy of rsa-2048.wrap\s+every copy of EC-secp256r1.wrap\s+every copy of dkek.pbe\s+the old sheets`)
	s.End(0)
	s.writeCodes("new.txt", codes[:2])
	old := conclave(t, "key", "recover", "rsa-2048.wrap", "EC-secp256r1.wrap", "--dkek", "dkek.pbe", "--sheets-file", "2-of-4.txt", "--out", "old.pem", "--plain", "--plain")
	now := conclave(t, "key", "recover", "out/rsa-2048.wrap", "out/EC-secp256r1.wrap", "--dkek", "new.pbe", "--sheets-file", "new.txt", "--out", "new.pem", "--plain", "--plain")
	if strings.ReplaceAll(now, "new.pem", "old.pem") != old {
		t.Errorf("the keys are not the same:\n%s\n%s", old, now)
	}
	if after, err := os.ReadFile("rsa-2048.wrap"); err != nil || !bytes.Equal(before, after) {
		t.Error("the old file was touched")
	}
	s = begin(t, "key", "recover", "out/rsa-2048.wrap", "--dkek", "dkek.pbe", "--sheets-file", "2-of-4.txt", "--out", "x.pem", "--plain", "--plain")
	s.Expect("out/rsa-2048.wrap: the key was wrapped under another DKEK")
	s.End(exitWrongSheet)
}

// TestSeveralShares: three files in any order, one of them twice, and an import
// that is interrupted in between.
func TestSeveralShares(t *testing.T) {
	vectorDesk(t)
	t.Setenv("PASSWORD", "correct horse battery staple")
	conclave(t, "hsm", "create")
	conclave(t, "dkek", "create", "a.pbe", "--password", "env:PASSWORD")
	conclave(t, "dkek", "create", "b.pbe", "--password", "env:PASSWORD")
	conclave(t, "hsm", "init", "--pin", "env:PIN", "--so-pin", "env:SOPIN", "--dkek-shares", "3", "--yes")
	if out := conclave(t, "dkek", "import", "a.pbe", "--password", "env:PASSWORD"); !strings.Contains(out, "2 of 3 shares still to be imported") {
		t.Errorf("%s", out)
	}
	content, err := os.ReadFile("a.pbe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("copy.pbe", content, 0o600); err != nil {
		t.Fatal(err)
	}
	s := begin(t, "dkek", "import", "copy.pbe", "--password", "env:PASSWORD")
	s.Expect(`The device has 1 of 3 DKEK shares: a.pbe`)
	s.Expect(`copy.pbe: this DKEK share is in the device; a second time it would cancel itself out`)
	s.End(1)
	s = begin(t, "dkek", "import", "b.pbe", "a.pbe", "copy.pbe", "--password", "env:PASSWORD")
	s.Expect("a.pbe and copy.pbe are the same share file, and would cancel each other out")
	s.End(1)
	s = begin(t, "dkek", "import", "a.pbe", "b.pbe", "--password", "env:PASSWORD")
	s.Expect("a.pbe is in the device already")
	s.Expect("1 of 3 shares still to be imported")
	s.End(0)
	if out := conclave(t, "dkek", "import", "dkek.pbe", "--sheets-file", "2-of-4.txt"); !strings.Contains(out, "complete, key check value ") {
		t.Errorf("%s", out)
	}

	// The same three files give the same DKEK without a device.
	conclave(t, "key", "generate", "--type", "ec:P-256", "--pin", "env:PIN")
	conclave(t, "key", "wrap", "1", "key.wrap", "--pin", "env:PIN")
	public := conclave(t, "key", "public", "1")
	recovered := conclave(t, "key", "recover", "key.wrap", "--dkek", "a.pbe", "--dkek", "b.pbe", "--dkek", "dkek.pbe",
		"--dkek-password", "env:PASSWORD", "--sheets-file", "", "--sheets-file", "", "--sheets-file", "2-of-4.txt", "--out", "key.pem", "--plain", "--plain")
	if !strings.Contains(recovered, public) {
		t.Errorf("recovered %s, the device has %s", recovered, public)
	}

	// A device that is initialised anew takes them again.
	conclave(t, "hsm", "init", "--pin", "env:PIN", "--so-pin", "env:SOPIN", "--dkek-shares", "3", "--yes")
	conclave(t, "dkek", "import", "a.pbe", "--password", "env:PASSWORD")
}
