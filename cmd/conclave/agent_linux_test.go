package main

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"conclave/internal/smalldisk"
	"conclave/internal/testrun"
)

// agentHome is a home for agents, and what is in it.
type agentHome struct {
	*testing.T
	dir string
}

func newAgentHome(t *testing.T, data string) agentHome {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", data)
	t.Setenv("XDG_RUNTIME_DIR", "")
	h := agentHome{t, filepath.Join(data, "conclave")}
	t.Cleanup(func() { h.end(h.agents()) })
	return h
}

func (h agentHome) socket() string { return filepath.Join(h.dir, "agent.sock") }

// agents are the processes that hold the lock of the home, as the system lists them.
func (h agentHome) agents() (pids []int) {
	h.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		h.Fatal(err)
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || target != filepath.Join(h.dir, "agent.lock") {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(link, "/")[2]); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// end lets agents end, and waits until no one answers.
func (h agentHome) end(pids []int) {
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGTERM)
	}
	for patience := testrun.Patience(h); len(h.agents()) > 0; {
		if patience.Err() != nil {
			h.Fatal("an agent does not end")
		}
	}
}

// answers connects to the agent.
func (h agentHome) answers() {
	h.Helper()
	conn, err := net.Dial("unix", h.socket())
	if err != nil {
		h.Fatal(err)
	}
	conn.Close()
}

// TestAgentStart starts an agent from many programs at once, over what a killed one has
// left. One serves, and all of them find it.
func TestAgentStart(t *testing.T) {
	h := newAgentHome(t, t.TempDir())
	for _, after := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				start := exec.Command("conclave", "agent", "--start")
				inherited, err := os.Open("/dev/null")
				if err != nil {
					t.Error(err)
					return
				}
				defer inherited.Close()
				start.ExtraFiles = []*os.File{inherited}
				if out, err := start.CombinedOutput(); err != nil || len(out) > 0 {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
		all.Wait()
		h.answers()
		agents := h.agents()
		if len(agents) != 1 {
			t.Fatalf("agents: %v", agents)
		}
		h.lookAt(agents[0])
		second := exec.Command("conclave", "agent")
		if out, err := second.CombinedOutput(); second.ProcessState.ExitCode() != exitExists || !strings.Contains(string(out), "nothing is left to do") {
			t.Errorf("a second one: %v: %s", err, out)
		}
		syscall.Kill(agents[0], after)
		h.end(nil)
		if _, err := os.Lstat(h.socket()); (err == nil) != (after == syscall.SIGKILL) {
			t.Errorf("after %v the socket: %v", after, err)
		}
	}
}

// lookAt looks at what an agent has made of itself.
func (h agentHome) lookAt(pid int) {
	h.Helper()
	if session, _, err := syscall.Syscall(syscall.SYS_GETSID, uintptr(pid), 0, 0); int(session) != pid {
		h.Errorf("the agent is in session %d, %v", session, err)
	}
	files, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*"))
	if err != nil || len(files) == 0 {
		h.Fatal(files, err)
	}
	for _, file := range files {
		target, err := os.Readlink(file)
		number := filepath.Base(file)
		switch {
		case err != nil:
		case number == "0" || number == "1":
			if target != os.DevNull {
				h.Errorf("file %s of the agent is %s", number, target)
			}
		case number == "2":
			if target != filepath.Join(h.dir, "agent.log") {
				h.Errorf("it complains to %s", target)
			}
		case target == os.DevNull:
			h.Errorf("file %s of the agent is one of who has started it", number)
		}
	}
	for name, mode := range map[string]fs.FileMode{"agent.sock": 0o600 | fs.ModeSocket, "agent.lock": 0o600, "agent.log": 0o600} {
		if info, err := os.Lstat(filepath.Join(h.dir, name)); err != nil || info.Mode() != mode {
			h.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// TestAgentRefusesToStart: what is in the way is said, and by the one who is asked.
func TestAgentRefusesToStart(t *testing.T) {
	h := newAgentHome(t, t.TempDir())
	if err := os.MkdirAll(h.socket(), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"agent"}, {"agent", "--start"}} {
		out, err := exec.Command("conclave", args...).CombinedOutput()
		want := "conclave: " + h.socket() + " is a folder; a socket, or nothing, was expected: choose another path with --socket, or move it away\n"
		if err == nil || string(out) != want {
			t.Errorf("%q: %v: %s", args, err, out)
		}
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if out, err := exec.Command("conclave", "agent", "--socket", long).CombinedOutput(); err == nil || !strings.Contains(string(out), "107 bytes at most") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestAgentOfSystemd gets its socket from who starts it, and leaves it there.
func TestAgentOfSystemd(t *testing.T) {
	h := newAgentHome(t, t.TempDir())
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	service := exec.Command("sh", "-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec conclave agent")
	service.ExtraFiles = []*os.File{socket}
	out, err := service.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	if lines := bufio.NewScanner(out); !lines.Scan() {
		t.Error("it says nothing")
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(make([]byte, 8)); err != nil { // what is malformed it ends
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("it answers that")
	}
	service.Process.Signal(syscall.SIGTERM)
	if err := service.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(h.socket()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a socket of its own: %v", err)
	}
}

// TestAgentOnAFullDisk begins all the same where its files exist, or says why not.
func TestAgentOnAFullDisk(t *testing.T) {
	disk := smalldisk.Mount(t, 1<<20)
	h := newAgentHome(t, disk)
	conclave(t, "agent", "--start")
	h.end(h.agents())
	free := smalldisk.Fill(t, disk, 0)
	defer free()
	out, err := exec.Command("conclave", "agent", "--start").CombinedOutput()
	if err != nil && !strings.Contains(string(out), "no space left") {
		t.Errorf("%v: %s", err, out)
	}
	if err == nil {
		h.answers()
	}
}
