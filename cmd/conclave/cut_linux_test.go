package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"conclave/internal/testrun"
)

// cutCommand is a command that is cut off before the calls that change files.
type cutCommand struct {
	args []string // the file is FILE, or the device
	// check looks at a file that has its name.
	check func(content []byte) error
	// says is what a second run may say, if it does not go through.
	says string
}

// TestCommandsCutOff: after a kill each file that has its name is whole, and the same
// command goes through, or says why not and what to do.
func TestCommandsCutOff(t *testing.T) {
	home(t)
	dir := t.TempDir()
	writeVectors(t, dir)
	t.Chdir(dir)
	if err := os.WriteFile("sheets", []byte("prime dc:5f:8e:b5:1a:19:87:ff\nshare 2 9c:95:b7:e2:b3:92:fc:e3\nshare 4 46:cb:c3:f1:3e:cc:37:8e\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	conclave(t, "hsm", "init", "--pin", "env:PIN", "--so-pin", "env:SOPIN", "--dkek-shares", "0")
	conclave(t, "key", "generate", "--type", "ec:P-256", "--pin", "env:PIN")
	const exists = `FILE: file already exists(; choose another name or move it away|: an earlier run was cut off when it had written all of it, and it has its name now)`
	const settle = exists + `|conclave ca settle`
	commands := map[string]cutCommand{
		"key wrap":    {[]string{"key", "wrap", "1", "FILE", "--pin", "env:PIN"}, isWrapFile, exists},
		"key sign":    {[]string{"key", "sign", "1", "--algorithm", "ecdsa-sha256", "--in", "rsa-2048.wrap", "--out", "FILE", "--pin", "env:PIN"}, isSequence, exists},
		"key recover": {[]string{"key", "recover", "rsa-2048.wrap", "EC-secp256r1.wrap", "--dkek", "dkek.pbe", "--sheets-file", "sheets", "--out", "FILE", "--plain", "--plain"}, isTwoKeys, exists},
		"dkek create": {[]string{"dkek", "create", "FILE", "--password", "correct horse"}, isShareFile, exists},
		"ca root":     {[]string{"ca", "root", "1", "FILE", "--register", "FILE.sqlite", "--subject", "CN=Acme Root,O=Acme Ltd,C=CH", "--until", "2046-10-31", "--pin", "env:PIN"}, isCertificate, settle},
		"ca request":  {[]string{"ca", "request", "1", "FILE", "--subject", "CN=Acme Sub,O=Acme Ltd,C=CH", "--pin", "env:PIN"}, isPEM, exists},
		"hsm create":  {[]string{"hsm", "create", "FILE"}, nil, `device "FILE": file already exists; choose another name, or delete it first with: conclave hsm delete FILE`},
		"hsm delete":  {[]string{"hsm", "delete", "FILE", "--yes"}, nil, `there is no device "FILE"`},
	}
	for name, c := range commands {
		t.Run(name, func(t *testing.T) {
			testrun.Cuts(t, 3, func(at int) int { return c.cut(t, strings.ReplaceAll(name, " ", "-"), at) })
		})
	}
}

// cut cuts the command off, for a file of its own, and runs it again.
func (c cutCommand) cut(t *testing.T, name string, at int) (calls int) {
	t.Helper()
	file := filepath.Base(t.TempDir()) + "-" + name
	args := strings.Split(strings.ReplaceAll(strings.Join(c.args, "\x00"), "FILE", file), "\x00")
	if c.args[1] == "delete" {
		conclave(t, "hsm", "create", file)
	}
	calls = testrun.Cut(t, exec.Command("conclave", args...), at)
	c.checkFile(t, file)
	out, err := exec.Command("conclave", args...).CombinedOutput()
	if err != nil && !regexp.MustCompile(strings.ReplaceAll(c.says, "FILE", file)).Match(out) {
		t.Errorf("cut off before call %d, the second run says: %s", at, out)
	}
	if err == nil && at == 0 {
		t.Errorf("where all is done a second run goes through: %s", out)
	}
	c.checkFile(t, file)
	if c.check == nil && err == nil && c.args[1] == "create" {
		conclave(t, "hsm", "status", "--device", file)
	}
	if left, err := filepath.Glob("*.unfinished"); err != nil || len(left) > 0 {
		t.Errorf("cut off before call %d, and run again: %v are left; it said %s", at, left, out)
	}
	checkHidden(t)
	return calls
}

// checkHidden allows a new register that has no name yet, and is empty.
func checkHidden(t *testing.T) {
	t.Helper()
	hidden, err := filepath.Glob(".conclave-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range hidden {
		if content, err := os.ReadFile(path); err != nil || len(content) > 0 && !bytes.HasPrefix(content, []byte("SQLite format 3")) {
			t.Errorf("%s is left, and holds %q, %v", path, content, err)
		}
	}
}

func (c cutCommand) checkFile(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) || c.check == nil {
		return
	}
	if err == nil {
		err = c.check(content)
	}
	if err != nil {
		t.Errorf("%s has its name, and %v:\n%s", file, err, content)
	}
}

func isWrapFile(content []byte) error {
	if len(content) < 100 || content[0] != 0x30 {
		return errors.New("is no wrapped key")
	}
	return nil
}

func isSequence(content []byte) error {
	if len(content) < 68 || content[0] != 0x30 {
		return errors.New("is no signature")
	}
	return nil
}

func isShareFile(content []byte) error {
	if len(content) != 64 || !bytes.HasPrefix(content, []byte("Salted__")) {
		return errors.New("is no share file")
	}
	return nil
}

func isPEM(content []byte) error {
	if block, rest := pem.Decode(content); block == nil || len(rest) > 0 {
		return errors.New("is no PEM")
	}
	return nil
}

func isCertificate(content []byte) error {
	block, _ := pem.Decode(content)
	if block == nil {
		return isPEM(content)
	}
	_, err := x509.ParseCertificate(block.Bytes)
	return err
}

func isTwoKeys(content []byte) error {
	_, rest := pem.Decode(content)
	return isPEM(rest)
}
