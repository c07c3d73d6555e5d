package terminaltest

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// keepOutput lets nothing of what was shown be dropped by a Ctrl-C. Linux signals
// the program before it empties the queues of the terminal, and so may drop what
// the program has said to the signal. What a pipe shows is kept anyway.
func keepOutput(terminal *os.File) (err error) {
	conn, err := terminal.SyscallConn()
	if err != nil {
		return err
	}
	err2 := conn.Control(func(fd uintptr) {
		var settings *unix.Termios
		if settings, err = unix.IoctlGetTermios(int(fd), unix.TCGETS); err == nil {
			settings.Lflag |= unix.NOFLSH
			err = unix.IoctlSetTermios(int(fd), unix.TCSETS, settings)
		}
	})
	if err2 != nil {
		return err2
	}
	if errors.Is(err, unix.ENOTTY) {
		return nil
	}
	return err
}
