package link

import (
	"net"
	"syscall"
)

// quickACK makes conn acknowledge at once what it reads. vpcd before March 2023,
// Debian 12's among them, writes a frame's length and its payload apart; then
// its kernel keeps the payload back until ours has acknowledged the length,
// which takes 40 ms, on each command.
func quickACK(conn *net.TCPConn) net.Conn {
	raw, err := conn.SyscallConn()
	if err != nil {
		return conn // closed already, as its first use will say
	}
	return &acknowledging{conn, raw}
}

type acknowledging struct {
	*net.TCPConn
	raw syscall.RawConn
}

// Read sets the option each time, since the kernel takes it back (tcp(7)).
func (a *acknowledging) Read(b []byte) (int, error) {
	n, err := a.TCPConn.Read(b)
	if err != nil {
		return n, err
	}
	return n, a.raw.Control(func(fd uintptr) {
		// Without the option the link is slow, but works.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
}
