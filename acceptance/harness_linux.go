package acceptance

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"conclave/dkek/dkektest"
	"conclave/internal/pcscdtest"
	"conclave/internal/testrun"
	"conclave/link/pcsc"
)

// binVariable says where the programs are, also in the namespaces that the tests
// go into.
const binVariable = "CONCLAVE_ACCEPTANCE_BIN"

// Main runs the tests of a package, and gives the exit code.
func Main(m *testing.M) int { return builder{pcscdtest.Wrap(m)}.Run() }

// builder builds the programs, if they are not there, before the tests enter a network of
// their own, where no module can be downloaded.
type builder struct{ tests pcscdtest.Runner }

func (b builder) Run() int {
	if os.Getenv(binVariable) != "" {
		return b.tests.Run()
	}
	dir, err := os.MkdirTemp("", "conclave-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command("make", "-s", "-C", "../..", "programs", "BIN="+dir).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
		return 1
	}
	os.Setenv(binVariable, dir)
	return b.tests.Run()
}

// Bin is the path of one of our programs. "practice/NAME" is NAME at the cost of
// practice.
func Bin(name string) string { return filepath.Join(os.Getenv(binVariable), name) }

// Desk is a working directory with embedded devices of its own.
type Desk struct {
	T    *testing.T
	Dir  string
	Path string // PATH
}

// NewDesk makes a desk, which ends with the test.
func NewDesk(t *testing.T) *Desk { return &Desk{t, t.TempDir(), os.Getenv("PATH")} }

// File is the path of a file on the desk.
func (d *Desk) File(name string) string { return filepath.Join(d.Dir, name) }

// Command is a program of this machine, or one of ours: "our conclave".
func (d *Desk) Command(name string, args ...string) *exec.Cmd {
	if own, ours := strings.CutPrefix(name, "our "); ours {
		name = Bin(own)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = d.Dir
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+d.Dir, "PIN=648219", "SOPIN=3537363231383830",
		"LC_ALL=C", "TERM=xterm", "PATH="+d.Path)
	return cmd
}

// Run runs a program to its end, which must be a success, and gives its output.
func (d *Desk) Run(name string, args ...string) string {
	d.T.Helper()
	out, err := d.Command(name, args...).CombinedOutput()
	if err != nil {
		d.T.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Refused runs a program that must fail, and say so.
func (d *Desk) Refused(says, name string, args ...string) {
	d.T.Helper()
	out, err := d.Command(name, args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), says) {
		d.T.Fatalf("%s %s: %v; %q was expected in\n%s", name, strings.Join(args, " "), err, says, out)
	}
}

// Serve keeps an embedded device in the reader, as `conclave hsm serve` does,
// until stop is called: then it must end with success. It returns when a host sees
// the card.
func (d *Desk) Serve(device string) (stop func()) {
	d.T.Helper()
	cmd := d.Command("our conclave", "hsm", "serve", "--device", device)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		d.T.Fatal(err)
	}
	stopped := false
	d.T.Cleanup(func() {
		if !stopped {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	if _, err := pcsc.WaitForCard(testrun.Patience(d.T), ""); err != nil {
		d.T.Fatalf("the served card does not show: %v", err)
	}
	return func() {
		d.T.Helper()
		stopped = true
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			d.T.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			d.T.Fatalf("conclave hsm serve, stopped by SIGTERM: %v", err)
		}
	}
}

// Write writes a file on the desk.
func (d *Desk) Write(name, content string) {
	d.T.Helper()
	if err := os.WriteFile(d.File(name), []byte(content), 0o600); err != nil {
		d.T.Fatal(err)
	}
}

// Equal expects two files on the desk to hold the same.
func (d *Desk) Equal(a, b string) {
	d.T.Helper()
	left, err := os.ReadFile(d.File(a))
	if err != nil {
		d.T.Fatal(err)
	}
	right, err := os.ReadFile(d.File(b))
	if err != nil {
		d.T.Fatal(err)
	}
	if !bytes.Equal(left, right) {
		d.T.Errorf("%s and %s differ", a, b)
	}
}

// Module is OpenSC's PKCS#11 module.
func Module(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/*/opensc-pkcs11.so")
	if err != nil || len(found) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("there is no opensc-pkcs11.so, %v; scripts/install-packages installs it", err)
		}
		t.Skip("NOT TESTED: there is no opensc-pkcs11.so; scripts/install-packages installs it")
	}
	return found[0]
}

// Custodians makes or opens a share file with the expect scripts, which work
// for both tools.
func (d *Desk) Custodians(script string, args ...string) string {
	d.T.Helper()
	return d.Run("expect", append([]string{"-f", Testdata(d.T, "bin/"+script)}, args...)...)
}

// Testdata is the path of a file in testdata.
func Testdata(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// PractisingOpenSC makes a copy of sc-hsm-tool that derives keys at the cost of
// practice, and gives the context to make share files for it. In the copy another
// number is handed to OpenSSL's EVP_BytesToKey as the count of iterations, which on
// x86-64 is the operand of mov $count, %r9d. Elsewhere it is the tool itself, and
// the cost is the real one.
func (d *Desk) PractisingOpenSC() (ctx context.Context, tool string) {
	d.T.Helper()
	program, err := exec.LookPath("sc-hsm-tool")
	if err != nil {
		d.T.Fatal(err)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		d.T.Fatal(err)
	}
	load := func(count uint32) []byte { return binary.LittleEndian.AppendUint32([]byte{0x41, 0xB9}, count) }
	if !bytes.Contains(content, load(10_000_000)) {
		d.T.Logf("%s has its count of iterations elsewhere, and is used as it is", program)
		return d.T.Context(), program
	}
	copied := d.File("practising-sc-hsm-tool")
	if err := os.WriteFile(copied, bytes.ReplaceAll(content, load(10_000_000), load(dkektest.Iterations)), 0o700); err != nil {
		d.T.Fatal(err)
	}
	return dkektest.Practising(d.T.Context()), copied
}
