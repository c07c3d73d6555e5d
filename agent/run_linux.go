package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"conclave/internal/safefile"
)

// Run serves until the context ends, or no one has been connected for as long as the
// options say. Requests that were begun are finished. The error is ErrServed if another
// agent serves the home.
//
// Go raises the number of files that a process may have open to the hard limit.
func Run(ctx context.Context, o Options) error {
	unlock, err := o.lock()
	if err != nil {
		return err
	}
	defer unlock()
	s, err := newServer(o)
	if err != nil {
		return err
	}
	defer s.close()
	l, err := o.listen(ctx)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, s.stop)()
	if err := o.Ready(); err != nil {
		return errors.Join(err, l.Close())
	}
	return s.serve(l)
}

// lock takes the home, which two agents never serve.
func (o Options) lock() (unlock func(), err error) {
	if err := safefile.MkdirAll(o.Home.Dir()); err != nil {
		return nil, err
	}
	unlock, err = safefile.Lock(filepath.Join(o.Home.Dir(), "agent.lock"))
	if errors.Is(err, safefile.ErrHeld) {
		err = fmt.Errorf("%w of %s", ErrServed, o.Home.Dir())
	}
	return unlock, err
}

// listen makes the socket, unless systemd has made it.
func (o Options) listen(ctx context.Context) (*net.UnixListener, error) {
	if l, err := activated(); l != nil || err != nil {
		return l, err
	}
	path := o.Path()
	if err := safefile.CheckWay(path); err != nil {
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{Control: forOwner}).Listen(ctx, "unix", path)
	if errors.Is(err, unix.EINVAL) {
		err = fmt.Errorf("%w; the path of a socket has 107 bytes at most, and %s has %d: choose another with --socket", err, path, len(path))
	}
	if err != nil {
		return nil, err
	}
	if err := o.letGroupIn(path); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l.(*net.UnixListener), nil
}

// forOwner sees to it that no one else may connect at any moment: Linux gives the file
// of a socket the mode that the socket has when it gets its name, less the umask.
func forOwner(_, _ string, c syscall.RawConn) error {
	var err error
	if failed := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }); failed != nil {
		return failed
	}
	return err
}

// letGroupIn lets a group connect, if the options name one.
func (o Options) letGroupIn(path string) error {
	if o.Group == "" {
		return nil
	}
	g, err := user.LookupGroup(o.Group)
	if err != nil {
		return fmt.Errorf("--group: %w", err)
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return err
	}
	if err := os.Lchown(path, -1, gid); err != nil {
		return fmt.Errorf("--group: %w; a group that you are in was expected", err)
	}
	return os.Chmod(path, 0o660)
}

// removeStale removes a socket that an agent has left which was killed. Who calls it
// holds the lock of the home; that of another home may still answer there.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s is %s; a socket, or nothing, was expected: choose another path with --socket, or move it away", path, safefile.Kind(info.Mode()))
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return fmt.Errorf("%w at %s, for another home of devices; choose another path with --socket", ErrServed, path)
	}
	return os.Remove(path)
}

// activated is the socket that systemd gives a service (sd_listen_fds(3)); nil if this
// is none.
func activated() (*net.UnixListener, error) {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	const first = 3 // SD_LISTEN_FDS_START
	if n := os.Getenv("LISTEN_FDS"); n != "1" {
		return nil, fmt.Errorf("systemd gives %q sockets; one was expected: see the [Socket] section of the unit", n)
	}
	file := os.NewFile(first, "socket of systemd")
	defer file.Close() // the listener has a copy
	l, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	if l, ok := l.(*net.UnixListener); ok {
		return l, nil
	}
	return nil, errors.Join(fmt.Errorf("systemd gives a socket at %v; one of Unix was expected: ListenStream= with a path", l.Addr()), l.Close())
}

// scarce says whether an error of accepting goes by.
func scarce(err error) bool {
	for _, e := range []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ECONNABORTED} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// peer gives the user of the process that has connected.
func peer(conn *net.UnixConn) (uid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	var refused error
	err = raw.Control(func(fd uintptr) {
		credentials, refused = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = errors.Join(err, refused); err != nil {
		return 0, err
	}
	return int(credentials.Uid), nil
}
