package terminaltest

import "golang.org/x/sys/unix"

// Resize gives the window another size.
func (s *Session) Resize(columns, rows int) {
	s.tb.Helper()
	conn, err := s.Terminal.SyscallConn()
	if err != nil {
		s.tb.Fatal(err)
	}
	size := &unix.Winsize{Col: uint16(columns), Row: uint16(rows)}
	if err2 := conn.Control(func(fd uintptr) { err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size) }); err != nil || err2 != nil {
		s.tb.Fatal(err, err2)
	}
}
