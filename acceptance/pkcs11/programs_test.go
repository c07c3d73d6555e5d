//go:build linux

package pkcs11

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"conclave/acceptance"
	"conclave/internal/foreign"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/token/cryptoki"
	"conclave/token/module"
)

// compiled gives a program of module/test.
func (d *desk) compiled(t *testing.T, name string) string {
	t.Helper()
	foreign.Need(t, "cc")
	program := filepath.Join(d.dir, name)
	d.run(t, "cc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-pthread", "-o", program,
		filepath.Join(here(t), "module/test", name+".c"), filepath.Join(here(t), "module/test/client.c"), "-ldl")
	return program
}

// here is the folder of the module conclave.
func here(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPrograms runs the programs of module/test: each checks every answer. Their numbers
// are small where the machine's speed decides how long they take.
func TestPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand programs")
	}
	d := newDesk(t)
	for _, one := range []struct {
		name  string
		args  []string
		shows string
	}{
		{"threads", []string{"--threads", "32", "--count", "100", "--seed", fmt.Sprint(testrun.Random(t).Uint32())}, "recovered 0\n"},
		{"fork", []string{"--generations", "10", "--forks", "30"}, "generations 10\nforks 30\n"},
		{"loadtime", []string{"--count", "50", "--initialize", "1"}, "load-median "},
		{"others", nil, "seen by others\n"},
		{"clients", []string{"--clients", "1000"}, "signed 1000 of 1000\n"},
	} {
		t.Run(one.name, func(t *testing.T) {
			shown := d.run(t, d.compiled(t, one.name), append([]string{"--module", d.module, "--pin", pin}, one.args...)...)
			if !strings.Contains(shown, one.shows) {
				t.Errorf("%q does not show %q", shown, one.shows)
			}
		})
	}
}

// TestAgentKilled: an agent that is killed again and again under load, and started anew by
// the programs that need it, gives no wrong answer, and the threads go on.
func TestAgentKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("a dozen agents")
	}
	atLeast, most, count := 3, 10, 500
	if testrun.Exhaustive() {
		atLeast, most, count = 100, 100, 20_000
	}
	d := newDesk(t)
	cmd := d.command(d.compiled(t, "threads"), "--module", d.module, "--pin", pin, "--survive", "1", "--threads", "8", "--count", fmt.Sprint(count), "--seed", fmt.Sprint(testrun.Random(t).Uint32()))
	cmd.Stderr = os.Stderr
	shown, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(shown)
	if begun, err := lines.ReadString('\n'); err != nil { // all is prepared when it says so
		t.Fatalf("%q, %v, %v", begun, err, cmd.Wait())
	}
	ended := make(chan string, 1)
	go func() {
		rest, _ := io.ReadAll(lines)
		ended <- string(rest)
	}()
	killed := 0
	for ; len(ended) == 0 && killed < most; killed++ {
		d.run(t, acceptance.Bin("conclave"), "pkcs11", "test", "--pin", "file:pin") // an agent serves, and the threads could log in, too
		d.stopAgent(t, syscall.SIGKILL)
	}
	rest := <-ended
	if err := cmd.Wait(); err != nil || killed < atLeast {
		t.Errorf("after %d kills: %v", killed, err)
	}
	t.Logf("agents killed: %d\n%s", killed, rest)
}

// TestGoProgram uses the module as a program in Go does that has no cgo, and the command
// that tests modules.
func TestGoProgram(t *testing.T) {
	d := newDesk(t)
	t.Setenv("XDG_DATA_HOME", d.dir)
	m, err := module.Open(d.module)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	tokens, err := m.Tokens()
	if err != nil || len(tokens) != 1 || d.uri != "pkcs11:serial="+tokens[0].Serial {
		t.Fatalf("%v, %v", tokens, err)
	}
	s, err := m.Session(tokens[0].Slot)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Login(secret.Bytes(pin)); err != nil {
		t.Fatal(err)
	}
	d.run(t, acceptance.Bin("conclave"), "key", "generate", "--type", "rsa:2048", "--label", "made elsewhere", "--pin", "file:pin")
	keys, err := s.Find(cryptoki.Template{{Type: cryptoki.AttrClass, Value: cryptoki.Number(cryptoki.ClassPrivateKey)}})
	if err != nil || len(keys) != 1 {
		t.Fatalf("%v, %v: the key that another program has made was expected", keys, err)
	}
	label, err := s.Attribute(keys[0], cryptoki.AttrLabel)
	if err != nil || !bytes.Equal(label, []byte("made elsewhere")) {
		t.Errorf("%q, %v", label, err)
	}
	shown := d.run(t, acceptance.Bin("conclave"), "pkcs11", "test", "--pin", "file:pin")
	if !strings.Contains(shown, `key "made elsewhere": sign, and verify`) || !strings.Contains(shown, "PKCS#11 3.2") {
		t.Errorf("%s", shown)
	}
}
