package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"conclave/internal/safefile"
)

// Start waits so long, and begins once more where an agent is killed before it serves, so
// often.
const (
	startFor = 30 * time.Second
	maxKills = 5
)

// Start sees to it that an agent answers: it runs this program with arguments that make
// it an agent in the background, unless there is one. If several do so at once, one agent
// serves, and all find it.
func Start(ctx context.Context, o Options, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, startFor)
	defer cancel()
	for kills := 0; ; {
		if answers(ctx, o.Path()) {
			return nil
		}
		says, err := spawn(args)
		if wasKilled(err) && kills < maxKills { // by who ends agents, and means the one before
			kills++
			continue
		}
		if err != nil || says == SaysReady {
			return err
		}
		if says != SaysServed {
			return errors.New(says)
		}
		select { // it begins, or ends, or serves at another socket
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%w, but none answers at %s: %w", ErrServed, o.Path(), ctx.Err())
		}
	}
}

// wasKilled says whether a signal has ended an agent.
func wasKilled(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}

// answers says whether an agent answers at a socket.
func answers(ctx context.Context, path string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return false
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write(request(callHello, func(w *writer) { w.number(protocolVersion); w.number(0); w.string(nil) })); err != nil {
		return false
	}
	_, err = io.ReadFull(conn, make([]byte, headerBytes))
	return err == nil
}

// spawn runs an agent in a session of its own, with nothing open of what this process
// has inherited, and gives the first line that it says.
func spawn(args []string) (says string, err error) {
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return "", fmt.Errorf("close_range: %w", err)
	}
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Args[0] = os.Args[0]
	cmd.Dir, cmd.Stdout = "/", in
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	in.Close()
	if err != nil {
		return "", err
	}
	lines := bufio.NewScanner(out)
	if lines.Scan() {
		return lines.Text(), cmd.Process.Release()
	}
	return "", fmt.Errorf("the agent ended before it served: %w", errors.Join(lines.Err(), cmd.Wait()))
}

// Detach lets this agent write to a log what it has to say, and leaves the one who has
// started it alone, who is told so before.
func Detach(logPath string, tell func()) error {
	l, err := openLog(logPath)
	if err != nil {
		return err
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(l, nil)))
	if err := unix.Dup3(int(l.file.Fd()), syscall.Stderr, 0); err != nil { // what Go says of a panic is in the log, too
		return err
	}
	tell()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	return unix.Dup3(int(null.Fd()), syscall.Stdout, 0)
}

// maxLog is how many bytes the log of an agent may have; then it begins anew.
const maxLog = 1 << 20

// boundedLog is a file that does not grow for ever. slog writes to it one entry after the
// other.
type boundedLog struct {
	file *os.File
	size int
}

func openLog(path string) (*boundedLog, error) {
	if err := safefile.CheckWay(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &boundedLog{file, int(info.Size())}, nil
}

// Write implements io.Writer.
func (l *boundedLog) Write(entry []byte) (int, error) {
	if l.size+len(entry) > maxLog {
		if err := l.file.Truncate(0); err != nil {
			return 0, err
		}
		l.size = 0
	}
	n, err := l.file.Write(entry)
	l.size += n
	return n, err
}
