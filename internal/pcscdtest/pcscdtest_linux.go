package pcscdtest

import (
	"bytes"
	"conclave/internal/testrun"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The readers of Debian's /etc/reader.conf.d/vpcd, and where each waits for its
// card.
const (
	Reader       = "Virtual PCD 00 00"
	VPCD         = "127.0.0.1:35963"
	SecondReader = "Virtual PCD 00 01"
	SecondVPCD   = "127.0.0.1:35964"
)

const (
	daemon  = "/usr/sbin/pcscd"
	drivers = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so*"
	runDir  = "/run/pcscd"
	socket  = runDir + "/pcscd.comm"
)

// variable tells, in the environment, how Wrap has left this process: inside
// the namespaces, or outside and for which reason.
const (
	variable = "CONCLAVE_PCSCDTEST"
	inside   = "inside"
)

// Runner is what TestMain is given: a *testing.M, or what wraps it.
type Runner interface{ Run() int }

// Wrap returns a Runner that runs the tests of m inside the namespaces, or here
// if that is not possible.
func Wrap(m Runner) Runner { return wrapped{m} }

type wrapped struct{ tests Runner }

func (w wrapped) Run() int {
	if os.Getenv(variable) == inside {
		if err := prepare(); err != nil {
			fmt.Fprintln(os.Stderr, "pcscdtest:", err)
			return 1
		}
		return w.tests.Run()
	}
	child, err := startInside()
	if err != nil {
		os.Setenv(variable, err.Error())
		return w.tests.Run()
	}
	if err := child.Wait(); err != nil && child.ProcessState.ExitCode() <= 0 {
		fmt.Fprintln(os.Stderr, "pcscdtest: the tests in their own namespaces:", err)
		return 1
	}
	return child.ProcessState.ExitCode()
}

// missing says which of pcscdtest's needs is not there.
func missing() error {
	if os.Geteuid() != 0 {
		return errors.New("namespaces need root")
	}
	if _, err := os.Stat(daemon); err != nil {
		return fmt.Errorf("%w; install the package pcscd", err)
	}
	if found, _ := filepath.Glob(drivers); len(found) == 0 {
		return fmt.Errorf("no %s; install the package vsmartcard-vpcd", drivers)
	}
	return nil
}

// startInside runs this test binary again, in new namespaces.
func startInside() (*exec.Cmd, error) {
	if err := missing(); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), variable+"="+inside)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		Pdeathsig:    syscall.SIGKILL,
	}
	return cmd, cmd.Start()
}

// prepare sets the namespaces up: a loopback, and an empty /run/pcscd.
func prepare() error {
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", runDir, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mounting %s: %w", runDir, err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	loopback.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, loopback); err != nil {
		return fmt.Errorf("bringing the loopback up: %w", err)
	}
	return nil
}

// PCSCD is a running pcscd.
type PCSCD struct {
	command []string
	ready   func() bool
	cmd     *exec.Cmd
	output  bytes.Buffer
}

// Start runs pcscd until the end of the test, which must not run in parallel
// with another. It returns when pcscd takes connections and vpcd waits for
// cards.
func Start(tb testing.TB) *PCSCD {
	tb.Helper()
	return (&PCSCD{command: []string{daemon, "--foreground"}, ready: ready}).begin(tb)
}

// StartOnDemand is Start with a pcscd that is not there before its first client, as
// systemd has it.
func StartOnDemand(tb testing.TB) *PCSCD {
	tb.Helper()
	return (&PCSCD{command: []string{"systemd-socket-activate", "--listen=" + socket, daemon, "--foreground", "--auto-exit"}, ready: awaited}).begin(tb)
}

func (p *PCSCD) begin(tb testing.TB) *PCSCD {
	tb.Helper()
	switch state := os.Getenv(variable); {
	case state == inside:
	case state == "":
		tb.Fatal("pcscdtest: TestMain of this package must run its tests with pcscdtest.Wrap")
	case os.Getenv("CI") != "":
		tb.Fatal("pcscdtest: no pcscd to test with:", state)
	default:
		tb.Skip("pcscdtest: NOT TESTED, no pcscd to test with:", state)
	}
	p.start(tb)
	tb.Cleanup(func() {
		p.Stop(tb)
		if tb.Failed() {
			tb.Logf("pcscd wrote:\n%s", p.output.Bytes())
		}
	})
	return p
}

// Restart stops pcscd and starts another.
func (p *PCSCD) Restart(tb testing.TB) {
	tb.Helper()
	p.Stop(tb)
	p.start(tb)
}

// Stop ends pcscd, if it runs.
func (p *PCSCD) Stop(tb testing.TB) {
	tb.Helper()
	if p.cmd == nil {
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		tb.Errorf("stopping pcscd: %v", err)
	}
	p.cmd.Wait()
	p.cmd = nil
}

func (p *PCSCD) start(tb testing.TB) {
	tb.Helper()
	p.cmd = exec.Command(p.command[0], p.command[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		tb.Fatalf("starting pcscd: %v", err)
	}
	ctx := testrun.Patience(tb)
	for !p.ready() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			tb.Fatalf("pcscd did not get ready; it wrote:\n%s", p.output.Bytes())
		}
	}
}

// ready tells whether pcscd takes connections and both virtual readers wait for
// cards. It does not connect to these: that would be a card.
func ready() bool {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return false
	}
	conn.Close()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return false
	}
	const listening = " 00000000:0000 0A "
	return strings.Contains(string(table), ":8C7B"+listening) && strings.Contains(string(table), ":8C7C"+listening)
}

// awaited tells whether someone listens at pcscd's socket. A connection would start pcscd.
func awaited() bool {
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return false
	}
	return regexp.MustCompile(`(?m)^\S+ \S+ \S+ 00010000 .* ` + socket + `$`).Match(table)
}
