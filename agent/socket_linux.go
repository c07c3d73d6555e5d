package agent

import (
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket is a connection. Who has just asked something asks again soon, and is waited
// for in a read that blocks: that takes half the time that the runtime of Go needs to
// wait for a socket and to be woken. Where too many wait like that, which costs a thread
// each, and where nothing comes, they wait in the lobby.
type socket struct {
	fd    int
	lobby *lobby
	ready chan struct{} // is sent to by the lobby
	// processor is the one that its goroutine's thread is kept to; noProcessor for none.
	processor int
}

const noProcessor = -1

// impatience is how long a socket blocks before it goes to the lobby.
const impatience = 20 * time.Millisecond

// newSocket takes a connection over from the runtime.
func newSocket(conn *net.UnixConn, l *lobby) (*socket, error) {
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &socket{lobby: l, ready: make(chan struct{}, 1), processor: noProcessor}
	var failed error
	err = raw.Control(func(fd uintptr) { s.fd, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		unix.Close(s.fd)
		return nil, err
	}
	return s, nil
}

func (s *socket) prepare() error {
	if err := unix.SetNonblock(s.fd, false); err != nil {
		return err
	}
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		timeout := unix.NsecToTimeval(impatience.Nanoseconds())
		if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, option, &timeout); err != nil {
			return err
		}
	}
	return s.lobby.add(s)
}

// attention is how long a socket looks again and again before it blocks. A processor
// that has gone to sleep takes longer to wake than a client to ask for the next
// signature. Where clients and those who serve them want more processors than there
// are, looking takes one away from who has work.
const attention = 200 * time.Microsecond

// spin reads what comes while it looks; EAGAIN if nothing does. Other processes that
// want the processor have it. Its place in the runtime it keeps: there are others.
func (s *socket) spin(p []byte) (n int, err error) {
	for begun := time.Now(); s.lobby.crowd() == few && time.Since(begun) < attention; {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EAGAIN && errno != unix.EINTR {
			if errno != 0 {
				return 0, errno
			}
			return int(n), nil
		}
		unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
	return 0, unix.EAGAIN
}

// follow has what the goroutine does next done on the processor on which the client's
// thread waits for it, where each client can have a processor of its own: there the one
// goes on where the other stops, and neither has to wake another processor, which on a
// virtual machine takes longer than a signature.
func (s *socket) follow(processor int) {
	if s.lobby.crowd() != some || !isIn(processor, &s.lobby.processors) {
		processor = noProcessor
	}
	if processor == s.processor {
		return
	}
	to := s.lobby.processors
	if processor != noProcessor {
		to.Zero()
		to.Set(processor)
	}
	if s.processor == noProcessor {
		runtime.LockOSThread()
	}
	unix.SchedSetaffinity(0, &to) // if not, it is slower
	if processor == noProcessor {
		runtime.UnlockOSThread()
	}
	s.processor = processor
}

func isIn(processor int, set *unix.CPUSet) bool { return processor >= 0 && set.IsSet(processor) }

// Read implements io.Reader.
func (s *socket) Read(p []byte) (n int, err error) {
	select {
	case s.lobby.eager <- struct{}{}:
		if n, err = s.spin(p); err == unix.EAGAIN {
			n, err = uninterrupted(unix.Read, s.fd, p)
		}
		<-s.lobby.eager
	default:
		err = unix.EAGAIN
	}
	for err == unix.EAGAIN {
		s.follow(noProcessor)
		if err = s.lobby.wait(s, unix.EPOLLIN); err == nil {
			n, err = uninterrupted(unix.Read, s.fd, p)
		}
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// Write implements io.Writer. The answer that no one takes waits in the lobby.
func (s *socket) Write(p []byte) (written int, err error) {
	for written < len(p) && err == nil {
		var n int
		n, err = uninterrupted(unix.Write, s.fd, p[written:])
		if written += n; err == unix.EAGAIN {
			s.follow(noProcessor)
			err = s.lobby.wait(s, unix.EPOLLOUT)
		}
	}
	return written, err
}

// uninterrupted reads or writes, whatever signals come.
func uninterrupted(do func(int, []byte) (int, error), fd int, p []byte) (n int, err error) {
	for {
		if n, err = do(fd, p); err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// Close implements io.Closer.
func (s *socket) Close() error {
	s.follow(noProcessor)
	s.lobby.drop(s)
	return unix.Close(s.fd)
}

// lobby is where sockets wait that nothing comes from, or that take nothing.
type lobby struct {
	eager      chan struct{} // holds one for each socket that blocks a thread
	outside    atomic.Int64  // sockets that wait elsewhere, or are served
	processors unix.CPUSet   // that the agent may use
	share      int           // how many of them it may keep busy: a container has a quota
	epoll      int
	end        [2]int // a pipe: the lobby is left when its second end is closed
	left       chan struct{}

	mu      sync.Mutex
	sockets map[int32]*socket
}

func newLobby() (*lobby, error) {
	l := &lobby{eager: make(chan struct{}, 4*runtime.GOMAXPROCS(0)), left: make(chan struct{}), sockets: map[int32]*socket{}}
	l.share = min(runtime.NumCPU(), runtime.GOMAXPROCS(0))
	err := unix.SchedGetaffinity(0, &l.processors)
	if err != nil {
		return nil, err
	}
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if err = unix.Pipe2(l.end[:], unix.O_CLOEXEC); err != nil {
		unix.Close(l.epoll)
		return nil, err
	}
	if err = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, l.end[0], &unix.EpollEvent{Fd: int32(l.end[0])}); err != nil {
		l.release()
		return nil, err
	}
	go l.call()
	return l, nil
}

func (l *lobby) release() {
	for _, fd := range []int{l.epoll, l.end[0]} {
		unix.Close(fd)
	}
}

// close is called when no socket is left.
func (l *lobby) close() {
	unix.Close(l.end[1])
	<-l.left
	l.release()
}

// crowd is how many clients are served, beside the processors.
type crowd int

// Crowds.
const (
	few  crowd = iota // a client and who serves it have a processor each
	some              // a client has a processor
	many
)

func (l *lobby) crowd() crowd {
	switch clients := int(l.outside.Load()); {
	case 2*clients <= l.share:
		return few
	case clients <= l.share:
		return some
	}
	return many
}

// call calls those whose time it is.
func (l *lobby) call() {
	defer close(l.left)
	events := make([]unix.EpollEvent, 64)
	for {
		n, err := unix.EpollWait(l.epoll, events, -1)
		if err != nil && err != unix.EINTR {
			panic(err) // it is not an epoll instance any more
		}
		for _, e := range events[:max(n, 0)] {
			if int(e.Fd) == l.end[0] {
				return
			}
			l.mu.Lock()
			if s := l.sockets[e.Fd]; s != nil {
				select {
				case s.ready <- struct{}{}:
				default:
				}
			}
			l.mu.Unlock()
		}
	}
}

// add lets a socket wait here, later.
func (l *lobby) add(s *socket) error {
	l.mu.Lock()
	l.sockets[int32(s.fd)] = s
	l.mu.Unlock()
	l.outside.Add(1)
	err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, s.fd, &unix.EpollEvent{Events: unix.EPOLLONESHOT, Fd: int32(s.fd)})
	if err != nil {
		l.drop(s)
	}
	return err
}

func (l *lobby) drop(s *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sockets, int32(s.fd))
	l.outside.Add(-1)
}

// shutdown ends one or both directions of all sockets, wherever they wait.
func (l *lobby) shutdown(how int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sockets {
		unix.Shutdown(s.fd, how)
	}
}

// wait lets a socket wait until it may be read, or written, or has ended. It may return
// too early.
func (l *lobby) wait(s *socket, events uint32) error {
	err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, s.fd, &unix.EpollEvent{Events: events | unix.EPOLLONESHOT, Fd: int32(s.fd)})
	if err == nil {
		l.outside.Add(-1)
		<-s.ready
		l.outside.Add(1)
	}
	return err
}
