//go:build linux

package pkcs11

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"conclave/acceptance"
	"conclave/internal/foreign"
)

func TestMain(m *testing.M) { os.Exit(acceptance.Main(m)) }

// pin of all devices of these tests.
const pin = "648219"

// desk is a working directory with a device, whose agent is started by the programs that
// need one.
type desk struct {
	dir    string
	uri    string // of the device
	pages  map[string][]string
	module string
}

// newDesk makes a desk, which ends with the test.
func newDesk(t *testing.T) *desk {
	t.Helper()
	if _, err := os.Stat(acceptance.Bin("conclave-pkcs11.so")); err != nil {
		foreign.Need(t, "cc")
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "p11-") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &desk{dir: dir, pages: map[string][]string{}, module: acceptance.Bin("conclave-pkcs11.so")}
	d.write(t, "pin", pin)
	t.Cleanup(func() { d.stopAgent(t, syscall.SIGTERM) })
	d.run(t, acceptance.Bin("conclave"), "hsm", "create")
	d.run(t, acceptance.Bin("conclave"), "hsm", "init", "--pin", "file:pin", "--so-pin", "env:SOPIN")
	d.ask(t)
	return d
}

// ask asks conclave pkcs11 info what programs are to be told.
func (d *desk) ask(t *testing.T) {
	t.Helper()
	var info struct {
		Module, URI string
		Programs    []struct {
			Name    string
			Scripts []string
		}
	}
	command := d.command(acceptance.Bin("conclave"), "pkcs11", "info", "--json")
	out, err := command.Output()
	if err == nil {
		err = json.Unmarshal(out, &info)
	}
	if err != nil || info.Module != d.module || info.URI == "" {
		t.Fatalf("%v: %s", err, out)
	}
	d.uri = info.URI
	for _, p := range info.Programs {
		d.pages[p.Name] = p.Scripts
	}
}

func (d *desk) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command is a program on the desk. All that it starts is in its process group.
func (d *desk) command(name string, args ...string) *exec.Cmd {
	path, err := filepath.Abs("testdata/bin")
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+d.dir, "XDG_CONFIG_HOME="+d.dir+"/.config", "HOME="+d.dir, "XDG_RUNTIME_DIR="+d.dir,
		"SOPIN=3537363231383830", "PIN="+pin, "LC_ALL=C", "PATH="+path+":"+os.Getenv("PATH"),
		"MODULE="+d.module, "URI="+d.uri, "CONCLAVE="+acceptance.Bin("conclave"), "SSH_ASKPASS="+path+"/askpass", "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// run runs a program to its end, which must be a success, and gives its output.
func (d *desk) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := d.outputOf(d.command(name, args...))
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// outputOf runs a command whose output goes to a file, so that no server that it leaves
// behind keeps the test waiting, and ends those.
func (d *desk) outputOf(cmd *exec.Cmd) (string, error) {
	shown, err := os.CreateTemp(d.dir, "output-")
	if err != nil {
		return "", err
	}
	defer shown.Close()
	cmd.Stdout, cmd.Stderr = shown, shown
	if err = cmd.Start(); err == nil {
		err = cmd.Wait()
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	out, unread := os.ReadFile(shown.Name())
	return string(bytes.ToValidUTF8(out, nil)), errors.Join(err, unread)
}

// agent gives the process that serves the desk, 0 if none does.
func (d *desk) agent(t *testing.T) (pid int) {
	t.Helper()
	conn, err := net.Dial("unix", filepath.Join(d.dir, "conclave", "agent.sock"))
	if err != nil {
		return 0
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(peer.Pid)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// moveTo has another folder on the desk, whose agent ends before the folder does.
func (d *desk) moveTo(t *testing.T, dir string) {
	d.dir = dir
	t.Cleanup(func() { d.stopAgent(t, syscall.SIGTERM) })
}

// stopAgent ends the agent of the desk with a signal, if there is one.
func (d *desk) stopAgent(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if pid := d.agent(t); pid != 0 {
		if err := syscall.Kill(pid, signal); err != nil {
			t.Error(err)
		}
	}
}
