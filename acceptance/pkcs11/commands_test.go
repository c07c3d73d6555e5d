//go:build linux

package pkcs11

import (
	"bufio"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"conclave/acceptance"
	"conclave/internal/pcscdtest"
	"conclave/internal/smalldisk"
	"conclave/internal/testrun"
)

// TestRefusals: what conclave pkcs11 test is refused has the words and the exit statuses
// that it has everywhere, also where PKCS#11 has one for several.
func TestRefusals(t *testing.T) {
	d := newDesk(t)
	d.run(t, acceptance.Bin("conclave"), "hsm", "create", "web")
	d.write(t, "wrong", "000000")
	d.write(t, "text.so", "text")
	for _, tc := range []struct {
		args, kind, text string
		exit             int
	}{
		{"--device none", "not_found", `the module has no token of device "none"; it has: default (`, 11},
		{"--module none.so", "not_found", "none.so: no such file or directory; " + d.dir + " has text.so", 11},
		{"--module text.so", "failure", "load the module: " + d.dir + "/text.so: ", 1},
		{"--device web", "failure", "initialise it first: conclave hsm init --device web", 1},
		{"--pin file:none", "not_found", "", 11},
		{"--pin file:wrong", "wrong_pin", "wrong user PIN; 2 tries left", 10},
		{"--pin file:wrong", "wrong_pin", "wrong user PIN; 1 try left", 10},
		{"--pin file:wrong", "pin_blocked", "the user PIN is blocked; the SO-PIN gives its tries back: conclave hsm pin reset --keep-pin", 10},
		{"--pin file:pin", "pin_blocked", "the user PIN is blocked; ", 10},
	} {
		d.refused(t, "test "+tc.args, tc.kind, tc.text, tc.exit)
	}
	d.run(t, acceptance.Bin("conclave"), "hsm", "init", "--device", "web", "--transport-pin", "--pin", "file:pin", "--so-pin", "env:SOPIN")
	d.refused(t, "test --device web --pin file:pin", "transport_pin", "conclave hsm pin change --device web", 10)
	d.refused(t, "info --device none", "not_found", `there is no device "none"; make it with: conclave hsm create none`, 11)
	d.refused(t, "info --device pcsc:", "failure", "systemctl start pcscd", 1)
	d.stopAgent(t, syscall.SIGTERM)
	d.moveTo(t, t.TempDir())
	d.refused(t, "test", "not_found", "the module has no token; conclave hsm list shows the devices, and conclave hsm create makes one", 11)
	if shown := d.run(t, acceptance.Bin("conclave"), "pkcs11", "info", "ssh"); !strings.Contains(shown, "make it with: conclave hsm create default;") {
		t.Errorf("it does not say that there is no device:\n%s", shown)
	}
}

// TestUnusableDevices: a device that does not open is no token, and why is said.
func TestUnusableDevices(t *testing.T) {
	d := newDesk(t)
	d.write(t, "conclave/devices/broken.device", "no device")
	d.refused(t, "test --device broken", "failure", `device "broken": `, 1)
	d.stopAgent(t, syscall.SIGTERM)
	d.moveTo(t, smalldisk.Mount(t, 2<<20))
	d.write(t, "pin", pin)
	d.run(t, acceptance.Bin("conclave"), "hsm", "create")
	d.run(t, acceptance.Bin("conclave"), "hsm", "init", "--pin", "file:pin", "--so-pin", "env:SOPIN")
	free := smalldisk.Fill(t, d.dir, 0)
	d.refused(t, "test --pin file:pin", "no_space", "free some space and try again", 1)
	free()
	d.run(t, acceptance.Bin("conclave"), "pkcs11", "test", "--pin", "file:pin")
}

// refused runs a command that must fail so.
func (d *desk) refused(t *testing.T, line, kind, text string, exit int) {
	t.Helper()
	_, err := d.command(acceptance.Bin("conclave"), append([]string{"pkcs11", "--json"}, strings.Fields(line)...)...).Output()
	var failed *exec.ExitError
	if !errors.As(err, &failed) {
		t.Fatalf("%s: %v", line, err)
	}
	var told struct{ Error struct{ Text, Kind string } }
	if err := json.Unmarshal(failed.Stderr, &told); err != nil || told.Error.Kind != kind || !strings.Contains(told.Error.Text, text) || failed.ExitCode() != exit {
		t.Errorf("%s: %v, exit status %d, %s; %d, %s with %q was expected", line, err, failed.ExitCode(), failed.Stderr, exit, kind, text)
	}
}

// TestAnotherAgent: with the agent of someone else, whose devices are none of one's own,
// a token is named as its owner names it, or by its serial number.
func TestAnotherAgent(t *testing.T) {
	owner, visitor := newDesk(t), newDesk(t)
	owner.run(t, acceptance.Bin("conclave"), "pkcs11", "test")
	t.Setenv("CONCLAVE_AGENT", owner.dir+"/conclave/agent.sock")
	_, serial, _ := strings.Cut(owner.uri, "=")
	for _, device := range []string{"default", serial} {
		if shown := visitor.run(t, acceptance.Bin("conclave"), "pkcs11", "test", "--device", device, "--pin", "file:pin"); !strings.Contains(shown, serial) {
			t.Errorf("%s is another token:\n%s", device, shown)
		}
	}
	// Its own device of that name has all tries, and is not what refused the PIN.
	visitor.write(t, "wrong", "000000")
	visitor.refused(t, "test --pin file:wrong", "wrong_pin", "CKR_PIN_INCORRECT", 10)
}

// TestReader: a card in a reader is named as everywhere.
func TestReader(t *testing.T) {
	pcscdtest.Start(t)
	d := newDesk(t)
	serve := d.command(acceptance.Bin("conclave"), "hsm", "serve")
	out, err := serve.StdoutPipe()
	if err == nil {
		err = serve.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer serve.Wait()
	defer serve.Process.Kill()
	if lines := bufio.NewScanner(out); !lines.Scan() || !strings.Contains(lines.Text(), "connected") {
		t.Fatalf("%q", lines.Text())
	}
	for patience := testrun.Patience(t); d.command(acceptance.Bin("conclave"), "hsm", "status", "--device", "pcsc:").Run() != nil; {
		if patience.Err() != nil {
			t.Fatal("no card comes into the reader")
		}
	}
	if offered := d.run(t, acceptance.Bin("conclave"), "complete", "bash", "--", "conclave pkcs11 test --device pcsc:V"); !strings.Contains(offered, "\nVirtual\\ PCD\\ 00\\ 00\t") {
		t.Errorf("a shell is offered:\n%s", offered)
	}
	for _, device := range []string{"pcsc:", "pcd 00 00", "pcsc:" + pcscdtest.Reader} {
		var info struct{ Device, URI string }
		told, err := d.command(acceptance.Bin("conclave"), "pkcs11", "info", "ssh", "--device", device, "--json").Output()
		if undecoded := json.Unmarshal(told, &info); err != nil || undecoded != nil || !strings.HasPrefix(info.Device, "pcsc:") || info.URI != d.uri {
			t.Errorf("%s: %v, %v: %s", device, err, undecoded, told)
		}
		if shown := d.run(t, acceptance.Bin("conclave"), "pkcs11", "test", "--device", device, "--pin", "file:pin"); !strings.Contains(shown, "log out") {
			t.Errorf("%s:\n%s", device, shown)
		}
	}
}
