// Package acceptance judges the programs as their users meet them: the built
// binaries, with the real pcscd, its virtual reader, OpenSC and OpenSSL.
package acceptance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"conclave/internal/pcscdtest"
	"conclave/link/pcsc"
)

func TestMain(m *testing.M) { os.Exit(builder{pcscdtest.Wrap(m)}.Run()) }

// bin is where builder has put the programs.
var bin string

// builder builds the programs before the tests go into a network of their own,
// where no module can be downloaded. There binVariable tells where they are.
type builder struct{ tests pcscdtest.Runner }

const binVariable = "CONCLAVE_ACCEPTANCE_BIN"

func (b builder) Run() int {
	if bin = os.Getenv(binVariable); bin != "" {
		return b.tests.Run()
	}
	dir, err := os.MkdirTemp("", "conclave-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command("go", "build", "-o", dir+"/", "conclave/cmd/...").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
		return 1
	}
	bin = dir
	os.Setenv(binVariable, dir)
	return b.tests.Run()
}

// desk is a working directory with embedded devices of its own.
type desk struct {
	t    *testing.T
	dir  string
	path string // PATH
}

func newDesk(t *testing.T) *desk {
	return &desk{t, t.TempDir(), os.Getenv("PATH")}
}

func (d *desk) file(name string) string { return filepath.Join(d.dir, name) }

// command is a program of this machine, or one of ours: "our conclave".
func (d *desk) command(name string, args ...string) *exec.Cmd {
	if own, ours := strings.CutPrefix(name, "our "); ours {
		name = filepath.Join(bin, own)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+d.dir, "PIN=648219", "SOPIN=3537363231383830",
		"LC_ALL=C", "TERM=xterm", "PATH="+d.path)
	return cmd
}

// run runs a program to its end, which must be good, and gives its output.
func (d *desk) run(name string, args ...string) string {
	d.t.Helper()
	out, err := d.command(name, args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// refused runs a program that must fail, and say so.
func (d *desk) refused(says, name string, args ...string) {
	d.t.Helper()
	out, err := d.command(name, args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), says) {
		d.t.Fatalf("%s %s: %v; %q was expected in\n%s", name, strings.Join(args, " "), err, says, out)
	}
}

// serve keeps an embedded device in the reader, as `conclave hsm serve` does,
// until stop is called: then it must end well. It returns when a host sees the
// card.
func (d *desk) serve(device string) (stop func()) {
	d.t.Helper()
	cmd := d.command("our conclave", "hsm", "serve", "--device", device)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	stopped := false
	d.t.Cleanup(func() {
		if !stopped {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	if _, err := pcsc.WaitForCard(ctx, ""); err != nil {
		d.t.Fatalf("the served card does not show: %v", err)
	}
	return func() {
		d.t.Helper()
		stopped = true
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			d.t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			d.t.Fatalf("conclave hsm serve, stopped by SIGTERM: %v", err)
		}
	}
}

// module is OpenSC's PKCS#11 module.
func module(t *testing.T) string {
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

func testdata(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
