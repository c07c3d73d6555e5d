package testrun

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// EveryCutVariable, if it is set, lets Cuts leave no place out, which takes long.
const EveryCutVariable = "CONCLAVE_TEST_EVERY_CUT"

// Cuts lets a program be cut off where it changes files. Do runs it with Cut, to that
// call or to its end, which is where it starts; then to calls that are spread over all
// of them, no more than most, or to each if EveryCutVariable is set.
func Cuts(tb testing.TB, most int, do func(at int) (calls int)) {
	tb.Helper()
	calls := do(0)
	step := 1
	if os.Getenv(EveryCutVariable) == "" && calls > most {
		step = (calls + most - 1) / most
	}
	first := 1 + Random(tb).IntN(step)
	for at := first; at <= calls; at += step {
		do(at)
	}
	tb.Logf("%d calls change files; cut off before each %d. of them, from %d on", calls, step, first)
}

// Cut runs a command and kills it before its call number at that changes files; at 0
// lets it run to its end. It gives the number of such calls that it has come to.
func Cut(tb testing.TB, cmd *exec.Cmd, at int) (calls int) {
	tb.Helper()
	runtime.LockOSThread() // who starts a process traces it
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	t := &tracer{process: cmd.Process.Pid, at: at}
	err := t.run()
	cmd.Process.Kill()
	if err != nil {
		tb.Fatalf("tracing %v: %v", cmd.Args, err)
	}
	cmd.Wait() // it is gone, and no one's any more
	if at == 0 && t.status.ExitStatus() != 0 {
		tb.Fatalf("%v: exit status %d", cmd.Args, t.status.ExitStatus())
	}
	return t.calls
}

// tracer follows a process with all its threads.
type tracer struct {
	process, at, calls int
	status             syscall.WaitStatus // how the process ended
}

func (t *tracer) run() error {
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	begun := false
	for {
		var status syscall.WaitStatus
		thread, err := syscall.Wait4(-1, &status, unix.WALL|unix.WNOTHREAD, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if status.Exited() || status.Signaled() {
			if thread == t.process {
				t.status = status
				return nil
			}
			continue
		}
		if !begun {
			if err := syscall.PtraceSetOptions(thread, options); err != nil {
				return err
			}
			begun = true
		}
		if err := t.goOn(thread, status.StopSignal()); err != nil && err != syscall.ESRCH {
			return err
		}
	}
}

// goOn lets a stopped thread go on to its next call, unless that is the one before
// which the process is cut off.
func (t *tracer) goOn(thread int, stopped syscall.Signal) error {
	const inCall = syscall.SIGTRAP | 0x80
	signal := 0
	switch stopped {
	case inCall:
		changes, err := changesFiles(thread)
		if err != nil {
			return err
		}
		if changes {
			t.calls++
			if t.calls == t.at {
				return syscall.Kill(t.process, syscall.SIGKILL)
			}
		}
	case syscall.SIGTRAP, syscall.SIGSTOP: // of a start, or of a new thread
	default:
		signal = int(stopped)
	}
	return syscall.PtraceSyscall(thread, signal)
}

// callInfo is struct ptrace_syscall_info (linux/ptrace.h) of the entry of a call.
type callInfo struct {
	op     uint8
	arch   uint32
	ip, sp uint64
	number uint64
	args   [6]uint64
	_      [4]uint64
}

func changesFiles(thread int) (bool, error) {
	const getCallInfo, entry = 0x420e, 1
	var info callInfo
	if _, _, err := syscall.Syscall6(syscall.SYS_PTRACE, getCallInfo, uintptr(thread), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0); err != 0 {
		return false, err
	}
	if info.op != entry {
		return false, nil
	}
	switch info.number {
	case unix.SYS_PWRITE64, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE,
		unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_UNLINKAT, unix.SYS_MKDIRAT:
		return true, nil
	case unix.SYS_OPENAT:
		return info.args[2]&unix.O_CREAT != 0, nil
	case unix.SYS_WRITE: // not to a terminal, nor to wake a thread
		return info.args[0] > 2 && info.args[2] > 8, nil
	}
	return false, nil
}
